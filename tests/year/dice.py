"""The seed's dice, and the steps that an event is made of."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from year.oracle import Oracle


class Step(NamedTuple):
    """One verb of oracle and product."""

    after: int
    """Seconds after the event began."""
    verb: str
    arguments: Mapping[str, Any]


type Steps = list[Step]
type Draw = Callable[["Dice"], Steps]


@dataclass(frozen=True)
class Dice:
    """The seed's dice over the oracle's world."""

    random: random.Random
    world: Oracle
    number: int
    """Tells this event from all others."""

    def one[T](self, among: "list[T]") -> T | None:
        """Draw one; None: there are none."""
        return self.random.choice(among) if among else None

    def mentor(self, *statuses: str) -> str | None:
        """Draw a mentor, of these statuses if any are named; mostly one who needs something."""
        among = [n for n, m in self.world.mentors.items() if not statuses or m.status in statuses]
        soon = self.world.today() + timedelta(days=3)
        needy = [n for n in among if (self.world.expiry(n) or soon) <= soon]
        return self.one(needy if needy and self.random.random() < 0.5 else among)

    def row(self, *, is_active: bool = True) -> str | None:
        """Draw a certification row of the portal."""
        rows = self.world.portal_rows
        return self.one([name for name, row in rows.items() if row.is_active == is_active])

    def row_of(self, mentor: str) -> str | None:
        """Draw an active row of this mentor."""
        key, rows = self.world.mentors[mentor].key, self.world.portal_rows
        return self.one([name for name, row in rows.items() if row.is_active and row.key == key])

    def later(self, least: int = 5, most: int = 60) -> date:
        """Draw a day to come."""
        return self.world.today() + timedelta(days=self.random.randint(least, most))


def put(dice: Dice, row: str, key: str, until: date | str, after: int = 0, late: int = 0) -> Step:
    """Write a row; `late`: it was changed so many seconds before others can see it."""
    changed_at = dice.world.now + timedelta(seconds=after - late)
    found = {"row": row, "key": key, "until": until, "changed_at": changed_at}
    return Step(after, "put_row", found)


def sync(dice: Dice, after: int = 0) -> Step:
    """A sync that somebody starts by hand."""
    return Step(after, "sync", {"run": f"sync-{dice.number}-{after}", "trigger": "manual"})
