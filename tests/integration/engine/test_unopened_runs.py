"""A run whose dispatcher could not open it, or lost the lock before (D4, D6, E8)."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, override
from uuid import UUID

import pytest

from mentor_pause.domain.runs import PageOutcome, Run, Trigger
from mentor_pause.errors import LeaseLost, PagesChanged
from mentor_pause.ledger.lock import Held, Lock
from mentor_pause.ledger.runs import Ledger
from support.night import JOB, LEASES, Night
from support.roster import ORG, TODAY, Roster


def trigger(name: str, kind: Any = "schedule") -> Trigger:
    """Return a trigger of the job."""
    return Trigger(JOB, ORG, kind, name, "rule")


def lock_of(night: Night, name: str = "night-1", kind: Any = "schedule") -> Lock:
    """Acquire the lock for a trigger."""
    lock = night.ledger.locks.acquire(trigger(name, kind), "dispatcher", 45)
    assert isinstance(lock, Lock)
    return lock


def rows(roster: Roster) -> list[tuple[UUID, str, str]]:
    """Return run, status and error of each row of the execution log."""
    return [(row["job_run_id"], row["status"], row["error"]) for row in roster.log()]


@pytest.mark.parametrize("has_row", [False, True])
def test_a_run_that_could_not_be_opened_has_failed(
    night: Night, roster: Roster, has_row: bool
) -> None:
    """D4: its row says why, whether or not it was begun; and the next run may begin."""
    lock = lock_of(night)
    if has_row:
        night.database.begin_execution(lock.trigger, "running", as_of=TODAY)
    assert night.engine.recovery.fail_unopened(lock, "the database refuses") is True
    assert rows(roster) == [(lock.trigger.job_run_id, "failed", "the database refuses")]
    assert lock_of(night, "night-2").abandoned == frozenset()


def test_a_manual_request_that_failed_may_be_repeated(night: Night) -> None:
    """D5: the same request gets the lock again; a scheduled one does not."""
    night.engine.recovery.fail_unopened(lock_of(night, "by hand", "manual"), "no plan")
    assert isinstance(night.ledger.locks.acquire(trigger("by hand", "manual"), "x", 45), Lock)
    night.ledger.locks.release(trigger("by hand", "manual"))
    night.engine.recovery.fail_unopened(lock_of(night, "by rule"), "no plan")
    assert isinstance(night.ledger.locks.acquire(trigger("by rule"), "x", 45), Held)


def test_a_run_that_was_opened_after_all_is_left_to_the_next_holder(
    night: Night, roster: Roster
) -> None:
    """E8: only the answer was late."""
    lock = lock_of(night)
    night.ledger.open_run(lock, TODAY)
    assert night.engine.recovery.fail_unopened(lock, "no answer") is False
    assert rows(roster) == []
    assert lock_of(night, "night-2").abandoned == {lock.trigger.job_run_id}


def test_who_has_lost_the_lock_fails_nothing(night: Night, roster: Roster) -> None:
    """D6: the lock and the run belong to the new holder."""
    lock = lock_of(night)
    night.clock.advance(46)
    newer = lock_of(night, "night-2")
    with pytest.raises(LeaseLost):
        night.engine.recovery.fail_unopened(lock, "too late")
    night.ledger.assert_held(newer)
    assert rows(roster) == []


def test_a_superseded_run_that_nobody_has_is_ended(night: Night, roster: Roster) -> None:
    """D6: its dispatcher wrote the row, paused nobody, and lost the lock."""
    roster.add_coordinator(chapters=[roster.chapter_id])
    (mentor,) = roster.add_mentors(1)
    first = lock_of(night).trigger
    night.database.begin_execution(first, "running", as_of=TODAY)
    night.database.pause_expired(mentor, ORG, first.job_run_id, TODAY)
    night.clock.advance(46)
    lock_of(night, "night-2")
    night.engine.recovery.end_superseded(first, "superseded")
    assert rows(roster) == [(first.job_run_id, "failed", "superseded")]
    (notified,) = roster.rows("select mentor_ids from coordinator_notifications")
    assert notified["mentor_ids"] == [mentor]


def test_a_superseded_run_that_somebody_has_is_left_alone(night: Night, roster: Roster) -> None:
    """D6: another delivery of its trigger has the lock, or has opened it."""
    lock = lock_of(night)
    night.database.begin_execution(lock.trigger, "running", as_of=TODAY)
    night.engine.recovery.end_superseded(lock.trigger, "superseded")
    night.ledger.open_run(lock, TODAY)
    night.clock.advance(46)
    lock_of(night, "night-2")
    night.engine.recovery.end_superseded(lock.trigger, "superseded")
    assert rows(roster) == [(lock.trigger.job_run_id, "running", None)]


def test_paging_that_has_ended_is_not_aborted(night: Night, roster: Roster) -> None:
    """E8: the run keeps its pages and its error."""
    mentors = roster.add_mentors(3)
    night.fire()
    run_id = trigger("night-1").job_run_id
    run = night.ledger.find_run(run_id)
    assert run is not None
    night.ledger.pages.close(run_id, 1, mentors, PageOutcome(applied=tuple(mentors)))
    night.ledger.closed.add(run_id, 1)
    aborted = night.engine.recovery.abort_paging(Lock(run.trigger, 1), run, "too late")
    assert (aborted.error, aborted.pages_total, aborted.all_pages_closed) == (None, 1, True)


@dataclass(frozen=True)
class Growing(Ledger):
    """A ledger in which a slow writer plans a page whenever paging is to end."""

    late: int = 0
    ends: list[str] = field(default_factory=list[str])

    @override
    def end_paging(
        self, lock: Lock, job_run_id: UUID, pages_total: int, error: str | None = None
    ) -> Run:
        self.ends.append("tried")
        if len(self.ends) <= self.late:
            raise PagesChanged("a page was planned")
        return super().end_paging(lock, job_run_id, pages_total, error)


@pytest.mark.parametrize(("late", "gives_up"), [(4, False), (5, True)])
def test_paging_is_aborted_again_after_a_late_page(night: Night, late: int, gives_up: bool) -> None:
    """E8: four late pages are followed; a fifth one is the next holder's."""
    lock = lock_of(night)
    run = night.ledger.open_run(lock, TODAY)
    ledger = Growing(night.ledger.table, night.ledger.leases, late=late)
    recovery = replace(night.engine.recovery, ledger=ledger)
    if gives_up:
        with pytest.raises(PagesChanged):
            recovery.abort_paging(lock, run, "died")
    else:
        assert recovery.abort_paging(lock, run, "died").error == "died"
    assert len(ledger.ends) == 5


