"""The oracle's records: plain, and of the oracle's own."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass
class Mentor:
    """A mentor here."""

    key: str
    chapter: str
    changed_at: datetime
    status: str = "active"
    version: int = 1
    reason: str = "entered"
    told_version: int | None = None
    """The version that the portal has taken over."""


@dataclass
class PortalMentor:
    """A mentor in the portal."""

    status: str
    reason: str
    days: set[date]
    """The days that the portal may hold for the change: more than one after a change of zone."""


@dataclass
class PortalRow:
    """A certification in the portal."""

    key: str
    until: date | str
    """The last day on which it counts; any text stands for a row that cannot be read."""
    is_active: bool = True


@dataclass(frozen=True)
class HistoryRow:
    """One change of a status (E3, S3)."""

    mentor: str
    previous: str
    new: str
    reason: str
    expires_on: date | None
    run: str | None
    role: str
    changed_at: datetime


@dataclass
class LogRow:
    """One attempt to run a job (D4)."""

    run: str
    status: str
    dry_run: bool = False
    as_of: date | None = None
    counts: tuple[int, int, int, int] | None = None
    """Processed, paused, skipped, error: of expiry runs that were not turned away."""
    is_back_dated: bool = field(default=False, compare=False)
    """A run by hand about a day before the one on which it started repeats an earlier night."""

    @property
    def covers_a_night(self) -> bool:
        """Whether this is a complete run of the expiry job about its own night; no dry run."""
        is_complete = self.counts is not None and self.status == "completed"
        return is_complete and not self.dry_run and not self.is_back_dated


@dataclass(frozen=True)
class Run:
    """A run of either job: the day that was fixed, and the mentors that were listed."""

    day: date
    mentors: list[str]
    dry_run: bool = False


def by_mentor(rows: Iterable[HistoryRow]) -> dict[str, HistoryRow]:
    """Number each mentor's changes: no rule says who of a night's mentors is paused first."""
    numbers = Counter[str]()
    found: dict[str, HistoryRow] = {}
    for row in rows:
        numbers[row.mentor] += 1
        found[f"of {row.mentor}, change {numbers[row.mentor]}"] = row
    return found
