"""The portal sync from the trigger to the summary, without failures (H1-H4)."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from mentor_pause.errors import ConfigurationError
from mentor_pause.portal import NoPortal
from support.cluster import Cluster
from support.night import Clients, run_id
from support.portal import CERTIFICATIONS, MENTORS
from support.portal_wrappers import Meanwhile
from support.roster import ORG, YESTERDAY, Roster
from support.sync import SYNC, PortalRows, SyncNight, open_sync, pause

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.fixture
def night(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[SyncNight]:
    """Pages of three mentors."""
    with open_sync(aws, roster, cluster) as found:
        yield found


@pytest.fixture
def portal(night: SyncNight) -> PortalRows:
    """The portal's rows, as people see and edit them."""
    return PortalRows(night.portal)


def test_a_sync_sends_only_states_that_the_portal_does_not_have(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1, E7: the summary has counts of its own; a synced mentor is not sent again."""
    mentors = roster.add_mentors(5)
    portal.add(*mentors)
    assert night.sync() == {
        "job_run_id": str(run_id(job=SYNC)),
        "processed_count": 5,
        "synced_count": 5,
        "skipped_count": 0,
        "error_count": 0,
        "errors": [],
        "renewed_count": 0,
        "mentor_ids_synced": [str(mentor) for mentor in mentors],
        "mentor_ids_errored": [],
    }
    night.forget()
    pause(roster, mentors[1], mentors[4])
    summary = night.sync("night-2")
    assert summary["mentor_ids_synced"] == [str(mentors[1]), str(mentors[4])]
    assert portal.paused() == {str(mentors[1]), str(mentors[4])}
    assert len(night.asked("PATCH")) == 2
    row = roster.log()[-1]
    assert (row["processed_count"], row["synced_count"], row["paused_count"]) == (2, 2, 0)
    assert (row["status"], row["renewed_count"], row["error"]) == ("completed", 0, None)
    event = night.events.details[-1]
    assert (event["synced_count"], event["paused_count"], event["left_count"]) == (2, 0, 0)


def test_a_sync_sends_status_reason_and_day(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1: in the portal's own values."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    pause(roster, mentor)
    night.sync()
    (row,) = night.portal.table(MENTORS).rows.values()
    (day,) = roster.rows("select (now() at time zone 'Europe/Oslo')::date::text as d")
    assert (row["hlf_status"], row["hlf_statusreason"], row["hlf_statusfrom"]) == (
        100000001, 100000021, day["d"],
    )  # fmt: skip
    assert (row["statecode"], row["statuscode"]) == (0, 100000010)


def test_a_sync_without_anything_to_send_still_reads_the_portal(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1: renewals must arrive on quiet nights as well."""
    mentor = roster.add_mentor(YESTERDAY)
    portal.add(mentor)
    night.sync()
    night.forget()
    portal.certify(mentor, date(2028, 5, 31), MONDAY)
    summary = night.sync("night-2")
    assert (summary["processed_count"], summary["skipped_count"]) == (1, 1)
    assert (summary["renewed_count"], night.asked("PATCH")) == (1, [])
    assert expiries(roster, mentor) == [YESTERDAY, date(2028, 6, 1)]


def expiries(roster: Roster, mentor: UUID) -> list[date]:
    """Return a mentor's days of expiry."""
    rows = roster.rows("select expires_on from certifications where mentor_id = %s", mentor)
    return sorted(row["expires_on"] for row in rows)


def test_a_renewal_is_recorded_and_reported_and_does_not_resume_the_mentor(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1: the coordinators decide; they are notified once, however often the row is read."""
    mentor = roster.add_mentor(YESTERDAY)
    coordinator = roster.add_coordinator(mentors=[mentor])
    portal.add(mentor)
    pause(roster, mentor)
    portal.certify(mentor, date(2028, 5, 31), MONDAY)
    assert night.sync()["renewed_count"] == 1
    assert night.sync("night-2")["renewed_count"] == 0
    assert roster.status(mentor) == "paused"
    assert portal.paused() == {str(mentor)}
    (notice,) = roster.rows("select * from coordinator_notifications")
    assert (notice["coordinator_id"], notice["kind"], notice["mentor_ids"]) == (
        coordinator, "renewed", [mentor],
    )  # fmt: skip
    assert [row["renewed_count"] for row in roster.log()] == [1, 0]


def test_one_page_of_a_run_reads_the_certifications_with_one_login_and_one_request(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """H1, H3: whatever the number of pages; each invocation logs in once."""
    mentors = roster.add_mentors(9)
    with open_sync(aws, roster, cluster, page_size=3) as night:
        portal = PortalRows(night.portal)
        portal.add(*mentors)
        portal.certify(mentors[8], date(2028, 1, 1), MONDAY)
        assert night.sync()["renewed_count"] == 1
        assert len(night.asked("PATCH")) == 9
        assert len(night.asked("GET")) == 1
        assert len(night.asked("POST")) == 3


def test_another_invocation_continues_an_unfinished_reading(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1, R1: the page is requeued for the rest, and no delivery counts as failed."""
    mentors = roster.add_mentors(3)
    portal.add(*mentors)
    night.sync()
    night.portal.page_size = 1
    for hours, mentor in enumerate(mentors):
        portal.certify(mentor, date(2028, 1, 1), MONDAY + timedelta(hours=hours))
    night.fire("night-2")
    night.forget()
    meanwhile: list[Callable[[], object]] = [lambda: night.time.sleep(60)]
    night.take_from(lambda remaining: Meanwhile(night.open_portal(remaining), meanwhile))
    (message,) = night.receive()
    assert night.deliver(message)
    (line,) = night.lines("page requeued")
    assert (line["reason"], line["again_in"]) == ("the reading of the portal is not finished", 1)
    night.work_off()
    assert night.summaries()[-1]["renewed_count"] == 3
    first, *later = night.asked("GET")
    assert "$filter" not in first
    assert "modifiedon%20ge%202026-11-02T08:00:00Z" in later[0]
    assert roster.log()[-1]["error"] is None


def test_a_row_that_cannot_be_stored_affects_no_other_and_the_next_run_stores_it(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1, R3: the run's note counts such rows and names an example."""
    mentors = roster.add_mentors(3)
    portal.add(*mentors)
    night.portal.page_size = 1
    for hours, mentor in enumerate(mentors):
        portal.certify(mentor, date(2028, 1, 1), MONDAY + timedelta(hours=hours))
    roster.fail_for(mentors[1], "insert on certifications", "new.mentor_id")
    summary = night.sync()
    assert (summary["renewed_count"], summary["error_count"]) == (2, 0)
    assert "1 certifications of the portal could not be stored, such as " in str(
        roster.log()[0]["error"]
    )
    (line,) = night.lines("certification not stored")
    assert line["sqlstate"] == "P0001"
    roster.db.execute("drop trigger refuse on certifications")
    assert night.sync("night-2")["renewed_count"] == 1


def test_a_value_that_the_database_cannot_hold_affects_only_its_row(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """R3: another try would fail again, so a person has to look at the row."""
    mentors = roster.add_mentors(3)
    portal.add(*mentors)
    for hours, mentor in enumerate(mentors):
        portal.certify(mentor, date(2028, 1, 1), MONDAY + timedelta(hours=hours))
    roster.db.execute(
        "create function odd() returns trigger language plpgsql as $$ begin"
        " raise exception 'out of bounds' using errcode = '22023'; end $$"
    )
    roster.db.execute(
        "create trigger odd before insert on certifications for each row"
        f" when (new.mentor_id = '{mentors[1]}') execute function odd()".encode()
    )
    assert night.sync()["renewed_count"] == 2
    assert str(roster.log()[0]["error"]).startswith(
        "1 certifications of the portal cannot be read, such as "
    )
    (line,) = night.lines("certification not stored")
    assert line["sqlstate"] == "22023"


def test_a_certification_that_cannot_be_read_is_named_and_the_others_are_stored(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """The note has the row's id in the portal, which is not personal data."""
    mentor = roster.add_mentor(YESTERDAY)
    portal.add(mentor)
    portal.certify(mentor, date(2028, 1, 1), MONDAY)
    row = portal.certify(mentor, date(2028, 1, 1), MONDAY)
    row["hlf_validuntil"] = "soon"
    summary = night.sync()
    assert (summary["renewed_count"], summary["synced_count"]) == (1, 1)
    named = f"{row['hlf_certificationid']} (hlf_validuntil is not a day (YYYY-MM-DD))"
    assert roster.log()[0]["error"] == (
        f"1 certifications of the portal cannot be read, such as {named}"
    )
    (line,) = night.lines("certifications of the portal cannot be read")
    assert (line["count"], line["rows"]) == (1, [named])


def test_the_renewals_of_people_who_are_not_ours_are_skipped(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """HLF also certifies other people."""
    portal.add(roster.add_mentor(YESTERDAY))
    portal.certify("somebody", date(2028, 1, 1), MONDAY)
    assert night.sync()["renewed_count"] == 0
    assert roster.log()[0]["error"] is None


def test_a_dry_run_sends_no_request_and_names_the_mentors_it_would_send(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """A dry run marks no mentor as synced."""
    synced, new = sorted((roster.add_mentor(), roster.add_mentor()))
    portal.add(synced, new)
    night.portal_database.mark_synced(
        ORG, night.portal_database.list_states(ORG, [synced])[0], run_id()
    )
    night.fire(dry_run=True)
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_synced"] == [str(new)]
    assert night.portal.requests == []
    assert not night.portal_database.list_states(ORG, [new])[0].is_synced
    assert night.events.details[0]["dry_run"]


def test_while_the_portal_is_switched_off_no_request_is_sent_and_all_mentors_wait(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H2: the run says so; once the portal is on, the next run sends all mentors."""
    mentors = roster.add_mentors(4)
    portal.add(*mentors)
    pause(roster, mentors[0])
    night.take_from(lambda _remaining: NoPortal())
    summary = night.sync()
    assert (summary["skipped_count"], summary["error_count"]) == (4, 0)
    assert roster.log()[0]["error"] == "the portal is switched off"
    assert night.portal.requests == []
    night.take_from(night.open_portal)
    assert night.sync("night-2")["synced_count"] == 4
    assert portal.paused() == {str(mentors[0])}


def test_a_wrong_configuration_of_the_portal_ends_the_run_with_one_sentence(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """The run does not wait for redeliveries; the next run sends all mentors."""

    def misconfigured(_remaining: object) -> NoPortal:
        raise ConfigurationError("the portal's mapping is not valid: mentors: Field required")

    portal.add(*roster.add_mentors(4))
    night.take_from(misconfigured)
    summary = night.sync()
    assert (summary["processed_count"], summary["error_count"]) == (4, 4)
    (row,) = roster.log()
    assert row["status"] == "completed"
    assert row["error"].startswith("4 errors: 4 ")
    assert "the portal's mapping is not valid: mentors: Field required" in row["error"]
    night.take_from(night.open_portal)
    assert night.sync("night-2")["synced_count"] == 4


def test_a_mentor_who_changes_during_a_run_is_left_to_the_next_run(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H4: another trigger is refused meanwhile; the run's event starts the next run."""
    mentors = roster.add_mentors(2)
    portal.add(*mentors)
    night.sync()
    night.fire("night-2")
    pause(roster, *mentors)
    assert night.fire("an expiry run")["status"] == "refused"
    night.work_off()
    assert night.events.details[-1]["left_count"] == 1
    night.sync("after night-2")
    assert portal.paused() == {str(mentor) for mentor in mentors}
    assert night.events.details[-1]["left_count"] == 0


def test_a_mentor_who_was_deleted_after_the_run_began_is_skipped(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """The database has no state of this mentor any more."""
    mentors = roster.add_mentors(2)
    portal.add(*mentors)
    night.fire()
    roster.db.execute("delete from peer_mentors where id = %s", (mentors[0],))
    night.work_off()
    (summary,) = night.summaries()
    assert (summary["skipped_count"], summary["synced_count"]) == (1, 1)


def test_certifications_are_matched_by_the_portals_key(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H2: a key may contain a quote."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.db.execute("update peer_mentors set portal_key = %s", ("O'Brien",))
    portal.add("O'Brien")
    portal.certify("O'Brien", date(2028, 5, 31), MONDAY)
    pause(roster, mentor)
    summary = night.sync()
    assert (summary["synced_count"], summary["renewed_count"]) == (1, 1)
    assert portal.statuses() == {"O'Brien": "paused"}
    assert len(night.portal.table(CERTIFICATIONS).rows) == 1


def test_a_page_of_the_sync_is_no_longer_than_its_worker_can_do(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """E10: the page size of other jobs does not matter."""
    roster.add_mentors(120)
    with open_sync(aws, roster, cluster, page_size=500) as night:
        night.fire()
        assert [len(page.mentor_ids) for page in night.pages()] == [100, 20]
