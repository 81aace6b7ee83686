"""The monitor dies, or loses its lock, while it ends a run (O2, D6)."""

from dataclasses import replace
from uuid import UUID

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


def takes_over(night: Night) -> Lock:
    """Let another holder have the lock, as a dispatcher whose trigger came just now."""
    trigger = Trigger(JOB, ORG, "schedule", "night-2", "a rule")
    taken = night.ledger.locks.acquire(trigger, "another holder", 45)
    assert isinstance(taken, Lock)
    return taken


def hang_a_run(night: Night, roster: Roster) -> None:
    """Fire, lose the messages, and let the lease run out."""
    roster.add_mentors(2)
    night.fire()
    assert night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)


def test_a_lock_that_another_holder_was_faster_to_take_is_left_to_it(
    monitor: Monitor, roster: Roster
) -> None:
    """O2, D6: that holder ends the hung run itself; its lock stays as it is."""
    night, taken = monitor.night, list[Lock]()
    hang_a_run(night, roster)

    class Faster(Locks):
        def acquire(self, trigger: Trigger, holder: str, lease: int) -> Lock | Held:
            """Come too late, the first time."""
            taken.append(takes_over(night))
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
    assert (run.status, run.closed_pages) == ("running", frozenset())


def test_a_monitor_that_lost_its_lock_gives_nothing_up_and_lets_nobody_elses_go(
    monitor: Monitor, roster: Roster
) -> None:
    """O2, D6: it says so in one line, and the other looks are not concerned."""
    night, taken = monitor.night, list[Lock]()
    hang_a_run(night, roster)

    class Overtaken(Recovery):
        def take_over(self, lock: Lock, job_run_id: UUID, reason: str) -> Run | None:
            """Be taken for dead just before."""
            night.clock.advance(46)
            taken.append(takes_over(night))
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
    assert (run.status, run.closed_pages) == ("running", frozenset())


def test_wherever_the_monitor_dies_its_next_look_ends_the_run(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: each outside call of ending a run, before it and after it."""
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
    assert 30 < crashes < 44  # the last ones come too late to hit anything
    assert roster.history() == []
