"""Lives through the year with product and oracle side by side, and compares them.

It stops at the first day that differs: from there on the two are in different worlds.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from support.faked_clock import FakedCluster
from year.warnings import events
from year.warnings.claims import Claims
from year.warnings.days import FIRST, Calendar, Hours, draw_calendar
from year.warnings.dice import Dice, Step, step
from year.warnings.mailbox import Fates
from year.warnings.oracle import Oracle
from year.warnings.product import Product, describe_message, open_product

type Build = Callable[[psycopg.Connection], None]

_OTHER_STAGES = (60, 30, 14, 7)
"""The organisation chooses these in the middle of the year."""
_CLEANED = 30
"""Nights between two rounds of vacuum and analyse."""


@dataclass(frozen=True)
class Plan:
    """How long the year is, and how much happens in it."""

    mentors: int = 5000
    nights: int = 365
    seed: int = 0
    horizon: int = 730
    """Days within which the dates of the first mentors lie."""
    unrest: float = 1.0
    """Multiplies how often something happens by day."""
    failures: float = 1.0
    """Multiplies how many e-mails fail."""


@dataclass
class Report:
    """The result."""

    nights: int = 0
    looks: int = 0
    differences: list[str] = field(default_factory=list[str])
    seconds: float = 0.0


class Year:
    """The nights of one seed."""

    def __init__(self, product: Product, plan: Plan) -> None:
        """`product` is fresh."""
        self._product, self._plan = product, plan
        self._calendar: Calendar = draw_calendar(plan.seed, FIRST, plan.nights)
        self.oracle, self.report = Oracle(), Report()
        dice = random.Random(plan.seed)  # noqa: S311 - a test's dice
        self._dice = Dice(dice, self.oracle.world, plan.unrest, plan.failures)
        self.claims = Claims(self.oracle.world, FIRST)

    def live(self) -> None:
        """Live through the nights, or up to the first that differs."""
        for number in range(self._plan.nights):
            self.report.nights = number + 1
            self._live_day(number, self._calendar.hours(number))
            if self.report.differences:
                return
        self._compare_messages()

    def _live_day(self, number: int, hours: Hours) -> None:
        day = hours.date
        if number == 0:
            plan = self._plan
            self._do(events.first_day(self._dice, day, plan.mentors, plan.horizon))
        if number % _CLEANED == 0:
            self._product.clean()
        self.oracle.world.note_situations(day)
        if day not in self._calendar.missed:
            self._run(hours, hours.run)
        self._send(hours, hours.send)
        self._set_clock(hours.forenoon)
        self._do(self._dice.renewals(day))
        self._do(events.half_a_day(self._dice, day))
        if day in self._calendar.by_hand:
            self.oracle.world.note_situations(day)
            self._run(hours, hours.run_by_hand)
        self._send(hours, hours.send_again)
        self._set_clock(hours.afternoon)
        self._do(events.half_a_day(self._dice, day))
        if number == self._plan.nights // 2:
            self._do([step("choose_stages", stages=_OTHER_STAGES)])
        named = self._product.unwarned(day)
        self._look(day, "unwarned", self.oracle.unwarned(day), named)
        self.claims.note_named(day, named)

    def _set_clock(self, moment: datetime) -> None:
        self._product.faked.clock.set(moment)

    def _do(self, steps: Iterable[Step]) -> None:
        """Take each step in the world, then all of them in the database, in one transaction."""
        with self._product.db.transaction():
            for verb, arguments in steps:
                getattr(self.oracle.world, verb)(**arguments)
                getattr(self._product.hands, verb)(**arguments)

    def _run(self, hours: Hours, moment: datetime) -> None:
        self._set_clock(moment)
        expected = self.oracle.run(moment, hours.date)
        paused, warned, errors = self._product.run(hours.date)
        self._look(moment, "errors", 0, errors)
        self._look(moment, "paused", expected.paused, paused)
        self._look(moment, "warned", expected.warned, warned)
        statuses = {m.id: m.status for m in self.oracle.world.mentors.values()}
        self._look(moment, "statuses", set(statuses.items()), set(self._product.statuses().items()))
        self.claims.note_run(hours.date, paused, warned)

    def _send(self, hours: Hours, moment: datetime) -> None:
        if hours.date in self._calendar.silent:
            return
        self._set_clock(moment)
        fates = Fates(self._plan.seed, moment, self._plan.failures)
        expected = self.oracle.post.send(moment, fates)
        sent = self._product.send(moment, fates)
        self._look(moment, "mails", set(expected.values()), {s.mail for s in sent})
        self._look(moment, "number of mails", len(expected), len(sent))
        self._look(moment, "texts", set(), {fault for s in sent for fault in s.faults()})
        self.claims.note_mails(sent)

    def _compare_messages(self) -> None:
        expected = Counter(map(describe_message, self.oracle.post.messages))
        found = self._product.message_states()
        self._look("the end", "messages", set(expected.items()), set(found.items()))

    def _look[T](self, when: object, what: str, expected: T, found: T) -> None:
        """Compare; of two sets only the differences are noted."""
        self.report.looks += max(1, len(expected)) if isinstance(expected, set) else 1
        if expected == found:
            return
        one, other = expected, found
        if isinstance(expected, set) and isinstance(found, set):
            one, other = expected - found, found - expected
        self.report.differences.append(f"{when}: {what}: expected {one}, found {other}")


def live_through(faked: FakedCluster, plan: Plan, build: Build = lambda _db: None) -> Year:
    """Live through a year over a fresh database.

    `build` may change the database's functions: to a product that is broken on purpose.
    """
    began = datetime.now(UTC)
    faked.clock.set(datetime.combine(FIRST, datetime.min.time(), UTC))
    with faked.cluster.database() as db:
        build(db)
        year = Year(open_product(faked, db, Fates(plan.seed, began)), plan)
        year.live()
    year.report.seconds = (datetime.now(UTC) - began).total_seconds()
    return year
