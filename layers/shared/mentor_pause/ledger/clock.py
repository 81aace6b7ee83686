"""The time by AWS: this machine's clock, put right by the `Date` header of AWS's answers.

Leases on the ledger's lock are compared by whoever asks for it. If each Lambda went by its own
clock, one that is ahead would end runs that are alive. So all of them go by one clock, that of
DynamoDB, in which the leases are. An answer's header is exact to a second; leases are at least
forty times as long.

Between two answers this machine's clock goes on. Its pace is trusted for a minute: after that, or
if the clock was turned back, DynamoDB is asked again. A function that was frozen between two
invocations asks, too.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, cast

type LocalClock = Callable[[], datetime]

_TRUSTED_FOR = timedelta(minutes=1)


def utc_now() -> datetime:
    """Return the present moment by this machine's clock."""
    return datetime.now(UTC)


class ServerClock:
    """Tells the time by the answers that it is shown."""

    def __init__(self, ask: Callable[[], None], local_clock: LocalClock) -> None:
        """`ask` has the server answer, and shows the answer to `note`; it does not raise."""
        self._ask = ask
        self._local_clock = local_clock
        self._ahead = timedelta()
        self._noted_at: datetime | None = None

    def __call__(self) -> datetime:
        """Return the present moment by the server, or by this machine if the server does not tell.

        If it told earlier and does not now, this machine's clock goes on from there.
        """
        if not self._is_fresh():
            self._ask()
            if not self._is_fresh():  # asked in vain, which is not repeated for each look
                self._noted_at = self._local_clock()
        return self._local_clock() + self._ahead

    def note(self, answer: object) -> None:
        """Take the time from an answer of the server; nothing if it does not tell."""
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
