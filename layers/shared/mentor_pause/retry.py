"""Bounded retries with jittered, exponential waits (E6)."""

import time
from collections.abc import Callable
from math import inf

from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from mentor_pause.errors import DatabaseMisconfigured, TransientError

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
