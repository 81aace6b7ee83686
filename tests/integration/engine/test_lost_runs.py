"""Runs that the ledger has lost: the monitor or the next dispatcher ends their rows (E8, O2)."""

import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.errors import LeaseLost
from mentor_pause.ledger.lock import Held, Lock
from support.aws import Clients
from support.faults import ProcessDied
from support.lost_runs import complete, lose, lose_open_run, lost_row
from support.monitor import Monitor
from support.night import JOB, Night, run_id
from support.roster import ORG, TODAY, Roster


def test_the_monitor_ends_the_row_of_a_run_that_the_ledger_has_lost(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """E8: with the counts of the database and the next command. The coordinators are notified."""
    lose_open_run(aws, night, roster, "RUN", "PAGE")
    night.clock.advance(4000)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert lost_row(roster) == {"status": "failed", "paused_count": 3, "error_count": 2}
    (notified,) = roster.rows("select mentor_ids from coordinator_notifications")
    assert len(notified["mentor_ids"]) == 3
    assert (monitor()["hung_runs"], monitor()["night_missed"]) == ({}, True)
    complete(night, "night-2")
    assert (monitor()["stale_active_mentors"], monitor()["night_missed"]) == (0, False)


def test_the_monitor_finds_a_lost_run_by_its_row(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """E8: after the table was created again, no lock names the run."""
    lose_open_run(aws, night, roster)
    assert monitor()["hung_runs"] == {}, "its dispatcher may be about to open it"
    roster.age_log()
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert lost_row(roster) == {"status": "failed", "paused_count": 3, "error_count": 2}
    assert monitor()["hung_runs"] == {}
    assert night.fire("night-2")["status"] == "running", "the lock is free"


def test_a_run_in_progress_does_not_count_as_lost(
    night: Night, roster: Roster, monitor: Monitor
) -> None:
    """E8: the ledger has the run, however long it takes."""
    roster.add_mentors(5)
    night.fire()
    roster.age_log()
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "rule")
    night.ledger.locks.release(trigger)  # as the completion does before it ends the run
    assert monitor()["hung_runs"] == {}
    night.work_off()
    assert night.summaries()[0]["paused_count"] == 5


def test_the_next_dispatcher_ends_the_row_of_a_lost_run(
    aws: Clients, night: Night, roster: Roster
) -> None:
    """E8: its own run pauses the remaining mentors."""
    mentors = lose_open_run(aws, night, roster, "RUN", "PAGE")
    night.clock.advance(4000)
    complete(night, "night-2")
    assert lost_row(roster) == {"status": "failed", "paused_count": 3, "error_count": 2}
    assert {roster.status(mentor) for mentor in mentors} == {"paused"}


def test_a_lost_run_that_did_nothing_may_begin_again(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """D6: its trigger may arrive again after the monitor has ended its row."""
    roster.add_mentors(2)
    night.fire()
    lose(aws, night)
    night.receive()
    roster.age_log()
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert lost_row(roster) == {"status": "failed", "paused_count": None, "error_count": None}
    complete(night)
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_run_that_has_lost_a_page_ends_and_says_which(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """E8: no worker can close a page that the ledger does not have."""
    lose_open_run(aws, night, roster, "PAGE#2")
    night.clock.advance(4000)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    (row,) = roster.log()
    assert (row["status"], row["paused_count"]) == ("failed", 3)
    assert "the ledger has lost pages: 2" in row["error"]


def test_a_lost_run_does_not_shorten_the_patience_for_another_run(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """O2: the monitor ends the lost run. The run whose dispatcher has just died is resumed."""
    mentors = roster.add_mentors(4)
    night.plan.then("dies after", after=4)  # acquire, find, scope, day; then begin
    with pytest.raises(ProcessDied):
        night.fire("lost")
    lose(aws, night)
    roster.db.execute(
        "alter table scheduler_execution_log disable trigger user;"
        "update scheduler_execution_log set started_at = started_at - interval '2 hours';"
        "alter table scheduler_execution_log enable trigger user"
    )
    night.plan.then("dies after", after=8)  # while it plans pages
    with pytest.raises(ProcessDied):
        night.fire("night-1")
    night.clock.advance(night.ledger.leases.dispatch + 5)
    assert monitor()["hung_runs"] == {str(run_id("lost")): True}
    night.clock.advance(60)
    assert night.fire("night-1")["status"] == "running"
    night.work_off()
    assert night.summaries()[-1]["mentor_ids_paused"] == [str(m) for m in mentors]


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_lost_run_that_its_trigger_opens_meanwhile_goes_on(
    night: Night, roster: Roster, *, has_ended: bool
) -> None:
    """E8: a dispatcher was slow, and lost the lock while it ended the row of a run."""
    mentors = roster.add_mentors(2)
    lost, next_one = (Trigger(JOB, ORG, "schedule", name, "rule") for name in ("lost", "next"))
    night.database.begin_execution(lost, "running", as_of=TODAY)
    locks = night.ledger.locks
    assert isinstance(locks.acquire(lost, "it dies", 45), Lock)
    night.clock.advance(46)
    lock = locks.acquire(next_one, "it is slow", 45)
    assert isinstance(lock, Lock)

    def open_it() -> None:
        night.clock.advance(46)
        assert night.fire("lost")["status"] == "running"
        if has_ended:
            night.work_off()

    night.plan.before_call(5, open_it)
    with pytest.raises(LeaseLost):
        night.engine.recovery.take_over(lock, lost.job_run_id, "abandoned")
    held = locks.acquire(next_one, "again", 45)
    if not has_ended:
        assert isinstance(held, Held)
        assert lost.job_run_id in held.open_runs, "somebody has to end it if its dispatcher dies"
        night.work_off()
    (row,) = roster.rows("select * from scheduler_execution_log where triggered_by = 'rule'")
    assert (row["status"], row["paused_count"]) == ("completed", 2)
    assert {roster.status(mentor) for mentor in mentors} == {"paused"}
