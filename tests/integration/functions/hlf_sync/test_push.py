"""One mentor whom the portal cannot take affects no other mentor (H3)."""

from datetime import date
from uuid import UUID

import pytest

from local.portal_tables import Fault
from support.aws import Clients
from support.cluster import Cluster
from support.portal import MENTORS
from support.portal_wrappers import Overtaken
from support.roster import ORG, YESTERDAY, Roster
from support.sync import BEFORE, MONDAY, PortalRows, SyncNight, drift, ids, open_sync

PAGE_SIZE = 5


def test_a_mentor_for_whom_the_portal_fails_is_an_error_and_the_others_go_on(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: after three tries; the next run sends the mentor."""
    night.fail("unavailable", times=3, after=BEFORE + 1)
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    assert portal.paused() == {str(m) for m in mentors} - {str(mentors[1])}
    (line,) = night.lines("mentor not synced")
    assert (line["mentor_id"], line["reason"]) == (str(mentors[1]), "the portal failed (HTTP 503)")
    assert drift(night) == 1
    assert night.sync("night-2")["mentor_ids_synced"] == [str(mentors[1])]
    assert drift(night) == 0


def test_an_update_whose_answer_was_lost_is_repeated_and_changes_nothing(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: the update is idempotent."""
    night.fail("answer lost", "answer lost", after=BEFORE)
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert len(night.portal.table(MENTORS).rows) == 5
    assert drift(night) == 0


def test_a_mentor_whom_the_portal_does_not_know_is_named_and_never_created(
    night: SyncNight, mentors: list[UUID], roster: Roster, portal: PortalRows
) -> None:
    """H3: the others are sent; once HLF has entered the mentor, the next run sends them too."""
    rows = night.portal.table(MENTORS).rows
    lost = next(k for k, row in rows.items() if row["hlf_mentornumber"] == str(mentors[2]))
    del rows[lost]
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[2])]
    assert summary["synced_count"] == 4
    assert str(mentors[2]) not in portal.statuses()
    error = roster.log()[0]["error"]
    assert error.startswith("1 error: 1 ")
    assert "the portal knows no mentor with this key" in error
    assert f"such as mentor {mentors[2]}" in error
    portal.add(mentors[2])
    assert night.sync("night-2")["synced_count"] == 1
    assert drift(night) == 0


