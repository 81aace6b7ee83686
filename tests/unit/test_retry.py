"""Bounded retries (E6)."""

import pytest

from mentor_pause.errors import DatabaseError, DatabaseUnavailable
from mentor_pause.retry import Retry, time_limit


def test_a_fault_that_passes_is_survived_with_growing_jittered_waits() -> None:
    """Never longer than the bound."""
    waits: list[float] = []
    answers = iter([DatabaseUnavailable("gone")] * 4 + ["there"])

    def call() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    assert Retry(attempts=5, base=1, longest=3, sleep=waits.append)(call) == "there"
    assert len(waits) == 4
    assert all(0 <= wait <= bound for wait, bound in zip(waits, (1, 2, 3, 3), strict=True))


def test_no_wait_lasts_into_the_end_of_the_work() -> None:
    """R2: a worker that sleeps beyond its seconds is killed by Lambda."""
    waits: list[float] = []

    def call() -> None:
        raise DatabaseUnavailable("gone")

    retry = Retry(attempts=50, base=1e6, longest=1e9, sleep=waits.append)
    with time_limit(0.5), pytest.raises(DatabaseUnavailable):
        retry(call)
    assert sum(waits) < 0.5


def test_attempts_are_bounded_and_the_last_error_comes_through() -> None:
    """Not wrapped in the library's own."""
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise DatabaseUnavailable("gone")

    with pytest.raises(DatabaseUnavailable):
        Retry(attempts=3, sleep=lambda _: None)(call)
    assert len(calls) == 3


def test_what_the_database_refused_is_not_asked_again() -> None:
    """It would refuse again."""
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise DatabaseError("no", "P0001")

    with pytest.raises(DatabaseError):
        Retry(sleep=lambda _: None)(call)
    assert len(calls) == 1


def test_another_attempt_begins_only_while_the_work_has_enough_seconds_left() -> None:
    """E10: not when Lambda is about to kill the invocation."""
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise DatabaseUnavailable("gone")

    with time_limit(60), pytest.raises(DatabaseUnavailable):
        Retry(attempts=2, sleep=lambda _: None, least_seconds=50)(call)
    with time_limit(60), pytest.raises(DatabaseUnavailable):
        Retry(attempts=2, sleep=lambda _: None, least_seconds=61)(call)
    assert len(calls) == 2 + 1


def test_no_attempt_begins_when_patience_is_over() -> None:
    """A call that takes long is not made twice, however many attempts there are."""
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        Retry(attempts=9, sleep=lambda _seconds: None, patience=0)(call)
    assert len(calls) == 1
