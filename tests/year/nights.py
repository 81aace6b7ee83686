"""One simulated day and its night: which steps come when, drawn from the seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from year.dice import Dice, Step, Steps
from year.events import Drawn, Kind
from year.oracle import Oracle
from year.portal_events import ends_tonight

_DAY_BEGINS, _SLOTS, _SLOT = time(4, 0, 30, tzinfo=UTC), 250, timedelta(minutes=5)
_NIGHT, _LOOK, _SYNC, _DRIFT = (
    time(2, tzinfo=UTC), time(2, 30, tzinfo=UTC), time(3, tzinfo=UTC), time(3, 30, tzinfo=UTC),
)  # fmt: skip
_FORGETS_EVERY = 5

MISSED, SYNC_MISSED, TWICE, AGAIN = 0.06, 0.04, 0.10, 0.06
"""How often a night does not run, a sync does not, a trigger comes twice or again."""
IN_THE_WAY, HAMPERED, ON_THE_DAY = 0.04, 0.08, 0.25
"""How often a run by hand is in progress when the night begins, the database refuses to change one
mentor's row, a certification ends on the very day. The last happens before each night that does not
run, so that a mentor is stale then."""


@dataclass(frozen=True)
class Moment:
    """A step at its time."""

    at: datetime
    verb: str
    arguments: dict[str, Any]


class Nights:
    """Draws night after night from the seed and the oracle's world, never from the product."""

    def __init__(self, seed: int, world: Oracle, drawn: Drawn) -> None:
        """`drawn` holds the kinds of events."""
        self._random, self._world = random.Random(seed), world  # noqa: S311 - it is to be replayed
        self._numbers = count(100)
        self._drawn_from = drawn
        self._past: list[str] = []

    def first_day(self, mentors: int) -> Iterator[Moment]:
        """Enter the first mentors, here and in the portal."""
        at = self._world.now
        for number in range(mentors):
            mentor, key = f"m{number:02}", f"LP-{number:02}"
            chapter = ("north", "south")[number % 2]
            until = self._world.today() + timedelta(days=self._random.randint(2, 60))
            row = {"row": f"row-{number:02}", "key": key, "until": until, "changed_at": at}
            yield Moment(at, "join", {"mentor": mentor, "key": key, "chapter": chapter})
            yield Moment(at, "enter_in_portal", {"key": key})
            yield Moment(at, "put_row", row)

    def day(self, before: date) -> Iterator[Moment]:
        """Draw the events between two nights, each after the event before it has been taken."""
        begins = datetime.combine(before, _DAY_BEGINS)
        for slot in sorted(self._random.sample(range(_SLOTS), self._random.randint(1, 4))):
            at = begins + slot * _SLOT
            yield from self._placed(at, self._drawn(at, self._drawn_from.by_day))

    def _drawn(self, at: datetime, kinds: Sequence[Kind]) -> Steps:
        (kind,) = self._random.choices(kinds, [kind.weight for kind in kinds])
        return kind.draw(self._dice(at))

    def _dice(self, at: datetime) -> Dice:
        self._world.now = at
        return Dice(self._random, self._world, next(self._numbers))

    @staticmethod
    def _placed(at: datetime, steps: list[Step]) -> Iterator[Moment]:
        for step in steps:
            moment = at + timedelta(seconds=step.after)
            yield Moment(moment, step.verb, dict(step.arguments))

    def night(self, day: date) -> Iterator[Moment]:
        """Draw the night: the run and an event during it, the monitor's look, the sync."""
        at, run = datetime.combine(day, _NIGHT), f"night {day}"
        is_missed, is_hampered = self._happens(MISSED), self._happens(HAMPERED)
        yield from self._before(at, is_missed=is_missed, is_hampered=is_hampered)
        if self._happens(IN_THE_WAY) and not is_missed:
            yield from self._run_after_another(run, at)
        elif not is_missed:
            yield from self._run(run, at)
        if self._past and self._happens(AGAIN):
            yield self._begin(self._old(), at + timedelta(minutes=10))
        if day.toordinal() % _FORGETS_EVERY == 0:
            yield Moment(at + timedelta(minutes=15), "forget_runs", {})
        yield Moment(datetime.combine(day, _LOOK), "look", {})
        yield Moment(at + timedelta(minutes=40), "unblock", {})
        if not self._happens(SYNC_MISSED):
            yield from self._sync(day)

    def _before(self, night: datetime, *, is_missed: bool, is_hampered: bool) -> Iterator[Moment]:
        if is_missed or self._happens(ON_THE_DAY):
            at = night - timedelta(minutes=10)
            yield from self._placed(at, ends_tonight(self._dice(at)))
        if is_hampered:
            day = self._world.day_of(night, self._world.zone)
            names = list(self._world.mentors)
            due = [name for name in names if self._world.is_expired(name, day)]
            mentor = self._random.choice(due or names)
            yield Moment(night - timedelta(minutes=5), "block", {"mentor": mentor})

    def _sync(self, day: date) -> Iterator[Moment]:
        at, sync = datetime.combine(day, _SYNC), {"run": f"sync {day}", "trigger": "schedule"}
        yield Moment(at, "sync", sync)
        if self._happens(TWICE):
            yield Moment(at + timedelta(seconds=40), "sync", sync)
        yield Moment(datetime.combine(day, _DRIFT), "drift", {})

    def _run(self, run: str, at: datetime) -> Iterator[Moment]:
        self._past.append(run)
        yield self._begin(run, at)
        meanwhile = at + timedelta(seconds=20)
        yield from self._placed(meanwhile, self._drawn(meanwhile, self._drawn_from.meanwhile))
        if self._happens(TWICE):
            yield self._begin(run, at + timedelta(seconds=40))
        yield Moment(at + timedelta(seconds=60), "work", {"run": run})

    def _run_after_another(self, run: str, at: datetime) -> Iterator[Moment]:
        """A run by hand is in progress at two; the night's trigger waits until it is over."""
        other, days = f"manual before {run}", self._random.choice([0, 0, 3])
        as_of = self._world.today() - timedelta(days=days) if days else None
        found = {"run": other, "trigger": "manual", "as_of": as_of, "dry_run": False}
        yield Moment(at - timedelta(seconds=40), "begin", found)
        if self._world.open_run is None:  # it found nobody, and is over
            yield from self._run(run, at)
            return
        self._past.append(run)
        yield self._begin(run, at)
        yield Moment(at + timedelta(seconds=20), "work", {"run": other})
        yield Moment(at + timedelta(seconds=60), "come_again", {})
        yield Moment(at + timedelta(seconds=80), "work", {"run": run})

    def _old(self) -> str:
        """Draw a night that is over, and of which the ledger may have lost the run."""
        return self._random.choice(self._past)

    @staticmethod
    def _begin(run: str, at: datetime) -> Moment:
        found = {"run": run, "trigger": "schedule", "as_of": None, "dry_run": False}
        return Moment(at, "begin", found)

    def _happens(self, share: float) -> bool:
        return self._random.random() < share
