"""A sync reads the certifications of the portal (H1, R1, R3)."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from support.aws import Clients
from support.cluster import Cluster
from support.portal import CERTIFICATIONS
from support.portal_wrappers import Meanwhile
from support.roster import YESTERDAY, Roster
from support.sync import PortalRows, SyncNight, open_sync, pause

if TYPE_CHECKING:
    from collections.abc import Callable

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)


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
