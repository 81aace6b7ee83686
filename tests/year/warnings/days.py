"""The year's calendar: which nights are missed, when the notifier is away, and each day's hours."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

FIRST = date(2023, 9, 1)
"""The year from here has a leap day, and both changes of the clocks."""

_STRETCH, _OUTAGE = 10, 8
"""Nights in a row without a run; days in a row without a notifier."""


@dataclass(frozen=True)
class Calendar:
    """The days that are not like the others."""

    first: date
    nights: int
    missed: frozenset[date]
    silent: frozenset[date]
    """Days on which nothing is sent."""
    by_hand: frozenset[date]
    """Days on which a second run starts at noon."""

    def day(self, number: int) -> date:
        """Return the day of a night; the first one has the number 0."""
        return self.first + timedelta(days=number)

    def hours(self, number: int) -> "Hours":
        """Return a day's hours."""
        return Hours(self.day(number), later=timedelta(minutes=15 * (number % 2)))


@dataclass(frozen=True)
class Hours:
    """A day's hours, in UTC.

    The notifier comes 15 minutes later on every other day. So no message becomes due in the minute
    in which it comes, and it does not matter how long a step takes.
    """

    date: date
    later: timedelta

    @property
    def run(self) -> datetime:
        """When the nightly run starts."""
        return self._at(2)

    @property
    def send(self) -> datetime:
        """When the notifier follows the run."""
        return self._at(2, 5) + self.later

    @property
    def forenoon(self) -> datetime:
        """When the first half of the day's events happens."""
        return self._at(8)

    @property
    def run_by_hand(self) -> datetime:
        """When a second run starts."""
        return self._at(11)

    @property
    def send_again(self) -> datetime:
        """When the notifier comes once more."""
        return self._at(12) + self.later

    @property
    def afternoon(self) -> datetime:
        """When the second half of the day's events happens."""
        return self._at(17)

    def _at(self, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self.date, time(hour, minute, tzinfo=UTC))


def draw_calendar(seed: int, first: date, nights: int) -> Calendar:
    """Draw the calendar of a seed."""
    dice = random.Random(f"calendar {seed}")  # noqa: S311 - a test's dice
    days = [first + timedelta(days=n) for n in range(nights)]
    missed = {*_single(dice, days, nights // 40), *_row(days, 0.4, _STRETCH)}
    return Calendar(
        first,
        nights,
        missed=frozenset(missed - {first}),
        silent=frozenset({*_single(dice, days, nights // 20), *_row(days, 0.7, _OUTAGE)}),
        by_hand=frozenset(_single(dice, days, nights // 6)),
    )


def _single(dice: random.Random, days: list[date], count: int) -> list[date]:
    return dice.sample(days, count)


def _row(days: list[date], share: float, length: int) -> list[date]:
    begin = int(len(days) * share)
    return days[begin : begin + length]
