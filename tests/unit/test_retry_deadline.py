"""A call ends with its own seconds or with the limit around it, whatever its peer does (R2)."""

import time
from contextvars import ContextVar
from math import inf
from threading import Event

import pytest

from mentor_pause.retry import (
    OutOfTime,
    call_within,
    seconds_for_call,
    seconds_left,
    time_limit,
)


def test_without_a_limit_a_call_has_its_own_seconds() -> None:
    """For example on the command line, outside any handler."""
    assert seconds_left() == inf
    assert seconds_for_call(8) == 8


def test_an_outer_limit_stays_in_force() -> None:
    """An inner block may only have less time."""
    with time_limit(5), time_limit(100):
        assert seconds_left() <= 5
    assert seconds_left() == inf


def test_nothing_is_called_when_no_time_is_left() -> None:
    """The caller gets an error, and the peer gets no call."""
    calls: list[str] = []
    with time_limit(0), pytest.raises(OutOfTime):
        call_within(5, lambda: calls.append("called"))
    assert calls == []


def test_a_peer_that_never_answers_costs_the_calls_seconds() -> None:
    """And not those of the whole invocation."""
    never = Event()
    began = time.monotonic()
    with pytest.raises(OutOfTime):
        call_within(0.05, never.wait)
    assert time.monotonic() - began < 5
    never.set()


def test_the_result_the_error_and_the_context_come_through() -> None:
    """The call runs in a thread, which must not change its result."""
    name = ContextVar("name", default="")
    name.set("run-1")
    assert call_within(5, name.get) == "run-1"
    with pytest.raises(ZeroDivisionError):
        call_within(5, lambda: 1 // 0)


def test_a_call_may_return_none() -> None:
    """None is a result like any other."""
    assert call_within(5, lambda: None) is None