def test_a_run_that_left_the_ledger_is_not_aborted(night: Night) -> None:
    """D6: its items may have expired."""
    lock = lock_of(night)
    with pytest.raises(LeaseLost, match="not in the ledger any more"):
        night.engine.recovery.abort_paging(lock, Run(lock.trigger, TODAY), "died")


@pytest.mark.parametrize(
    ("seconds_ago", "is_waiting", "is_active"),
    [
        (LEASES.run - 1, False, True),
        (LEASES.run, False, False),
        (LEASES.run + 6 * 3600 - 1, True, True),
        (LEASES.run + 6 * 3600, True, False),
        (-3600, False, True),
        (-3601, False, False),
        (None, False, False),
    ],
)
def test_a_run_may_be_active_for_a_lease_after_its_last_page(
    night: Night, seconds_ago: int | None, is_waiting: bool, is_active: bool
) -> None:
    """O2: six hours longer while it waits; a moment an hour ahead comes from a wrong clock."""
    at = None if seconds_ago is None else night.clock() - timedelta(seconds=seconds_ago)
    run = Run(trigger("night-1"), TODAY, active_at=at, is_waiting=is_waiting)
    assert night.engine.recovery.may_be_active(run) is is_active


@pytest.mark.parametrize(("dry_run", "command"), [(False, ""), (True, " --dry-run")])
def test_a_run_that_the_ledger_has_lost_ends_once(
    night: Night, roster: Roster, dry_run: bool, command: str
) -> None:
    """E8: its row says how to find the mentors who are left, and the log has one line."""
    lost = Trigger(JOB, ORG, "manual", "lost", "kari", dry_run=dry_run)
    night.database.begin_execution(lost, "running", as_of=TODAY)
    next_one = Trigger(JOB, ORG, "manual", "next", "kari", dry_run=dry_run)
    lock = night.ledger.locks.acquire(next_one, "dispatcher", 45)
    assert isinstance(lock, Lock)
    for _ in range(2):
        assert night.engine.recovery.take_over(lock, lost.job_run_id, "abandoned") is None
    (row,) = roster.log()
    assert row["status"] == "failed"
    assert row["error"].endswith(f"mentor-pause run certification_expiry{command}")
    assert len(night.lines("ended the row of a run")) == 1


def test_who_has_lost_the_lock_ends_no_lost_run(night: Night, roster: Roster) -> None:
    """D6: a run that its trigger has opened meanwhile is not lost, either."""
    lock = lock_of(night)
    night.database.begin_execution(lock.trigger, "running", as_of=TODAY)
    night.clock.advance(46)
    lock_of(night, "night-2")
    with pytest.raises(LeaseLost):
        night.engine.recovery.take_over(lock, lock.trigger.job_run_id, "abandoned")
    assert rows(roster) == [(lock.trigger.job_run_id, "running", None)]
