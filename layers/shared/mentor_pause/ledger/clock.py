"""The time by AWS: this machine's clock, corrected by the `Date` header of AWS's answers.

The holder of a lock stores the moment at which its lease ends, and other processes compare it with
their clock. If each Lambda used its own clock, a Lambda whose clock is ahead would end runs that
are alive. So all of them use DynamoDB's clock. The header is exact to a second; leases are at least
forty times as long.

Between two answers this machine's clock continues from the last header. It is trusted for a minute.
After that, or if the clock was set back, the next call asks DynamoDB, and so does a function that
Lambda froze between two invocations.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, cast

type Clock = Callable[[], datetime]
"""Returns the present moment, aware."""

_TRUSTED_FOR = timedelta(minutes=1)


def utc_now() -> datetime:
    """Return the present moment by this machine's clock."""
    return datetime.now(UTC)


class ServerClock:
    """Tells the time by the `Date` headers of a server's answers."""

    def __init__(self, ask: Callable[[], None], local_clock: Clock) -> None:
        """`ask` sends the server a request and passes the answer to `note`; it never raises."""
        self._ask = ask
        self._local_clock = local_clock
        self._ahead = timedelta()
        self._noted_at: datetime | None = None

    def __call__(self) -> datetime:
        """Return the present moment by the server, or by this machine if no answer has a date.

        If an earlier answer had a date, this machine's clock continues from it.
        """
        if not self._is_fresh():
            self._ask()
            if not self._is_fresh():  # the answer had no date; do not ask again at each call
                self._noted_at = self._local_clock()
        return self._local_clock() + self._ahead

    def note(self, answer: object) -> None:
        """Take the time from an answer of the server, if it has a date."""
        moment = _date_of(answer)
        if moment is not None:
            self._noted_at = self._local_clock()
            self._ahead = moment - self._noted_at

    def _is_fresh(self) -> bool:
        if self._noted_at is None:
            return False
        return timedelta() <= self._local_clock() - self._noted_at <= _TRUSTED_FOR


def _date_of(answer: object) -> datetime | None:
    if not isinstance(answer, Mapping):
        return None
    metadata = cast("Mapping[str, Any]", answer).get("ResponseMetadata", {})
    try:
        moment = parsedate_to_datetime(metadata["HTTPHeaders"]["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
