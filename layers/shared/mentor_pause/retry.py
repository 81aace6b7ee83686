"""Bounded retries with jittered, exponential waits (E6)."""

import time
from collections.abc import Callable
from math import inf

from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_not_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from mentor_pause.errors import DatabaseMisconfigured, TransientError

type Sleep = Callable[[float], None]
type Remaining = Callable[[], float]
"""Seconds until the runtime kills the invocation."""


def _always() -> bool:
    return True


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
            retry=retry_if_exception_type(on) & retry_if_not_exception_type(DatabaseMisconfigured),
            sleep=sleep,
            reraise=True,
        )

    def __call__[T](self, call: Callable[[], T], worthwhile: Callable[[], bool] = _always) -> T:
        """Return what `call` returns; a further attempt is made only while that is `worthwhile`.

        What is configured wrongly is not tried again: poolers lock out who shows a wrong password
        too often.

        Raises:
            TransientError: the last one, when every attempt failed.
        """
        began = time.monotonic()
        try:
            return call()
        except DatabaseMisconfigured:
            raise
        except self._on as error:  # the machinery only now: it would slow down what goes well
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
