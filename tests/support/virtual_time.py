"""Time that several threads share, and that passes without waiting.

One thread runs at a time. A thread that sleeps gives its turn to the thread with the earliest
moment, and the time moves to that moment. So the order of events depends on the moments only.
"""

import heapq
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from math import inf
from threading import Event, Thread

_BEGIN = datetime(2026, 3, 1, 3, tzinfo=UTC)

_killed_at: ContextVar[float] = ContextVar("killed_at", default=inf)
"""The moment at which Lambda kills the thread's invocation."""


class InvocationKilled(BaseException):
    """Lambda ended the invocation at its time-out."""


class VirtualTime:
    """The time, in seconds; it begins at 0."""

    def __init__(self) -> None:
        """No time has passed, and no thread sleeps."""
        self.seconds = 0.0
        self._sleepers: list[tuple[float, int, Event]] = []
        self._number = 0

    def now(self) -> datetime:
        """Return the present moment, aware."""
        return _BEGIN + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass, and let the other threads run meanwhile.

        Raises:
            InvocationKilled: Lambda's time-out comes first.
        """
        until = self.seconds + max(0.0, seconds)
        killed_at = _killed_at.get()
        self._wait_until(min(until, killed_at))
        if until > killed_at:
            raise InvocationKilled

    @contextmanager
    def invocation(self, seconds: float) -> Generator[Callable[[], float]]:
        """Bound the calls of this block by a time-out; yield a function of the seconds left."""
        end = self.seconds + seconds
        token = _killed_at.set(end)
        try:
            yield lambda: end - self.seconds
        finally:
            _killed_at.reset(token)

    def run(self, *works: Callable[[], None]) -> None:
        """Do the works at the same time, each in a thread; return when all have ended."""
        errors: list[BaseException] = []

        def lane(work: Callable[[], None], turn: Event) -> None:
            turn.wait()
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - `run` raises it
                errors.append(error)
            finally:
                self._wake_next()

        threads = [Thread(target=lane, args=(w, self._enter(self.seconds))) for w in works]
        for thread in threads:
            thread.start()
        self._wake_next()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _wait_until(self, moment: float) -> None:
        turn = self._enter(moment)
        self._wake_next()
        turn.wait()

    def _enter(self, moment: float) -> Event:
        turn = Event()
        self._number += 1
        heapq.heappush(self._sleepers, (moment, self._number, turn))
        return turn

    def _wake_next(self) -> None:
        if self._sleepers:
            self.seconds, _, turn = heapq.heappop(self._sleepers)
            turn.set()
