"""Draws what happens to mentors and coordinators on a day, from the oracle's world and a seed."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from year.warnings.records import Contact, Mentor
from year.warnings.world import World

DEAD = "dead"
"""Mails to an address that begins so bounce."""

_YEAR = 365
_STAGES = (90, 30, 14, 7)


class Step(NamedTuple):
    """One verb of world and product."""

    verb: str
    arguments: Mapping[str, Any]


def step(verb: str, **arguments: Any) -> Step:
    """Return a step."""
    return Step(verb, arguments)


@dataclass
class Dice:
    """The seed's dice over the world, and what they have planned for later days."""

    random: random.Random
    world: World
    unrest: float = 1.0
    """Multiplies how often something happens by day."""
    failures: float = 1.0
    """Multiplies how many addresses are dead."""
    plans: dict[date, list[UUID]] = field(default_factory=dict[date, list[UUID]])
    """Who renews on which day."""
    returns: dict[date, list[UUID]] = field(default_factory=dict[date, list[UUID]])
    """Who comes back from a leave on which day."""
    on_leave: set[UUID] = field(default_factory=set[UUID])
    _numbers: int = 0

    def new_id(self) -> UUID:
        """Draw an id."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def happens(self, share: float) -> bool:
        """Draw whether something happens."""
        return self.random.random() < share

    def days(self, first: int, last: int) -> timedelta:
        """Draw a number of days."""
        return timedelta(days=self.random.randint(first, last))

    def contact(self, *, always: bool = False) -> Contact:
        """Draw an address, which may be missing unless it is `always` there, and a language."""
        self._numbers += 1
        name = f"{DEAD if self.happens(0.005 * self.failures) else 'p'}{self._numbers}@example.org"
        email = name if always or not self.happens(0.04) else None
        return Contact(email, "en" if self.happens(0.2) else "nb")

    def mentor(self, status: str = "active") -> Mentor | None:
        """Draw a mentor of this status."""
        mentors = list(self.world.mentors.values())
        drawn = (self.random.choice(mentors) for _ in range(50))
        return next((m for m in drawn if m.status == status and m.expires_on), None)

    def coordinator(self) -> UUID:
        """Draw a coordinator."""
        return self.random.choice(list(self.world.coordinators))

    def chapter(self) -> UUID:
        """Draw a chapter."""
        return self.random.choice(self.world.chapters)

    def latest(self, mentor: Mentor) -> UUID:
        """Return the certification that counts."""
        return max(mentor.certifications, key=lambda c: (mentor.certifications[c], c.int))

    def plan_renewal(self, mentor: UUID, today: date, expires_on: date) -> None:
        """Draw when a mentor renews: mostly in time, sometimes after the pause, sometimes never.

        A part of those who renew in time do so in the days after a warning.
        """
        share = self.random.random()
        if share < 0.08:
            day = expires_on - self.days(91, 170)
        elif share < 0.35:
            day = expires_on - self.days(1, 90)
        elif share < 0.70:
            day = expires_on - timedelta(days=self.random.choice(_STAGES)) + self.days(0, 6)
        elif share < 0.87:
            day = expires_on + self.days(1, 40)
        else:
            return
        if day > today:
            self.plans.setdefault(day, []).append(mentor)

    def certified(self, mentor: UUID, today: date, expires_on: date, cause: str) -> Step:
        """Return the step that gives a mentor a certification."""
        self.plan_renewal(mentor, today, expires_on)
        return step(
            "certify",
            certification=self.new_id(),
            mentor=mentor,
            expires_on=expires_on,
            cause=cause,
        )

    def renewals(self, today: date) -> Iterator[Step]:
        """Yield what was planned for this day."""
        for mentor_id in self.plans.pop(today, ()):
            yield from self._renewal(self.world.mentors[mentor_id], today)
        for mentor_id in self.returns.pop(today, ()):
            mentor = self.world.mentors[mentor_id]
            self.on_leave.discard(mentor_id)
            if mentor.status == "paused" and mentor.expires_on and mentor.expires_on > today:
                yield step("set_status", mentor=mentor_id, status="active")

    def _renewal(self, mentor: Mentor, today: date) -> Iterator[Step]:
        expires_on = mentor.expires_on
        if (
            mentor.status == "inactive"
            or not expires_on
            or expires_on > today + self.days(180, 180)
        ):
            return  # the date was moved after this was planned
        until = max(today, expires_on) + self.days(_YEAR - 20, 2 * _YEAR + 20)
        if self.happens(0.3):
            yield self.moved(mentor, today, until, "renewed")
        else:
            yield self.certified(mentor.id, today, until, "renewed")
        if mentor.status == "paused" and mentor.id not in self.on_leave and self.happens(0.9):
            yield step("set_status", mentor=mentor.id, status="active")

    def moved(self, mentor: Mentor, today: date, expires_on: date, cause: str) -> Step:
        """Return the step that moves the date that counts."""
        self.plan_renewal(mentor.id, today, expires_on)
        return step(
            "move",
            certification=self.latest(mentor),
            mentor=mentor.id,
            expires_on=expires_on,
            cause=cause,
        )
