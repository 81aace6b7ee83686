"""The dispatcher starts a run, or answers why it does not (D2 to D8)."""

from datetime import UTC, datetime, timedelta

import pytest

from support.faults import failures
from support.night import JOB, LEASES, Night, run_id
from support.roster import Roster


@pytest.mark.parametrize("when", ["while it runs", "after it ended", "after the next night"])
def test_a_trigger_that_is_delivered_again_is_a_duplicate_with_a_row(
    night: Night, roster: Roster, when: str
) -> None:
    """D4, D6: while its run is in progress, and after its end."""
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
    if when == "after the next night":  # and the lock is released
        assert night.fire("night-3")["status"] == "completed"


def test_another_trigger_during_a_run_is_refused_with_a_row(night: Night, roster: Roster) -> None:
    """D6: a job has one run at a time. The row names the run in progress."""
    roster.add_mentors(4)
    night.fire()
    assert night.fire("by hand")["status"] == "refused"
    assert str(run_id()) in roster.log()[-1]["error"]
    night.work_off()
    assert night.fire("by hand again")["status"] == "completed"


def test_an_inactive_run_loses_its_lock_to_the_next_night(night: Night, roster: Roster) -> None:
    """D6: a dispatcher that crashed does not block the lock.

    Workers can still process its pages.
    """
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
def test_a_failed_second_delivery_of_a_trigger_does_not_change_its_run(
    night: Night, roster: Roster, event: dict[str, str]
) -> None:
    """D4: the row belongs to the run; only the run's completion ends it."""
    roster.add_mentors(4)
    night.fire()
    night.plan.then(*failures(12))
    assert night.handle(event)["status"] == "failed"
    night.plan.then()
    night.work_off()
    assert [(row["status"], row["paused_count"]) for row in roster.log()] == [("completed", 4)]


def test_each_closed_page_extends_the_lease_of_a_long_night(night: Night, roster: Roster) -> None:
    """D6: so a slow run keeps its lock."""
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
    """D8: the answer has a clear error, the row is failed, and the lock is released."""
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


def test_only_a_dry_run_may_be_about_a_later_day(night: Night, roster: Roster) -> None:
    """No mentor is paused whose certification is still valid."""
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
def test_without_a_day_the_run_takes_the_organisations_today_once(
    night: Night, roster: Roster, ahead: timedelta
) -> None:
    """E1: every page message has this day."""
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
