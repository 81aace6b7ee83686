"""The world as the oracle keeps it: plain records, and what a day and an expiry are (E1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from year.records import HistoryRow, LogRow, Mentor, PortalMentor, PortalRow, Run, by_mentor


@dataclass
class World:
    """All that there is."""

    now: datetime
    zone: str = "Europe/Oslo"
    zones_since: list[tuple[datetime, str]] = field(default_factory=list)
    mentors: dict[str, Mentor] = field(default_factory=dict)
    by_hand: dict[str, tuple[str, date]] = field(default_factory=dict)
    """Certifications that were entered here, by id: mentor and day of expiry."""
    from_portal: dict[str, tuple[str, date]] = field(default_factory=dict)
    """Those that a sync has brought."""
    portal_mentors: dict[str, PortalMentor] = field(default_factory=dict)
    portal_rows: dict[str, PortalRow] = field(default_factory=dict)
    history: list[HistoryRow] = field(default_factory=list)
    log: list[LogRow] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    open_run: str | None = None
    """The expiry run that is in progress; dry runs are in nobody's way."""
    waiting: list[str] = field(default_factory=list)
    """Scheduled triggers that were refused and come again."""
    blocked: set[str] = field(default_factory=set)
    """Mentors whose row the database refuses to change."""
    seen: tuple[int, int] = (0, 0)
    """So many rows of history and log were compared before."""

    def today(self) -> date:
        """Return which day it is for the organisation."""
        return self.day_of(self.now, self.zone)

    @staticmethod
    def day_of(moment: datetime, zone: str) -> date:
        """Return which day a moment is on in a zone."""
        return moment.astimezone(ZoneInfo(zone)).date()

    def expiry(self, mentor: str) -> date | None:
        """E1: the latest of a mentor's certifications counts."""
        found = [*self.by_hand.values(), *self.from_portal.values()]
        return max((day for whose, day in found if whose == mentor), default=None)

    def is_expired(self, mentor: str, day: date) -> bool:
        """E1: on the day of expiry the certification has expired; without one it has not."""
        expiry = self.expiry(mentor)
        return expiry is not None and expiry <= day

    def is_certified(self, mentor: str) -> bool:
        """Whether the mentor has a certification that is valid today."""
        expiry = self.expiry(mentor)
        return expiry is not None and expiry > self.today()

    def change(self, mentor: str, status: str, reason: str, run: str | None, role: str) -> None:
        """E3: a status and its history row change together."""
        found = self.mentors[mentor]
        self.history.append(
            HistoryRow(
                mentor, found.status, status, reason, self.expiry(mentor), run, role, self.now
            )
        )
        found.status, found.reason, found.changed_at = status, reason, self.now
        found.version += 1

    def state(self) -> dict[str, Mapping[Any, Any]]:
        """Return all that there is, by section."""
        return {
            "mentor": {n: (m.status, m.version) for n, m in self.mentors.items()},
            "certification": self.by_hand | self.from_portal,
            "portal": {
                key: (row.status, row.reason, frozenset(row.days))
                for key, row in self.portal_mentors.items()
            },
            "history": by_mentor(self.history[self.seen[0] :]),
            "log": dict(enumerate(self.log[self.seen[1] :])),
        }

    def settle(self, *, again: bool = False) -> None:
        """Leave the present rows out of later states; `again`: show all rows again."""
        self.seen = (0, 0) if again else (len(self.history), len(self.log))
