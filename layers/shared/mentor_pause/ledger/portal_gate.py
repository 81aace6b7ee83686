"""The moment before which no worker sends a request to HLF's portal (H3, R1).

    PORTAL / NOT_BEFORE    not_before: that moment, in seconds of the epoch

The portal counts the requests of all workers together. So a worker that is told to wait (429)
writes down until when, and the other workers read it before their first request. The moment is
rounded up to a second and moves forward only.

The item is an aid and not a lock. A worker that cannot read it sends its request, and the portal
itself tells that worker to wait. A moment further away than `LONGEST_SECONDS` comes from a wrong
clock; it counts as no moment, and the next worker that is told to wait overwrites it.
"""

from contextlib import suppress
from dataclasses import dataclass
from math import ceil

from mentor_pause.errors import LedgerUnavailable
from mentor_pause.ledger.items import expiry
from mentor_pause.ledger.table import Table

LONGEST_SECONDS = 900
"""The gate is closed for at most so long. Then one worker asks the portal again, and if the portal
still answers 429, the gate closes again. It is also the longest delay of a message (SQS)."""

_CLOCK_SECONDS = 60
"""How far two workers' views of the ledger's clock may differ."""

_KEY = ("PORTAL", "NOT_BEFORE")


@dataclass(frozen=True, slots=True)
class PortalGate:
    """Closes the portal for all workers, and says for how long it is closed."""

    table: Table
    """The ledger's table, which need not repeat failed calls."""

    def seconds_closed(self) -> float:
        """Return the seconds until workers may send requests; 0: now, or the ledger is away."""
        try:
            item = self.table.get(*_KEY)
        except LedgerUnavailable:
            return 0.0
        if item is None:
            return 0.0
        seconds = float(item["not_before"]) - self.table.now().timestamp()
        is_believable = seconds <= LONGEST_SECONDS + _CLOCK_SECONDS
        return min(max(seconds, 0.0), LONGEST_SECONDS) if is_believable else 0.0

    def close_for(self, seconds: float) -> None:
        """Close the gate for so many seconds, unless it is closed for longer already."""
        now = self.table.now()
        moment = now.timestamp()
        with suppress(LedgerUnavailable):
            self.table.update(
                *_KEY,
                "SET not_before = :until, expires_at = :expires",
                "attribute_not_exists(not_before) or not_before < :until "
                "or not_before > :believable",
                {
                    "until": ceil(moment + min(seconds, LONGEST_SECONDS)),
                    "believable": ceil(moment) + LONGEST_SECONDS + _CLOCK_SECONDS,
                    "expires": expiry(now),
                },
            )
