"""The dispatcher starts a run, or says why it starts none (D2 to D8)."""

from datetime import UTC, datetime, timedelta

import pytest

from support.faults import failures
from support.night import JOB, LEASES, Night, run_id
from support.roster import Roster


@pytest.mark.parametrize("when", ["while it runs", "after it ended", "after the next night"])
def test_the_same_firing_again_is_a_duplicate_with_a_row(
    night: Night, roster: Roster, when: str
) -> None:
    """D4, D6: whenever it comes."""
    roster.add_mentors(4)
    night.fire()
    if when != "while it runs":
        night.work_off()
    if when == "after the next night":
        night.fire("night-2")
    answer = night.fire()
    assert (answer["status"], answer["job_run_id"]) == ("duplicate", str(run_id()))
    assert roster.log()[-1]["status"] == "duplicate"
    assert roster.log()[-1]["job_run_id"] == run_id()
    if when == "after the next night":  # and the lock was given back
        assert night.fire("night-3")["status"] == "completed"


def test_another_firing_while_a_run_goes_on_is_refused_with_a_row(
    night: Night, roster: Roster
) -> None:
    """D6: one run of a job at a time; the row names the run that is in the way."""
    roster.add_mentors(4)
    night.fire()
    assert night.fire("by hand")["status"] == "refused"
    assert str(run_id()) in roster.log()[-1]["error"]
    night.work_off()
    assert night.fire("by hand again")["status"] == "completed"


def test_a_run_that_stops_moving_loses_its_lease_to_the_next_night(
    night: Night, roster: Roster
) -> None:
    """D6: a crashed holder never blocks; its own pages can still be worked off."""
    roster.add_mentors(4)
    night.fire()
    night.clock.advance(LEASES.run + 1)
    assert night.fire("night-2")["status"] == "running"
    night.work_off()
    assert {s["job_run_id"]: s["processed_count"] for s in night.summaries()} == {
        str(run_id()): 4,
        str(run_id("night-2")): 4,
    }
    assert len(roster.history()) == 4


@pytest.mark.parametrize(
    "event",
    [
        {"job_name": JOB, "trigger": "schedule", "trigger_id": "night-1", "surprise": 1},
        {"job_name": JOB, "trigger": "schedule", "trigger_id": "night-1"},
    ],
)
def test_a_failing_delivery_of_the_same_firing_leaves_the_live_run_alone(
    night: Night, roster: Roster, event: dict[str, str]
) -> None:
    """D4: the row is the run's; what it comes to is told by its completion."""
    roster.add_mentors(4)
    night.fire()
    night.plan.then(*failures(12))
    assert night.handle(event)["status"] == "failed"
    night.plan.then()
    night.work_off()
    assert [(row["status"], row["paused_count"]) for row in roster.log()] == [("completed", 4)]


def test_a_page_that_is_closed_keeps_a_long_night_alive(night: Night, roster: Roster) -> None:
    """D6: the lease follows the pages."""
    roster.add_mentors(6)
    night.fire()
    first, second = night.receive()
    night.clock.advance(LEASES.run - 10)
    assert night.deliver(first)
    night.clock.advance(LEASES.run - 10)
    assert night.fire("night-2")["status"] == "refused"
    assert night.deliver(second)
    assert [s["processed_count"] for s in night.summaries()] == [6]


def test_a_wrong_organisation_stops_the_run_before_anything_changes(
    night: Night, roster: Roster
) -> None:
    """D8: a clear error, a failed row, the lock given back."""
    roster.add_mentors(2)
    roster.db.execute("update organisations set slug = 'other'")
    answer = night.fire()
    assert (answer["status"], answer["error"]) == (
        "failed",
        f"organisation {roster.org_id} is other, not hlf",
    )
    (row,) = roster.log()
    assert (row["status"], row["error"]) == ("failed", answer["error"])
    assert (night.receive(), roster.history()) == ([], [])
    roster.db.execute("update organisations set slug = 'hlf'")
    assert night.fire("night-2")["status"] == "running"


def test_a_day_that_has_not_come_is_for_dry_runs_only(night: Night, roster: Roster) -> None:
    """Nobody is paused for a certification that is still valid."""
    (row,) = roster.rows("select today from assert_org_scope(%s, 'hlf')", roster.org_id)
    tomorrow = row["today"] + timedelta(days=1)
    mentor = roster.add_mentor(tomorrow)
    assert night.fire(as_of=tomorrow)["status"] == "failed"
    assert "is after today" in roster.log()[-1]["error"]
    assert night.fire("dry", as_of=tomorrow, dry_run=True)["status"] == "running"
    night.work_off()
    assert night.summaries()[-1]["mentor_ids_paused"] == [str(mentor)]
    assert (roster.status(mentor), roster.history()) == ("active", [])
    assert roster.rows("select from coordinator_notifications") == []


@pytest.mark.parametrize("ahead", [timedelta(days=-1), timedelta(days=1)])
def test_without_a_day_the_organisations_today_is_taken_once_for_the_run(
    night: Night, roster: Roster, ahead: timedelta
) -> None:
    """E1: it is the earlier day of two clocks, and as_of travels with every page."""
    roster.add_mentors(4)
    night.clock.now = datetime.now(UTC) + ahead
    night.fire(as_of=None)
    (row,) = roster.rows(
        "select today, get_org_day(org_id, %s) as by_ledger from assert_org_scope(%s, 'hlf')",
        night.clock.now, roster.org_id,
    )  # fmt: skip
    earlier = min(row["today"], row["by_ledger"])
    assert {page.as_of for page in night.pages()} == {earlier}
    assert roster.log()[0]["as_of"] == earlier
