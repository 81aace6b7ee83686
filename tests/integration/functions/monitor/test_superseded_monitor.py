"""The monitor dies, or loses its lock, while it ends a run (O2, D6)."""

from dataclasses import replace
from uuid import UUID

import pytest

from mentor_pause.bootstrap import Engine
from mentor_pause.domain.runs import Run, Trigger
from mentor_pause.engine.recovery import Recovery
from mentor_pause.ledger.lock import Held, Lock, Locks
from mentor_pause.ledger.runs import Ledger
from monitor.app import build_hung_runs
from support.faults import ProcessDied
from support.monitor import PATIENCE, RUN_LEASE, Monitor
from support.night import JOB, Night, run_id
from support.roster import ORG, Roster


def take_over_the_lock(night: Night) -> Lock:
    """Acquire the lock for another trigger."""
    trigger = Trigger(JOB, ORG, "schedule", "night-2", "a rule")
    taken = night.ledger.locks.acquire(trigger, "another holder", 45)
    assert isinstance(taken, Lock)
    return taken


def hang_a_run(night: Night, roster: Roster) -> None:
    """Start a run, lose its messages, and let its lease expire."""
    roster.add_mentors(2)
    night.fire()
    assert night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)


def test_a_lock_that_another_holder_took_first_is_left_to_it(
    monitor: Monitor, roster: Roster
) -> None:
    """O2, D6: that holder ends the hung run itself."""
    night, taken = monitor.night, list[Lock]()
    hang_a_run(night, roster)

    class Faster(Locks):
        def acquire(self, trigger: Trigger, holder: str, lease: int) -> Lock | Held:
            """Let another holder acquire the lock first."""
            taken.append(take_over_the_lock(night))
            return night.ledger.locks.acquire(trigger, holder, lease)

    class Overtaken(Ledger):
        @property
        def locks(self) -> Locks:
            return Faster(self.table)

    ledger = Overtaken(night.ledger.table, night.ledger.leases)
    monitor.hung = build_hung_runs(ORG, replace(night.engine, ledger=ledger))
    answer = monitor()
    assert (answer["hung_runs"], answer["failed"]) == ({}, {})
    night.ledger.assert_held(taken[0])
    assert taken[0].abandoned == {run_id()}
    run = night.ledger.find_run(run_id())
    assert run is not None
    assert (run.status, night.ledger.closed.count(run)) == ("running", 0)


def test_a_monitor_that_lost_its_lock_fails_no_page_and_releases_no_lock(
    monitor: Monitor, roster: Roster
) -> None:
    """O2, D6: it logs one line, and its other checks are not affected."""
    night, taken = monitor.night, list[Lock]()
    hang_a_run(night, roster)

    class Overtaken(Recovery):
        def take_over(self, lock: Lock, job_run_id: UUID, reason: str) -> Run | None:
            """Lose the lock just before."""
            night.clock.advance(46)
            taken.append(take_over_the_lock(night))
            return super().take_over(lock, job_run_id, reason)

    class OvertakenEngine(Engine):
        @property
        def recovery(self) -> Recovery:
            return Overtaken(self.ledger, self.database, self.completion, self.logger)

    engine = OvertakenEngine(night.ledger, night.database, night.publisher, night.logger)
    monitor.hung = build_hung_runs(ORG, engine)
    answer = monitor()
    assert (answer["hung_runs"], answer["failed"]) == ({}, {})
    assert monitor.emitted()["HungRuns"] == [0]
    assert len(night.lines("monitor superseded")) == 1
    night.ledger.assert_held(taken[0])
    run = night.ledger.find_run(run_id())
    assert run is not None
    assert (run.status, night.ledger.closed.count(run)) == ("running", 0)


@pytest.mark.slow
def test_wherever_the_monitor_dies_its_next_check_ends_the_run(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: before and after each external call."""
    roster.add_mentors(2)
    night = monitor.night
    crashes = 0
    for number in range(44):
        trigger = f"night-{number}"
        night.fire(trigger)
        assert night.receive()
        night.clock.advance(RUN_LEASE + PATIENCE)
        night.plan.then("dies before" if number % 2 else "dies after", after=number // 2)
        try:
            monitor.hung()
        except ProcessDied:
            crashes += 1
        night.plan.then()
        for _ in range(2):
            night.clock.advance(RUN_LEASE + PATIENCE)
            monitor.hung()
        row = next(r for r in roster.log() if r["job_run_id"] == run_id(trigger))
        assert (row["status"], row["error_count"]) == ("failed", 2), number
        ended = night.ledger.find_run(run_id(trigger))
        assert ended is not None
        assert ended.status == "failed", number
    assert 30 < crashes < 44  # the last ones are later than the last call
    assert roster.history() == []
