"""Bounded retries with jittered, exponential waits (E6)."""

import time
from collections.abc import Callable

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from mentor_pause.errors import TransientError

type Sleep = Callable[[float], None]


class Retry:
    """Calls again what failed with a `TransientError`, at most `attempts` times in all."""

    def __init__(
        self, attempts: int = 3, base: float = 0.2, longest: float = 2.0, sleep: Sleep = time.sleep
    ) -> None:
        """Wait between 0 and `base` * 2^n seconds before try n, never more than `longest`."""
        self._retrying = Retrying(
            stop=stop_after_attempt(attempts),
            wait=wait_random_exponential(multiplier=base, max=longest),
            retry=retry_if_exception_type(TransientError),
            sleep=sleep,
            reraise=True,
        )

    def __call__[T](self, call: Callable[[], T]) -> T:
        """Return what `call` returns.

        Raises:
            TransientError: the last one, when every attempt failed.
        """
        return self._retrying(call)