def test_an_inactive_mentor_need_not_be_in_the_portal(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """The portal does not show them, so this is not an error every night."""
    mentor = roster.add_mentor(status="inactive")
    assert night.sync()["mentor_ids_errored"] == []
    assert (drift(night), portal.statuses()) == (0, {})
    assert night.portal_database.list_states(ORG, [mentor])[0].is_synced


def test_a_key_may_have_a_quote_and_a_key_with_a_slash_is_an_error(
    night: SyncNight, mentors: list[UUID], roster: Roster, portal: PortalRows
) -> None:
    """H3: Dataverse takes no key with a slash; the error is that mentor's own."""
    for mentor, key in zip(mentors, ("O'Brien", "a/b"), strict=False):
        roster.db.execute("update peer_mentors set portal_key = %s where id = %s", (key, mentor))
        portal.add(key)
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    assert portal.statuses()["O'Brien"] == "paused"
    assert portal.statuses()["a/b"] == "active"


def test_a_portal_that_refuses_every_mentor_gets_five_requests(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """H3: the run ends at once, and each mentor has a reason."""
    mentors = roster.add_mentors(12)
    with open_sync(aws, roster, cluster, page_size=12) as night:
        PortalRows(night.portal).add(*mentors)
        night.fail("forbidden", times=1000, after=1)
        summary = night.sync()
        assert summary["mentor_ids_errored"] == ids(mentors)
        assert len(night.asked("PATCH")) == 5
        refused = "the portal refused the request (HTTP 403 0x80040220)"
        (line,) = night.lines("run completed")
        assert [(e["reason"], e["count"]) for e in line["errors"]] == [
            (f"not sent, because the portal refused every mentor: {refused}", 7),
            (refused, 5),
        ]


def test_a_row_of_another_business_unit_affects_only_its_mentor(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """H3: however many such rows there are, all other mentors are sent in the same night."""
    mentors = roster.add_mentors(25)
    with open_sync(aws, roster, cluster, page_size=25) as night:
        PortalRows(night.portal).add(*mentors)
        night.portal.foreign = set(ids(mentors[:12]))
        summary = night.sync()
        assert summary["mentor_ids_errored"] == ids(mentors[:12])
        assert summary["synced_count"] == 13
        (group,) = night.lines("run completed")[0]["errors"]
        assert (group["count"], group["reason"]) == (
            12, "the portal refused the request (HTTP 403 0x80048306)",
        )  # fmt: skip


@pytest.mark.parametrize("fault", ["other record", "other object"])
def test_a_404_about_another_record_does_not_count_as_a_missing_mentor(
    night: SyncNight, roster: Roster, portal: PortalRows, fault: Fault
) -> None:
    """H3: otherwise an inactive mentor would count as synced, and be shown for ever."""
    mentor = roster.add_mentor(status="inactive")
    portal.add(mentor)
    night.fail(fault)
    assert night.sync()["mentor_ids_errored"] == [str(mentor)]
    assert "although the mentor is there" in str(roster.log()[0]["error"])
    night.fail()
    assert night.sync("night-2")["mentor_ids_synced"] == [str(mentor)]
    assert portal.statuses()[str(mentor)] == "inactive"


def test_a_mentor_who_is_deleted_during_the_push_is_skipped(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """The mentor is deleted in the database."""
    mentor = roster.add_mentor()
    portal.add(mentor)

    def gone() -> None:
        roster.db.execute("delete from peer_mentors")

    meanwhile = [gone]
    night.take_from(lambda remaining: Overtaken(night.open_portal(remaining), meanwhile))
    summary = night.sync()
    assert (summary["skipped_count"], summary["error_count"]) == (1, 0)


def test_mentors_whom_the_portal_cannot_update_do_not_delay_the_others(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: the portal answers the ping, so only these mentors are errors; in any order."""
    night.portal.failing = {str(mentor) for mentor in mentors[:2]}
    assert night.sync()["mentor_ids_errored"] == ids(mentors[:2])
    assert portal.paused() == {str(m) for m in mentors[2:]}
    night.portal.failing = {str(mentors[4])}
    assert night.sync("night-2")["mentor_ids_synced"] == ids(mentors[:2])


def test_if_the_remaining_mentors_cannot_be_counted_one_is_assumed(
    night: SyncNight, mentors: list[UUID], roster: Roster
) -> None:
    """H4: an unnecessary run is better than a missing one; the run itself completes."""
    roster.db.execute("drop function count_unsynced_since_run")
    assert night.sync()["synced_count"] == len(mentors)
    assert night.events.details[-1]["left_count"] == 1
    assert len(night.lines("unsynced mentors not counted")) == 1


def test_a_mentor_with_a_new_key_gets_the_certification_of_that_key(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1: earlier readings skipped the row; the sync also sends the state under the new key."""
    first = roster.add_mentor(YESTERDAY)
    portal.add(first, "HLF-7")
    portal.certify("hlf-7", date(2028, 5, 31), MONDAY)
    night.sync()
    roster.db.execute("update peer_mentors set portal_key = 'hlf-7'")
    summary = night.sync("night-2")
    assert (summary["renewed_count"], summary["mentor_ids_synced"]) == (1, [str(first)])
    assert drift(night) == 1  # the row under the old key


def test_a_failed_mark_affects_only_its_mentor(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """E5: the mentor is sent and not marked, so the next run sends them again."""
    mentors = roster.add_mentors(3)
    portal.add(*mentors)
    roster.fail_for(mentors[1], "insert on portal_sync_state", "new.mentor_id")
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    (line,) = night.lines("mentor not synced")
    assert (line["sqlstate"], line["reason"]) == ("P0001", "no way")
    roster.db.execute("drop trigger refuse on portal_sync_state")
    assert night.sync("night-2")["synced_count"] == 1


def test_the_log_names_mentors_only_by_id(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """E13: the log has no keys, no days, and no messages of the portal."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.db.execute("update peer_mentors set portal_key = 'Kari Nordmann'")
    portal.certify("Kari Nordmann", date(2028, 5, 31), MONDAY)
    night.fail("forbidden", after=BEFORE)
    night.sync()
    night.sync("night-2")
    text = night.output.getvalue()
    assert str(mentor) in text
    for secret in ("Kari", "Nordmann", "2028", "prvWrite", "the-portals-secret"):
        assert secret not in text
