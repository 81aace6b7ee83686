"""The claims about a year, checked on what the product did.

They know the present date of each mentor from the world, and no rule of the oracle.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from year.warnings.mailbox import Sent
from year.warnings.records import Pause, Warned
from year.warnings.world import World

AHEAD = timedelta(days=14)


@dataclass
class Claims:
    """What the product did, and which claims it broke."""

    world: World
    first: date
    """The first night; 14 days earlier nobody could be warned."""
    warnings: list[Warned] = field(default_factory=list[Warned])
    pauses: list[Pause] = field(default_factory=list[Pause])
    mails: int = 0
    broken: list[str] = field(default_factory=list[str])
    _stages: Counter[tuple[UUID, date, int]] = field(
        default_factory=Counter[tuple[UUID, date, int]]
    )
    _days: dict[tuple[UUID, date], date] = field(default_factory=dict[tuple[UUID, date], date])
    """The first day on which a mentor was warned of a date."""
    _digests: Counter[tuple[str, date]] = field(default_factory=Counter[tuple[str, date]])
    _own: Counter[tuple[str, date]] = field(default_factory=Counter[tuple[str, date]])
    _named: dict[date, set[UUID]] = field(default_factory=lambda: defaultdict(set))

    def note_run(self, day: date, paused: set[UUID], warned: set[Warned]) -> None:
        """A run has paused and warned these."""
        for warning in sorted(warned):
            mentor, expires_on, stage, warned_on = warning
            self.warnings.append(warning)
            self._days.setdefault((mentor, expires_on), warned_on)
            self._stages[mentor, expires_on, stage] += 1
            self._expect(self._stages[mentor, expires_on, stage] == 1, f"a stage twice: {warning}")
            self._expect(
                self.world.mentors[mentor].expires_on == expires_on,
                f"a warning of a date that does not count: {warning}",
            )
        burst = Counter(w.mentor for w in warned)
        self._expect(max(burst.values(), default=0) <= 1, f"several warnings on {day}")
        for mentor in paused:
            expires_on = self.world.mentors[mentor].expires_on
            self.pauses.append(Pause(mentor, expires_on or day, day))

    def note_mails(self, sent: Iterable[Sent]) -> None:
        """These e-mails were sent."""
        at = {m.contact.email: m for m in self.world.mentors.values()}
        for mail in (found.mail for found in sent):
            self.mails += 1
            self._digests[mail.email, mail.day] += 1
            self._expect(self._digests[mail.email, mail.day] == 1, f"two mails: {mail}")
            if mail.own_expires_on:
                self._own[mail.email, mail.own_expires_on] += 1
                date_now = at[mail.email].expires_on
                self._expect(date_now == mail.own_expires_on, f"a mail after a renewal: {mail}")

    def note_named(self, day: date, named: set[UUID]) -> None:
        """The product names these as paused without a warning 14 days before."""
        self._named[day] |= named

    def unwarned(self) -> list[Pause]:
        """Return the pauses without a warning of the same date at least 14 days before."""
        return [p for p in self.pauses if not self._is_forewarned(p)]

    def unnamed(self) -> list[Pause]:
        """Return those of them that the product does not name."""
        return [p for p in self.unwarned() if p.mentor not in self._named[p.day]]

    def most_own_warnings(self) -> int:
        """Return the largest number of e-mails that warned somebody of one date."""
        return max(self._own.values(), default=0)

    def share(self) -> float:
        """Return the share of forewarned pauses after the first 14 nights."""
        counted = [p for p in self.pauses if p.day >= self.first + AHEAD]
        return sum(map(self._is_forewarned, counted)) / len(counted) if counted else 1.0

    def _is_forewarned(self, pause: Pause) -> bool:
        day = self._days.get((pause.mentor, pause.expires_on))
        return day is not None and day <= pause.day - AHEAD

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.broken.append(otherwise)
