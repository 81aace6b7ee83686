"""Lives through simulated nights with product and oracle side by side, and compares them.

It stops at the first night that differs: from there on the two are in different worlds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg

from support.aws import Clients
from support.faked_clock import FakedCluster
from year.compare import Look, differences
from year.events import EVERYTHING, Drawn
from year.nights import Moment, Nights
from year.oracle import Oracle
from year.product import Product, open_product

type Build = Callable[[psycopg.Connection], None]

FIRST = date(2019, 12, 30)
"""Of the year by default: 400 nights from here have a leap day, and both changes of the clocks."""

MENTORS = 14
_NOON = time(12, tzinfo=UTC)
_CHANGES = ("work", "sync")
"""Verbs after which everything is compared."""


@dataclass(frozen=True)
class Difference:
    """Product and oracle do not say the same."""

    night: int
    at: datetime
    look: Look

    def __str__(self) -> str:
        what, expected, found = self.look
        when = f"night {self.night}, {self.at:%Y-%m-%d %H:%M:%S} UTC"
        return f"{when}: {what}: expected {expected}, found {found}"


@dataclass
class Report:
    """The result."""

    nights: int = 0
    looks: int = 0
    differences: list[Difference] = field(default_factory=list)
    seconds: float = 0.0


class Year:
    """Nights of one seed."""

    def __init__(self, product: Product, seed: int, first: date, drawn: Drawn) -> None:
        """`first` is the day before the first night."""
        self._first, self.report = first, Report()
        start = datetime.combine(first, time(0, tzinfo=UTC))
        self._product, self._oracle = product, Oracle(start)
        self._nights = Nights(seed, self._oracle, drawn)

    def live(self, nights: int, tell: Callable[[str], None] = lambda _text: None) -> Report:
        """Live through them, or up to the first that differs; `tell` gets a line per step."""
        for number in range(1, nights + 1):
            self.report.nights = number
            for moment in self._of_night(number):
                tell(f"{moment.at:%Y-%m-%d %H:%M:%S} {moment.verb} {moment.arguments}")
                self._take(moment)
            if self.report.differences:
                return self.report
            self._settle(again=False)
        self._settle(again=True)
        self._compare_states()
        return self.report

    def _of_night(self, number: int) -> Iterator[Moment]:
        day = self._first + timedelta(days=number)
        if number == 1:
            yield from self._nights.first_day(MENTORS)
        yield from self._nights.day(day - timedelta(days=1))
        yield from self._nights.night(day)

    def _take(self, moment: Moment) -> None:
        """Take a step on both sides and compare; take none after a difference."""
        if self.report.differences:
            return
        if moment.verb == "work" and moment.arguments["run"] not in self._oracle.runs:
            return  # its trigger was turned away
        self._oracle.now = moment.at
        self._product.set_clock(moment.at)
        expected = getattr(self._oracle, moment.verb)(**moment.arguments)
        found = _answer(self._product, moment)
        self._look({moment.verb: expected}, {moment.verb: found})
        if moment.verb in _CHANGES:
            self._compare_states()
        if moment.verb == "work" and expected["wants_sync"]:
            run = {"run": f"after {moment.arguments['run']}", "trigger": "event"}
            self._take(Moment(moment.at + timedelta(seconds=10), "sync", run))

    def _compare_states(self) -> None:
        expected, found = self._oracle.state(), self._product.state()
        for section, rows in expected.items():
            self._look(
                {f"{section} {key}": row for key, row in rows.items()},
                {f"{section} {key}": row for key, row in found[section].items()},
            )

    def _look(self, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        self.report.looks += len(expected.keys() | found.keys())
        self.report.differences += [
            Difference(self.report.nights, self._oracle.now, look)
            for look in differences(expected, found)
        ]

    def _settle(self, *, again: bool) -> None:
        self._oracle.settle(again=again)
        self._product.settle(again=again)


def _answer(product: Product, moment: Moment) -> Any:
    try:
        return product.do(moment.verb, moment.arguments)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was found
        return f"{type(error).__name__}: {error}"


def live_through(
    faked: FakedCluster,
    clients: Clients,
    seed: int,
    nights: int,
    first: date = FIRST,
    drawn: Drawn = EVERYTHING,
    tell: Callable[[str], None] = lambda _text: None,
    build: Build = lambda _db: None,
) -> Report:
    """Put the product together over a fresh database, and live through the nights of a seed.

    `build` may change the database's functions: to a product that is broken on purpose.
    """
    began = datetime.now(UTC)
    faked.clock.set(datetime.combine(first, time(0, tzinfo=UTC)))
    with (
        faked.cluster.database() as db,
        open_product(clients, db, faked.cluster, faked.clock, seed) as product,
    ):
        build(db)
        report = Year(product, seed, first, drawn).live(nights, tell)
    report.seconds = (datetime.now(UTC) - began).total_seconds()
    return report
