"""The lock's states, on moto's DynamoDB (D6)."""

from itertools import count
from typing import Any

import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.lock import Held, Lock, Locks
from mentor_pause.ledger.table import Table
from support.aws import Clients, create_ledger_table
from support.night import Clock
from support.roster import ORG

LEASE = 45
_holders = count()


def holder() -> str:
    """Every delivery is a holder of its own."""
    return f"holder {next(_holders)}"


FIRST = Trigger("certification_expiry", ORG, "schedule", "first", "rule")
SECOND = Trigger("certification_expiry", ORG, "schedule", "second", "rule")


class AnswerLost:
    """A table whose update lands but loses its answer, and is repeated by the SDK itself."""

    def __init__(self, table: Table) -> None:
        """`table` does the work."""
        self._table = table
        self.now = table.now

    def update(self, *arguments: Any, **named: Any) -> Any:
        """Do it twice; only the second answer is heard."""
        self._table.update(*arguments, **named)
        return self._table.update(*arguments, **named)


@pytest.fixture
def table(aws: Clients, request: pytest.FixtureRequest, clock: Clock) -> Table:
    """A ledger of the test's own."""
    return create_ledger_table(aws.dynamodb, request.node.name, clock)


@pytest.fixture
def locks(table: Table) -> Locks:
    """The locks in it."""
    return Locks(table)


@pytest.fixture
def clock() -> Clock:
    """Time that a test moves."""
    return Clock()


def test_a_free_lock_is_acquired_and_a_held_one_tells_by_whom(locks: Locks, clock: Clock) -> None:
    """A duplicate of the trigger is told from another trigger."""
    lock = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(lock, Lock)
    assert lock.fence == 1
    assert locks.acquire(FIRST, holder(), LEASE) == Held(FIRST.job_run_id, same_trigger=True)
    assert locks.acquire(SECOND, holder(), LEASE) == Held(FIRST.job_run_id, same_trigger=False)


def test_jobs_do_not_lock_each_other_out(locks: Locks, clock: Clock) -> None:
    """One lock per job and organisation."""
    other = Trigger("hlf_sync", ORG, "schedule", "first", "rule")
    assert isinstance(locks.acquire(FIRST, holder(), LEASE), Lock)
    assert isinstance(locks.acquire(other, holder(), LEASE), Lock)


def test_a_released_lock_is_for_another_firing_only(locks: Locks, clock: Clock) -> None:
    """No second run for the same trigger."""
    locks.acquire(FIRST, holder(), LEASE)
    locks.release(FIRST)
    assert locks.acquire(FIRST, holder(), LEASE) == Held(FIRST.job_run_id, same_trigger=True)
    found = locks.acquire(SECOND, holder(), LEASE)
    assert isinstance(found, Lock)
    assert found.fence == 2


@pytest.mark.parametrize("trigger", [FIRST, SECOND])
def test_a_lease_that_ran_out_blocks_nobody_and_every_acquisition_raises_the_fence(
    locks: Locks, clock: Clock, trigger: Trigger
) -> None:
    """Neither the same trigger, which resumes, nor another one."""
    locks.acquire(FIRST, holder(), LEASE)
    clock.advance(LEASE - 1)
    assert isinstance(locks.acquire(trigger, holder(), LEASE), Held)
    clock.advance(1)
    found = locks.acquire(trigger, holder(), LEASE)
    assert isinstance(found, Lock)
    assert found.fence == 2
    # Whose run nobody else will end is told to the one who takes over.
    assert found.abandoned == (set() if trigger == FIRST else {FIRST.job_run_id})


def test_a_holder_that_was_replaced_can_neither_write_nor_extend_nor_release(
    locks: Locks, table: Table, clock: Clock
) -> None:
    """Its lock is another's by now."""
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


def test_who_holds_the_lock_can_renew_it(locks: Locks, table: Table, clock: Clock) -> None:
    """Time and again, with what it writes."""
    lock = locks.acquire(FIRST, holder(), LEASE)
    assert isinstance(lock, Lock)
    for _ in range(3):
        clock.advance(LEASE - 1)
        assert table.transact([locks.still_held(lock, LEASE)])
    assert isinstance(locks.acquire(SECOND, holder(), LEASE), Held)


def test_an_acquisition_whose_answer_was_lost_is_not_taken_for_a_duplicate(
    table: Table, clock: Clock
) -> None:
    """Else the night would be skipped as its own duplicate."""
    found = Locks(AnswerLost(table)).acquire(FIRST, holder(), LEASE)  # type: ignore[arg-type]
    assert isinstance(found, Lock)


def test_abandoned_runs_are_told_to_every_next_holder_until_they_have_ended(
    locks: Locks, clock: Clock
) -> None:
    """Also when the one who took over could not end them, or died."""
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
