"""How long a call may take: never longer than the work that it belongs to (R2).

A handler states once how many seconds its invocation has left. Each adapter then asks, before it
calls something outside, how many seconds that call may take, and gives up when they are over,
whatever the peer does: it may be silent, send a byte every two seconds, or have ten addresses of
which none answers. Socket time-outs do not help there, since they limit single reads and addresses.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from math import inf
from queue import Empty, SimpleQueue
from threading import Thread

_ends_at: ContextVar[float] = ContextVar("ends_at", default=inf)
"""The end of the current work on the monotonic clock, in seconds."""


class OutOfTime(Exception):
    """The call had no answer within its seconds, or there were none left for it."""


@contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """Bound every outside call in this block; an outer block that ends earlier stays in force."""
    before = _ends_at.get()
    token = _ends_at.set(min(before, time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


def seconds_left() -> float:
    """Return the seconds until the current work must have ended; infinite outside any limit."""
    return _ends_at.get() - time.monotonic()


def seconds_for_call(longest: float) -> float:
    """Return how many seconds a call may take: `longest`, or less if the work ends earlier.

    Raises:
        OutOfTime: none are left.
    """
    seconds = min(longest, seconds_left())
    if seconds <= 0:
        raise OutOfTime("no time is left")
    return seconds


def call_within[T](longest: float, call: Callable[[], T]) -> T:
    """Return what `call` returns, or stop waiting after `longest` seconds or at the limit.

    The call runs in a thread of its own. A call that has had no answer in time goes on there until
    its own socket time-outs end it, and its result is dropped: use this only for calls that are
    safe to repeat.

    Raises:
        OutOfTime: there was no answer in time, or no time is left.
    """
    seconds = seconds_for_call(longest)
    answer: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            answer.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
            answer.put((None, error))

    Thread(target=copy_context().run, args=(run,), daemon=True).start()
    try:
        result, error = answer.get(timeout=seconds)
    except Empty:
        raise OutOfTime(f"no answer within {seconds:.1f} s") from None
    if error is not None:
        raise error
    return result  # pyright: ignore[reportReturnType] - without an error there is a result
