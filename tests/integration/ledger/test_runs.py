"""A run in the ledger while its lock is lost, or an answer is (D6, E8)."""

import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.errors import LeaseLost
from mentor_pause.ledger.lock import Held, Lock
from support.night import JOB, Night
from support.roster import ORG, TODAY, Roster


def lock_of(night: Night, name: str = "night-1") -> Lock:
    """Acquire the job's lock for a trigger."""
    lock = night.ledger.locks.acquire(Trigger(JOB, ORG, "schedule", name, "rule"), name, 45)
    assert isinstance(lock, Lock)
    return lock


def lost_lock(night: Night) -> Lock:
    """Return a lock that another trigger has taken since."""
    lock = lock_of(night)
    night.clock.advance(46)
    lock_of(night, "night-2")
    return lock


def test_who_has_lost_the_lock_opens_no_run(night: Night) -> None:
    """D6: neither a new one nor the one that was opened before."""
    lock = lost_lock(night)
    with pytest.raises(LeaseLost, match="before it was opened"):
        night.ledger.open_run(lock, TODAY)
    opened = lock_of_next(night)
    night.ledger.open_run(opened, TODAY)
    night.clock.advance(46)
    lock_of(night, "night-4")
    with pytest.raises(LeaseLost):
        night.ledger.open_run(opened, TODAY)


def lock_of_next(night: Night) -> Lock:
    """Acquire the lock once it is free again."""
    night.clock.advance(46)
    return lock_of(night, "night-3")


def test_a_run_that_was_opened_before_is_opened_again(night: Night) -> None:
    """E8: the first answer was lost."""
    lock = lock_of(night)
    assert night.ledger.open_run(lock, TODAY) == night.ledger.open_run(lock, TODAY)


def test_a_page_is_planned_once_and_only_by_the_holder(night: Night, roster: Roster) -> None:
    """E8: a repeated call finds its own page, and no other one."""
    first, second = roster.add_mentors(2)
    lock = lock_of(night)
    night.ledger.open_run(lock, TODAY)
    night.ledger.plan_page(lock, 1, [first])
    night.ledger.plan_page(lock, 1, [first])
    with pytest.raises(LeaseLost, match="before page 1"):
        night.ledger.plan_page(lock, 1, [second])
    with pytest.raises(LeaseLost, match="before page 3"):
        night.ledger.plan_page(lock, 3, [second])
    night.clock.advance(46)
    lock_of(night, "night-2")
    with pytest.raises(LeaseLost, match="before page 1"):
        night.ledger.plan_page(lock, 1, [first])
    with pytest.raises(LeaseLost, match="before page 2"):
        night.ledger.plan_page(lock, 2, [second])


def test_paging_is_ended_only_by_the_holder(night: Night) -> None:
    """E8: a repeated call is no failure, and a run that has ended stays as it is."""
    lock = lock_of(night)
    run = night.ledger.open_run(lock, TODAY).job_run_id
    assert night.ledger.end_paging(lock, run, 0).pages_total == 0
    assert night.ledger.end_paging(lock, run, 0).pages_total == 0
    night.ledger.end_run(run, "completed", ())
    assert night.ledger.end_paging(lock, run, 0, "late").error is None
    other = lost_lock_of_open_run(night)
    with pytest.raises(LeaseLost, match="was taken over"):
        night.ledger.end_paging(other, other.trigger.job_run_id, 0)


def lost_lock_of_open_run(night: Night) -> Lock:
    """Return a lock that was lost after its run was opened."""
    lock = lock_of_next(night)
    night.ledger.open_run(lock, TODAY)
    night.clock.advance(46)
    lock_of(night, "night-4")
    return lock


def test_the_last_run_of_a_lock_is_found(night: Night) -> None:
    """D6: None before the first one."""
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "rule")
    assert night.ledger.locks.find_run(trigger) is None
    lock_of(night)
    assert night.ledger.locks.find_run(trigger) == trigger.job_run_id


def test_a_dry_run_has_a_lock_of_its_own(night: Night) -> None:
    """D1: it does not keep the night from starting, nor the other way round."""
    lock_of(night)
    dry = Trigger(JOB, ORG, "manual", "dry", "kari", dry_run=True)
    assert isinstance(night.ledger.locks.acquire(dry, "dry", 45), Lock)
    assert night.ledger.locks.find_run(dry) == dry.job_run_id


def test_a_cancelled_reservation_leaves_the_usual_lease(night: Night) -> None:
    """D6: the lock is held for so long, and then it is free."""
    lock = lock_of(night)
    night.ledger.locks.reserve(lock, waits=True)
    night.ledger.locks.cancel_reservation(lock, 45)
    night.clock.advance(44)
    other = Trigger(JOB, ORG, "schedule", "night-2", "rule")
    assert isinstance(night.ledger.locks.acquire(other, "x", 45), Held)
    night.ledger.assert_held(lock)
    night.ledger.locks.cancel_reservation(lock, 45)
    night.clock.advance(45)
    assert lock_of(night, "night-2").abandoned == {lock.trigger.job_run_id}
