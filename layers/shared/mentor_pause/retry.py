"""How long a call outside may take, and how often it is tried (E6, R2).

A handler states once how many seconds its invocation has left (`time_limit`). Each adapter asks how
many of them one call may take, and stops waiting when they are over, whatever the peer does: the
peer may be silent, send a byte every two seconds, or have ten addresses of which none answers.
Socket time-outs do not help there, because they limit single reads and single addresses.

`Retry` repeats a failed call with jittered, exponential waits.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from math import inf
from queue import Empty, SimpleQueue
from threading import Thread

from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from mentor_pause.errors import DatabaseMisconfigured, TransientError

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


_STATEMENT_TIMEOUT = "57014"

type Sleep = Callable[[float], None]
type Remaining = Callable[[], float]
"""Seconds until the runtime kills the invocation."""


def _always() -> bool:
    return True


def _may_pass(error: BaseException) -> bool:
    is_too_slow = getattr(error, "sqlstate", None) == _STATEMENT_TIMEOUT
    return not (is_too_slow or isinstance(error, DatabaseMisconfigured))


class Retry:
    """Calls again what failed with `on`, at most `attempts` times in all."""

    def __init__(
        self,
        attempts: int = 3,
        base: float = 0.2,
        longest: float = 2.0,
        on: type[TransientError] = TransientError,
        sleep: Sleep = time.sleep,
        patience: float = inf,
    ) -> None:
        """Wait between 0 and `base` * 2^n seconds before try n, never more than `longest`.

        No attempt begins later than `patience` seconds after the first one.
        """
        self._attempts = attempts
        self._patience = patience
        self._on = on
        self._retrying = Retrying(
            wait=wait_random_exponential(multiplier=base, max=longest),
            retry=retry_if_exception_type(on) & retry_if_exception(_may_pass),
            sleep=sleep,
            reraise=True,
        )

    def __call__[T](self, call: Callable[[], T], worthwhile: Callable[[], bool] = _always) -> T:
        """Return what `call` returns; a further attempt is made only while that is `worthwhile`.

        Two failures are not tried again at once. A wrong configuration: poolers lock out a role
        that shows a wrong password too often. A statement that took too long: it would again.

        Raises:
            TransientError: the last one, when every attempt failed.
        """
        began = time.monotonic()
        try:
            return call()
        except self._on as error:  # the machinery only now: it would slow down what goes well
            if not _may_pass(error):
                raise
            until = began + self._patience
            return self._again(call, error, lambda: time.monotonic() < until and worthwhile())

    def _again[T](
        self, call: Callable[[], T], first: TransientError, worthwhile: Callable[[], bool]
    ) -> T:
        failed = [first]

        def attempt() -> T:
            if failed:
                raise failed.pop()
            return call()

        attempts_used_up = stop_after_attempt(self._attempts)
        retrying = self._retrying.copy(
            stop=lambda state: attempts_used_up(state) or not worthwhile()
        )
        return retrying(attempt)
