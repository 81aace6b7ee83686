"""The rules of a night: its pauses (E1), its warnings (W1), and the messages about both (W2).

It knows the requirements, and neither the database nor the code of the product.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from year.warnings.post import Post
from year.warnings.records import Message, Pause, Warned
from year.warnings.world import World

AHEAD = timedelta(days=14)
"""W7: a pause without a warning so long before is named."""


@dataclass
class Night:
    """What one run did."""

    paused: set[UUID] = field(default_factory=set)
    warned: set[Warned] = field(default_factory=set)


@dataclass
class Oracle:
    """The world, the warnings, the pauses and the messages."""

    world: World = field(default_factory=World)
    warnings: dict[tuple[UUID, date], list[Warned]] = field(default_factory=dict)
    """By mentor and expiry date."""
    pauses: list[Pause] = field(default_factory=list)
    nights: set[date] = field(default_factory=set)
    """The nights that were not missed."""

    def __post_init__(self) -> None:
        """Open the post."""
        self.post = Post(self.world, self._was_warned)

    def run(self, now: datetime, day: date) -> Night:
        """A run of the nightly job about this day."""
        self.nights.add(day)
        night = Night()
        self._pause(now, day, night)
        self._warn(now, day, night)
        return night

    def _pause(self, now: datetime, day: date, night: Night) -> None:
        for mentor in self.world.mentors.values():
            expires_on = mentor.expires_on
            if mentor.status == "active" and expires_on and expires_on <= day:
                mentor.status, mentor.was_changed_by_hand = "paused", False
                night.paused.add(mentor.id)
                self.pauses.append(Pause(mentor.id, expires_on, day))
        self._tell("paused", night.paused, now)

    def _warn(self, now: datetime, day: date, night: Night) -> None:
        for mentor in self.world.mentors.values():
            expires_on = mentor.expires_on
            if mentor.status != "active" or not expires_on or expires_on <= day:
                continue
            reached = [s for s in self.world.stages if expires_on - timedelta(days=s) <= day]
            given = self.warnings.setdefault((mentor.id, expires_on), []) if reached else []
            # After missed nights the nearest stage only; no stage after a nearer one.
            if reached and all(w.stage > min(reached) for w in given):
                given.append(Warned(mentor.id, expires_on, min(reached), day))
                night.warned.add(given[-1])
        self._tell("warning", {w.mentor for w in night.warned}, now)

    def _tell(self, kind: str, mentors: Iterable[UUID], now: datetime) -> None:
        """Write one message to each coordinator, and one to each mentor."""
        about: dict[UUID, list[UUID]] = {}
        for mentor in sorted(mentors):
            person = self.world.mentors[mentor].person
            self.post.add(Message("mentor", person, kind, (mentor,), now, now))
            for coordinator in self.world.responsible_for(mentor):
                about.setdefault(coordinator, []).append(mentor)
        for person, their in about.items():
            self.post.add(Message("coordinator", person, kind, tuple(their), now, now))

    def _was_warned(self, mentor: UUID, expires_on: date) -> bool:
        return bool(self.warnings.get((mentor, expires_on)))

    def unwarned(self, day: date) -> set[UUID]:
        """W7: whom the runs for a day paused without a warning at least 14 days before."""
        return {p.mentor for p in self.pauses if p.day == day and not self.is_forewarned(p)}

    def is_forewarned(self, pause: Pause) -> bool:
        """Whether a warning of the same date came at least 14 days before the pause."""
        given = self.warnings.get((pause.mentor, pause.expires_on), ())
        return any(w.day <= pause.day - AHEAD for w in given)

    def why_unwarned(self, pause: Pause) -> str:
        """Return what hindered a warning at least 14 days before the pause."""
        latest = pause.day - AHEAD
        if latest < min(self.nights):
            return "the first 14 nights"
        mentor = self.world.mentors[pause.mentor]
        then = next((s for s in reversed(mentor.situations) if s.night <= latest), None)
        after = [s for s in mentor.situations if s.night > latest]
        if then is None:
            return "a new mentor"
        if then.expires_on != pause.expires_on:
            return next(s.cause for s in after if s.expires_on == pause.expires_on)
        if not then.is_active:
            return "was not active 14 days before"
        return "missed nights"
