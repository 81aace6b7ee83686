"""The kinds of events by day, with how often they happen.

A kind draws from the dice and yields steps. The world takes each step before the next one is drawn.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from year.warnings.dice import Dice, Step, step
from year.warnings.records import Contact

type Draw = Callable[[Dice, date], Iterator[Step]]

_PER_CHAPTER = 80
_SOON = 13
"""A date at most so many days ahead comes too late for a warning 14 days before."""


def first_day(dice: Dice, today: date, mentors: int, horizon: int) -> Iterator[Step]:
    """Yield chapters, coordinators and mentors, with dates of the next `horizon` days."""
    for _ in range(max(3, mentors // _PER_CHAPTER)):
        yield step("open_chapter", chapter=dice.new_id())
    for chapter in dice.world.chapters:
        yield from _hired(dice, [chapter])
    yield from _hired(dice, dice.world.chapters[:3])
    for _ in range(mentors):
        yield from _joined(dice, today, (1, horizon))


def _hired(dice: Dice, chapters: list[UUID]) -> Iterator[Step]:
    coordinator = dice.new_id()
    contact = dice.contact(always=dice.happens(0.95))
    yield step("hire", coordinator=coordinator, contact=contact)
    for chapter in chapters:
        yield step("take_chapter", coordinator=coordinator, chapter=chapter)


def _joined(dice: Dice, today: date, days: tuple[int, int]) -> Iterator[Step]:
    mentor, account, contact = dice.new_id(), None, dice.contact()
    share = dice.random.random()
    if share < 0.01:  # a coordinator who is a mentor too
        account = dice.coordinator()
        contact = dice.world.coordinators[account].contact
        if account in dice.world.by_account:
            account, contact = None, dice.contact()
    elif share < 0.6:
        account = dice.new_id()
    chapter = dice.chapter()
    yield step("join", mentor=mentor, chapter=chapter, contact=contact, account=account)
    expires_on = today + dice.days(*days)
    yield dice.certified(mentor, today, expires_on, "joined")
    if dice.happens(0.1):
        yield step("assign", coordinator=dice.coordinator(), mentor=mentor)


def joins(dice: Dice, today: date) -> Iterator[Step]:
    """A mentor joins, mostly with a date far ahead."""
    return _joined(dice, today, (3, _SOON) if dice.happens(0.05) else (30, 800))


def moved_near(dice: Dice, today: date) -> Iterator[Step]:
    """A date is moved to one of the next days."""
    mentor = dice.mentor()
    if mentor:
        yield dice.moved(mentor, today, today + dice.days(1, _SOON), "the date was moved nearer")


def moved_earlier(dice: Dice, today: date) -> Iterator[Step]:
    """A date is moved to an earlier one in some weeks."""
    mentor, expires_on = dice.mentor(), today + dice.days(15, 120)
    if mentor and mentor.expires_on and mentor.expires_on > expires_on:
        yield dice.moved(mentor, today, expires_on, "the date was moved nearer")


def moved_later(dice: Dice, today: date) -> Iterator[Step]:
    """A date is moved by some days, and perhaps back to one of which the mentor was warned."""
    mentor = dice.mentor()
    if mentor and mentor.expires_on and mentor.expires_on > today:
        expires_on = mentor.expires_on + dice.days(1, 40)
        yield dice.moved(mentor, today, expires_on, "the date was moved further away")
        if dice.happens(0.3):
            back = expires_on - dice.days(1, 40)
            if back > today:
                yield dice.moved(mentor, today, back, "the date was moved back")


def deleted(dice: Dice, today: date) -> Iterator[Step]:
    """A certification is deleted; an older one counts again."""
    several = [
        m for m in dice.world.mentors.values() if m.status == "active" and len(m.certifications) > 1
    ]
    if several:
        mentor = dice.random.choice(several)
        yield step("remove", certification=dice.latest(mentor), mentor=mentor.id)
        if mentor.expires_on:
            dice.plan_renewal(mentor.id, today, mentor.expires_on)


def takes_leave(dice: Dice, today: date) -> Iterator[Step]:
    """A person pauses a mentor for some weeks."""
    mentor = dice.mentor()
    if mentor:
        yield step("set_status", mentor=mentor.id, status="paused")
        dice.on_leave.add(mentor.id)
        dice.returns.setdefault(today + dice.days(1, 60), []).append(mentor.id)


def stops(dice: Dice, _today: date) -> Iterator[Step]:
    """A mentor becomes inactive."""
    mentor = dice.mentor("paused" if dice.happens(0.5) else "active")
    if mentor:
        yield step("set_status", mentor=mentor.id, status="inactive")


def reached_otherwise(dice: Dice, _today: date) -> Iterator[Step]:
    """A mentor gets another address, or none, or another language."""
    mentor = dice.mentor("paused" if dice.happens(0.2) else "active")
    if mentor and mentor.account not in dice.world.coordinators:
        yield step("reach_mentor", mentor=mentor.id, contact=dice.contact())


def coordinator_comes(dice: Dice, _today: date) -> Iterator[Step]:
    """A coordinator comes, for one chapter or two."""
    return _hired(dice, list({dice.chapter(), dice.chapter()}))


def coordinator_leaves(dice: Dice, _today: date) -> Iterator[Step]:
    """A coordinator leaves."""
    if len(dice.world.coordinators) > 2:
        yield step("leave", coordinator=dice.coordinator())


def coordinators_swap(dice: Dice, _today: date) -> Iterator[Step]:
    """A coordinator hands a chapter to another one."""
    one, other = dice.coordinator(), dice.coordinator()
    chapters = dice.world.coordinators[one].chapters - dice.world.coordinators[other].chapters
    if chapters:
        chapter = dice.random.choice(sorted(chapters))
        yield step("give_chapter", coordinator=one, chapter=chapter)
        yield step("take_chapter", coordinator=other, chapter=chapter)


def coordinator_reached_otherwise(dice: Dice, _today: date) -> Iterator[Step]:
    """A coordinator gets another address, or none."""
    coordinator = dice.coordinator()
    found = dice.world.coordinators[coordinator]
    contact = dice.contact() if coordinator not in dice.world.by_account else found.contact
    language = "en" if found.contact.language == "nb" else "nb"
    if coordinator not in dice.world.by_account:
        contact = Contact(contact.email, language)
    yield step("reach_coordinator", coordinator=coordinator, contact=contact)


def assigned(dice: Dice, _today: date) -> Iterator[Step]:
    """A coordinator is assigned to a mentor."""
    mentor, coordinator = dice.mentor(), dice.coordinator()
    if mentor and mentor.id not in dice.world.coordinators[coordinator].mentors:
        yield step("assign", coordinator=coordinator, mentor=mentor.id)


def assignment_ends(dice: Dice, _today: date) -> Iterator[Step]:
    """An assignment ends."""
    coordinator = dice.coordinator()
    mentors = sorted(dice.world.coordinators[coordinator].mentors)
    if mentors:
        mentor = dice.random.choice(mentors)
        yield step("end_assignment", coordinator=coordinator, mentor=mentor)


@dataclass(frozen=True)
class Kind:
    """One kind of event."""

    draw: Draw
    often: float
    """How often in a year for 1,000 mentors."""


KINDS = (
    Kind(joins, 60),
    Kind(moved_near, 4),
    Kind(moved_earlier, 10),
    Kind(moved_later, 20),
    Kind(deleted, 3),
    Kind(takes_leave, 25),
    Kind(stops, 5),
    Kind(reached_otherwise, 40),
    Kind(coordinator_comes, 6),
    Kind(coordinator_leaves, 5),
    Kind(coordinators_swap, 6),
    Kind(coordinator_reached_otherwise, 6),
    Kind(assigned, 20),
    Kind(assignment_ends, 10),
)


def half_a_day(dice: Dice, today: date) -> Iterator[Step]:
    """Yield what happens in half a day."""
    share = dice.unrest * len(dice.world.mentors) / 1000 / 365 / 2
    for kind in KINDS:
        count = kind.often * share
        for _ in range(int(count) + dice.happens(count % 1)):
            yield from kind.draw(dice, today)
