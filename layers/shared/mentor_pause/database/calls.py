"""Calls a database function through a transport, and reads its answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import ConfigDict, TypeAdapter

from mentor_pause.database.results import read_value
from mentor_pause.database.transport import Row, Transport
from mentor_pause.retry import NO_RETRY, Retry

WHEN_USED = ConfigDict(defer_build=True)
_COUNT = TypeAdapter(int, config=WHEN_USED)
_FLAG = TypeAdapter(bool, config=WHEN_USED)


@dataclass(frozen=True, slots=True)
class DatabaseCalls:
    """Repeats a failed call by `retry`."""

    transport: Transport
    retry: Retry = NO_RETRY

    def once(self) -> Self:
        """Return the same client without its retry."""
        return replace(self, retry=NO_RETRY)

    def close(self) -> None:
        """Close the transport's connections."""
        self.transport.close()

    def call[T](
        self,
        function: str,
        read: Callable[[list[Row]], T],
        **arguments: Any,  # noqa: ANN401 - the parameters of any database function
    ) -> T:
        """Call a database function, and return what `read` makes of its rows.

        Raises:
            RetryableDatabaseError: the call may succeed later.
            DatabaseError: the database refused, or its answer cannot be read.
        """
        return self.retry(lambda: read(self.transport.call(function, arguments)))


def read_count(rows: list[Row]) -> int:
    """Return the number that a function returned."""
    return read_value(_COUNT, rows)


def read_flag(rows: list[Row]) -> bool:
    """Return the truth value that a function returned."""
    return read_value(_FLAG, rows)
