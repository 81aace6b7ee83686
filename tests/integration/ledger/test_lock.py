"""The lock's states, on moto's DynamoDB (D6)."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.lock import RESERVED_SECONDS, Held, Lock, Locks, lock_key
from mentor_pause.ledger.table import Table
from support.aws import Clients, create_ledger_table
from support.night import Clock
from support.roster import ORG

LEASE = 45
_holders = count()


def holder() -> str:
    """Return a new holder; each delivery is one."""
    return f"holder {next(_holders)}"


FIRST = Trigger("certification_expiry", ORG, "schedule", "first", "rule")
SECOND = Trigger("certification_expiry", ORG, "schedule", "second", "rule")


class AnswerLost:
    """A table that makes each update twice, as the SDK does after a lost answer."""

    def __init__(self, table: Table) -> None:
        """`table` makes the updates."""
        self._table = table
        self.now = table.now

    def update(self, *arguments: Any, **named: Any) -> Any:
        """Update twice, and return the second answer."""
        self._table.update(*arguments, **named)
        return self._table.update(*arguments, **named)


@pytest.fixture
def table(aws: Clients, request: pytest.FixtureRequest, clock: Clock) -> Table:
    """A ledger table for one test."""
    return create_ledger_table(aws.dynamodb, request.node.name, clock)


@pytest.fixture
def locks(table: Table) -> Locks:
    """The locks in this table."""
    return Locks(table)


@pytest.fixture
def clock() -> Clock:
    """The time, which a test moves."""
    return Clock()


def test_a_free_lock_is_acquired_and_a_held_lock_names_its_run(locks: Locks, clock: Clock) -> None:
    """The answer says whether the run belongs to the same trigger."""
    lock = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(lock, Lock)
    assert lock.fence == 1
    assert locks.acquire(FIRST, holder(), LEASE) == Held(FIRST.job_run_id, same_trigger=True)
    assert locks.acquire(SECOND, holder(), LEASE) == Held(FIRST.job_run_id, same_trigger=False)


def test_jobs_do_not_lock_each_other_out(locks: Locks, clock: Clock) -> None:
    """There is one lock per job and organisation."""
    other = Trigger("hlf_sync", ORG, "schedule", "first", "rule")
    assert isinstance(locks.acquire(FIRST, holder(), LEASE), Lock)
    assert isinstance(locks.acquire(other, holder(), LEASE), Lock)


def test_a_released_lock_is_free_for_other_triggers_only(locks: Locks, clock: Clock) -> None:
    """A trigger starts only one run."""
    locks.acquire(FIRST, holder(), LEASE)
    locks.release(FIRST)
    assert locks.acquire(FIRST, holder(), LEASE) == Held(FIRST.job_run_id, same_trigger=True)
    found = locks.acquire(SECOND, holder(), LEASE)
    assert isinstance(found, Lock)
    assert found.fence == 2


@pytest.mark.parametrize("trigger", [FIRST, SECOND])
def test_an_expired_lease_blocks_no_trigger_and_each_acquisition_raises_the_fence(
    locks: Locks, clock: Clock, trigger: Trigger
) -> None:
    """The same trigger resumes its run; another trigger starts its own."""
    locks.acquire(FIRST, holder(), LEASE)
    clock.advance(LEASE - 1)
    assert isinstance(locks.acquire(trigger, holder(), LEASE), Held)
    clock.advance(1)
    found = locks.acquire(trigger, holder(), LEASE)
    assert isinstance(found, Lock)
    assert found.fence == 2
    # The new holder learns which run it has to end.
    assert found.abandoned == (set() if trigger == FIRST else {FIRST.job_run_id})


def test_a_holder_that_was_replaced_can_neither_write_nor_extend_nor_release(
    locks: Locks, table: Table, clock: Clock
) -> None:
    """The lock has another holder."""
    old = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(old, Lock)
    clock.advance(LEASE)
    new = locks.acquire(SECOND, holder(), LEASE)
    assert isinstance(new, Lock)
    assert not table.transact([locks.still_held(old, LEASE)])
    assert table.transact([locks.still_held(new, LEASE)])
    locks.extend(FIRST, 10_000)
    locks.release(FIRST)
    assert isinstance(locks.acquire(FIRST, holder(), LEASE), Held)
    clock.advance(LEASE)
    assert isinstance(locks.acquire(FIRST, holder(), LEASE), Lock)


def test_the_holder_can_extend_its_lease(locks: Locks, table: Table, clock: Clock) -> None:
    """Each planned page extends it, too."""
    lock = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(lock, Lock)
    for _ in range(3):
        clock.advance(LEASE - 1)
        assert table.transact([locks.still_held(lock, LEASE)])
    assert isinstance(locks.acquire(SECOND, holder(), LEASE), Held)


def test_an_acquisition_whose_answer_was_lost_does_not_count_as_a_duplicate(
    table: Table, clock: Clock
) -> None:
    """Otherwise the night would be skipped as a duplicate of itself."""
    found = Locks(AnswerLost(table)).acquire(FIRST, holder(), LEASE)  # type: ignore[arg-type]
    assert isinstance(found, Lock)


def test_each_new_holder_learns_of_abandoned_runs_until_they_have_ended(
    locks: Locks, clock: Clock
) -> None:
    """Also when an earlier holder could not end them, or died."""
    third = Trigger("certification_expiry", ORG, "schedule", "third", "rule")
    locks.acquire(FIRST, holder(), LEASE)
    clock.advance(LEASE)
    locks.acquire(SECOND, holder(), LEASE)
    clock.advance(LEASE)
    found = locks.acquire(third, holder(), LEASE)
    assert isinstance(found, Lock)
    assert found.abandoned == {FIRST.job_run_id, SECOND.job_run_id}
    locks.remove_open_run(third, FIRST.job_run_id)
    clock.advance(LEASE)
    found = locks.acquire(third, holder(), LEASE)
    assert isinstance(found, Lock)
    assert found.abandoned == {SECOND.job_run_id}


def test_a_reserved_lock_is_taken_again_under_its_fence_alone(locks: Locks, clock: Clock) -> None:
    """D6: by the delivery that a dispatcher has handed its run over to, once."""
    lock = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(lock, Lock)
    assert locks.take_again(FIRST, lock.fence, holder(), LEASE) is None, "it is not reserved"
    locks.reserve(lock, waits=True)
    assert locks.take_again(FIRST, lock.fence + 1, holder(), LEASE) is None
    assert locks.take_again(SECOND, lock.fence, holder(), LEASE) is None
    again = holder()
    assert locks.take_again(FIRST, lock.fence, again, LEASE) == lock
    assert locks.take_again(FIRST, lock.fence, again, LEASE) == lock, "the answer was lost"
    assert locks.take_again(FIRST, lock.fence, holder(), LEASE) is None
    clock.advance(LEASE - 1)
    assert isinstance(locks.acquire(SECOND, holder(), LEASE), Held)
    clock.advance(1)
    assert isinstance(locks.acquire(SECOND, holder(), LEASE), Lock)


@pytest.mark.parametrize("waits", [True, False])
def test_only_a_request_that_waits_for_a_service_gets_more_patience(
    locks: Locks, clock: Clock, *, waits: bool
) -> None:
    """O2: the next invocation gets a run that was handed over at once, or somebody died."""
    lock = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(lock, Lock)
    locks.reserve(lock, waits=True)
    locks.reserve(lock, waits=waits)
    clock.advance(RESERVED_SECONDS)
    earlier = clock() - timedelta(hours=6)
    found = locks.find_hung(FIRST, clock(), earlier)
    assert found == (frozenset() if waits else {FIRST.job_run_id})
    assert locks.find_hung(FIRST, clock() - timedelta(seconds=1), earlier) == frozenset()
    assert locks.find_hung(FIRST, clock()) == {FIRST.job_run_id}


def test_a_run_stays_open_if_somebody_acquired_the_lock_meanwhile(
    locks: Locks, clock: Clock
) -> None:
    """E8: its own trigger may have opened it."""
    first = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(first, Lock)
    clock.advance(LEASE)
    second = locks.acquire(SECOND, holder(), LEASE)
    assert isinstance(second, Lock)
    assert not locks.remove_unopened(first, FIRST.job_run_id)
    clock.advance(LEASE)
    third = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(third, Lock)
    assert not locks.remove_unopened(second, FIRST.job_run_id)
    assert locks.remove_unopened(third, SECOND.job_run_id)
    held = locks.acquire(SECOND, holder(), LEASE)
    assert isinstance(held, Held)
    assert held.open_runs == {FIRST.job_run_id}


def test_a_held_lock_says_whether_its_run_has_ended(locks: Locks) -> None:
    """D6: and which runs are open, for the monitor."""
    lock = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(lock, Lock)
    held = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(held, Held)
    assert (held.same_trigger, held.is_released) == (True, False)
    assert held.open_runs == {FIRST.job_run_id}
    other = locks.acquire(SECOND, holder(), LEASE)
    assert isinstance(other, Held)
    assert (other.same_trigger, other.by_run) == (False, FIRST.job_run_id)
    locks.abandon(FIRST)
    released = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(released, Held)
    assert (released.is_released, released.open_runs) == (True, frozenset())


def test_keys_and_claimants_have_names_that_a_new_version_must_keep(locks: Locks) -> None:
    """D6: two versions work on one table while a stack is updated."""
    dry = Trigger("hlf_sync", ORG, "manual", "x", "kari", dry_run=True)
    assert lock_key(FIRST) == f"LOCK#certification_expiry#{ORG}"
    assert lock_key(dry) == f"LOCK#hlf_sync#{ORG}#dry"
    assert Lock(FIRST, 7).claimant == "holder 7"


def test_a_reservation_lasts_fifteen_minutes(locks: Locks, clock: Clock) -> None:
    """D6: the request comes back earlier. Then the lock is anybody's."""
    lock = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(lock, Lock)
    locks.reserve(lock, waits=True)
    clock.advance(899)
    assert isinstance(locks.acquire(SECOND, holder(), LEASE), Held)
    clock.advance(1)
    assert isinstance(locks.acquire(SECOND, holder(), LEASE), Lock)
