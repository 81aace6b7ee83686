"""How long a call to another service may take, and how often it is tried (E6, R2).

A handler sets once how many seconds its invocation has left (`time_limit`). An adapter limits each
call to these seconds, and then stops waiting. Socket time-outs are not enough, because they limit
single reads and single addresses: a server may send one byte every two seconds, and a host may have
ten addresses that do not answer.

An adapter repeats a failed call by its `Retry`. Nothing above or below it retries, so each call has
one budget.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from math import inf
from queue import Empty, SimpleQueue
from threading import Thread

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from mentor_pause.errors import DatabaseMisconfigured, TransientError

type Sleep = Callable[[float], None]
type Remaining = Callable[[], float]
"""Returns the seconds until Lambda kills the invocation."""

_STATEMENT_TIMEOUT = "57014"

_ends_at: ContextVar[float] = ContextVar("ends_at", default=inf)
"""The end of the current work on the monotonic clock, in seconds."""


class OutOfTime(Exception):
    """The call had no answer within its seconds, or no seconds were left for it."""


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
    """Return how many seconds a call may take: `longest`, or fewer if the work ends earlier.

    Raises:
        OutOfTime: no seconds are left.
    """
    seconds = min(longest, seconds_left())
    if seconds <= 0:
        raise OutOfTime("no time is left")
    return seconds


def call_within[T](longest: float, call: Callable[[], T]) -> T:
    """Return what `call` returns, or stop waiting after `longest` seconds or at the limit.

    The call runs in its own thread. A call without an answer in time continues there until its
    socket time-outs end it, and its result is dropped. Use this only for calls that are safe to
    repeat.

    Raises:
        OutOfTime: no answer came in time, or no time is left.
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


@dataclass(frozen=True, slots=True)
class Retry:
    """Repeats a call that failed with `on`, until it has had `attempts` attempts."""

    attempts: int = 3
    base: float = 0.2
    """The wait before attempt n is between 0 and `base` * 2^n seconds."""
    longest: float = 2.0
    """Seconds; no wait is longer."""
    on: type[TransientError] = TransientError
    patience: float = inf
    """Seconds after the first attempt in which another attempt may begin."""
    least_seconds: float = 0.0
    """Seconds that the work must have left when another attempt begins (`time_limit`)."""
    sleep: Sleep = time.sleep

    def __call__[T](self, call: Callable[[], T]) -> T:
        """Return what `call` returns.

        Two kinds of failure are not repeated: a wrong configuration, because poolers lock out a
        role after too many wrong passwords, and a statement that took too long, because it would
        take too long again.

        Raises:
            TransientError: the last one, when every attempt failed.
        """
        began = time.monotonic()
        try:
            return call()
        except self.on as error:  # tenacity is slow, so it is used only after a failure
            if not _may_pass(error):
                raise
            return self._repeat(call, error, began + self.patience)

    def _repeat[T](self, call: Callable[[], T], first: TransientError, until: float) -> T:
        failed = [first]

        def attempt() -> T:
            if failed:
                raise failed.pop()
            return call()

        enough = stop_after_attempt(self.attempts)

        def stop(state: RetryCallState) -> bool:
            wait = state.upcoming_sleep
            has_patience = time.monotonic() + wait < until
            has_time = seconds_left() - wait > self.least_seconds
            return enough(state) or not (has_patience and has_time)

        retrying = Retrying(
            wait=wait_random_exponential(multiplier=self.base, max=self.longest),
            retry=retry_if_exception_type(self.on) & retry_if_exception(_may_pass),
            stop=stop,
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(attempt)


NO_RETRY = Retry(attempts=1)
"""One attempt."""


def _may_pass(error: BaseException) -> bool:
    is_too_slow = getattr(error, "sqlstate", None) == _STATEMENT_TIMEOUT
    return not (is_too_slow or isinstance(error, DatabaseMisconfigured))
