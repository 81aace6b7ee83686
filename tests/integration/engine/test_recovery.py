"""The next holder of a lock ends the runs that were abandoned before it (E8)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from mentor_pause.domain.runs import Run, Trigger
from mentor_pause.engine.completion import Completion, CompletionState
from mentor_pause.ledger.items import new_run
from mentor_pause.ledger.lock import Lock
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import seconds_left, time_limit
from support.aws import Clients
from support.faults import ProcessDied
from support.large_runs import TRIGGER, closed_run, completion, open_run, paused
from support.lost_runs import lose
from support.monitor import Monitor
from support.night import JOB, LEASES, Night, run_id
from support.roster import ORG, TODAY, Roster


def test_the_next_trigger_ends_a_run_that_was_abandoned_while_paging(
    night: Night, roster: Roster
) -> None:
    """E8: the abandoned run's mentors are in its summary.

    The new run takes the mentors who are left.
    """
    mentors = roster.add_mentors(35)
    roster.add_coordinator(chapters=[roster.chapter_id])
    night.plan.then("dies before", after=29)  # ten pages are sent, an eleventh is planned
    with pytest.raises(ProcessDied):
        night.fire()
    night.work_off()
    assert night.summaries() == []
    night.clock.advance(LEASES.dispatch)
    assert night.fire("night-2")["status"] == "running"
    night.work_off()
    first, second = night.summaries()
    assert (first["job_run_id"], second["job_run_id"]) == (str(run_id()), str(run_id("night-2")))
    assert (first["paused_count"], second["paused_count"]) == (30, 5)
    assert sorted(first["mentor_ids_paused"] + second["mentor_ids_paused"]) == [
        str(mentor) for mentor in mentors
    ]
    assert [row["status"] for row in roster.log()] == ["failed", "completed"]
    assert "took over" in roster.log()[0]["error"]
    assert len(roster.rows("select from coordinator_notifications")) == 2


def test_a_run_that_was_opened_and_has_no_row_gets_one_when_it_is_ended(
    night: Night, roster: Roster
) -> None:
    """D4, E8: an earlier version opened a run before it wrote the row, and could die between."""
    roster.add_mentors(2)
    night.plan.then("dies before", after=4)  # acquire, find, scope, day; then begin
    with pytest.raises(ProcessDied):
        night.fire("night-1")
    assert roster.log() == []
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "rule")
    night.clock.advance(60)
    lock = night.ledger.locks.acquire(trigger, "other", 45)
    assert isinstance(lock, Lock)
    night.ledger.open_run(lock, TODAY)
    night.clock.advance(120)
    night.fire("night-2")
    night.work_off()
    rows = {row["job_run_id"]: row for row in roster.log()}
    first = rows[run_id("night-1")]
    assert (first["status"], first["processed_count"], first["as_of"]) == ("failed", 0, TODAY)
    assert rows[run_id("night-2")]["paused_count"] == 2


def next_lock(night: Night, *abandoned: UUID) -> Lock:
    """Return the lock of a later run, after runs that have not ended."""
    trigger = Trigger(JOB, ORG, "schedule", "later", "rule")
    night.clock.advance(LEASES.dispatch + 1)
    lock = night.ledger.locks.acquire(trigger, "later", 45)
    assert isinstance(lock, Lock)
    return replace(lock, abandoned=frozenset(abandoned))


def test_a_run_that_had_ended_is_no_failure(night: Night, roster: Roster) -> None:
    """E8: its lock still named it; there is nothing to complete and nothing to log."""
    run = closed_run(night, paused(night, roster, 1), 1)
    assert completion(night).complete_if_done(run, "caller") == "ended"
    night.engine.recovery.end_abandoned(next_lock(night, run.job_run_id))
    assert night.lines("abandoned run not ended") == []
    assert [row["status"] for row in roster.log()] == ["completed"]


@dataclass(frozen=True)
class Timed(Completion):
    """A completion that notes how much time it has."""

    note: Callable[[float], object] = float

    def complete_if_done(self, run: Run, claimant: str) -> CompletionState:
        """See `Completion.complete_if_done`."""
        self.note(seconds_left())
        return super().complete_if_done(run, claimant)


def test_the_runs_before_take_a_quarter_of_the_time(night: Night, roster: Roster) -> None:
    """D7: the dispatcher's own mentors come first."""
    run, noted = closed_run(night, paused(night, roster, 1), 1), list[float]()
    engine = night.engine
    timed = Timed(
        engine.ledger, engine.database, engine.publisher, engine.logger, note=noted.append
    )
    with time_limit(100):
        replace(engine.recovery, completion=timed).end_abandoned(next_lock(night, run.job_run_id))
    assert [20 < seconds <= 25 for seconds in noted] == [True]


def test_a_run_names_ten_of_the_pages_that_the_ledger_has_lost(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """E8: in its row, which has bounds."""
    open_run(night, roster.add_mentors(12), 1)
    lose(aws, night, "PAGE")
    night.clock.advance(4000)
    assert monitor()["hung_runs"] == {str(TRIGGER.job_run_id): True}
    (row,) = roster.log()
    assert row["error"].endswith("the ledger has lost pages: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10")


class Reopened(Ledger):
    """A ledger in which the lost run's trigger resumes it while the lock is checked."""

    def assert_held(self, lock: Lock) -> None:
        """See `Ledger.assert_held`."""
        super().assert_held(lock)
        item = new_run(TRIGGER, TODAY, self.now())
        assert self.table.transact([self.table.put_new_action(item)])


def test_a_run_that_is_resumed_at_this_moment_is_not_lost(night: Night, roster: Roster) -> None:
    """E8: its row stays as it is."""
    night.database.begin_execution(TRIGGER, "running", as_of=TODAY)
    ledger = night.ledger
    recovery = replace(
        night.engine.recovery, ledger=Reopened(ledger.table, ledger.leases, ledger.shard)
    )
    assert recovery.take_over(next_lock(night), TRIGGER.job_run_id, "abandoned") is None
    assert [row["status"] for row in roster.log()] == ["running"]
