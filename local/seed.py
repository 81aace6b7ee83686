"""A made-up roster: chapters, coordinators, mentors, assignments, certifications, contacts.

The same numbers and the same seed give the same roster, on the same day. It has every kind of
mentor that the nightly run meets: active and expired (the requested number), valid, renewed, paused
or inactive with an expired certification, and without a certification. With room for five mentors
who are not expired, it has one for each stage of the warnings (W1), and one who expires tomorrow.

The organisation has been in operation for a while: mentors whose certification has expired were
warned of that date at every stage. Some of the active ones may be unforeseen (G2): the portal moved
their date into the past yesterday.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import LiteralString, NamedTuple
from uuid import UUID, uuid5

import psycopg

from local.contacts import Contact, make_contacts

_PER_CHAPTER = 50
_OTHERS = (
    "valid",
    "valid",
    "valid",
    "renewed",
    "expires tomorrow",
    "paused",
    "inactive",
    "uncertified",
)
_DAYS_LEFT = {
    "stage 7": (2, 7),
    "stage 14": (8, 14),
    "stage 30": (15, 30),
    "stage 90": (31, 90),
    "expires tomorrow": (1, 1),
}
"""How many days the certification of a mentor who will be warned is still valid."""

_STAGES = (90, 30, 14, 7)
"""The days before an expiry date on which a mentor is warned; the default of the settings."""

DEFAULT_BRAKE = "watch"
"""The mode of the brake of an organisation without a row in `organisation_settings` (G2)."""

_MOVED_FROM = (2, 400)
"""How many days the certification of an unforeseen mentor was still valid before it was moved."""


@dataclass(frozen=True, slots=True)
class Mentor:
    """One mentor of the roster."""

    id: UUID
    chapter_id: UUID
    status: str
    expiries: tuple[date, ...]
    moved_from: date | None = None
    """The expiry date until the portal moved it yesterday; None: the portal has not moved it."""

    def is_expired_by(self, day: date) -> bool:
        """Whether the mentor is active and the latest certification has expired by that day."""
        return self.status == "active" and bool(self.expiries) and max(self.expiries) <= day

    def warnings(self, today: date) -> "Iterator[Warned]":
        """Yield the warnings that earlier nights wrote, if the certification has expired."""
        if not self.expiries or max(self.expiries) > today:
            return
        expires_on = self.moved_from or max(self.expiries)
        for stage in _STAGES:
            warned_on = expires_on - timedelta(days=stage)
            if warned_on < today:
                yield Warned(self.id, expires_on, stage, warned_on)


class Warned(NamedTuple):
    """A row of `warnings`."""

    mentor_id: UUID
    expires_on: date
    stage: int
    warned_on: date


@dataclass(frozen=True, slots=True)
class Roster:
    """All rows of a made-up organisation."""

    org_id: UUID
    chapters: tuple[UUID, ...]
    coordinators: tuple[UUID, ...]
    mentors: tuple[Mentor, ...]
    coordinator_chapters: tuple[tuple[UUID, UUID], ...]
    assignments: tuple[tuple[UUID, UUID], ...]
    mentor_contacts: tuple[Contact, ...]
    member_contacts: tuple[Contact, ...]
    made_on: date

    def accounts(self) -> dict[UUID, UUID]:
        """Return the user id of each mentor with an address: they can sign in."""
        return {
            contact.person_id: uuid5(contact.person_id, "account")
            for contact in self.mentor_contacts
            if contact.email is not None
        }


def make_roster(
    org_id: UUID, mentors: int, expired: int, seed: int, today: date, *, unforeseen: int = 0
) -> Roster:
    """Make a roster with `expired` active mentors whose latest certification expired by `today`.

    `unforeseen` of them were not warned of that date, because the portal moved it yesterday.

    Raises:
        ValueError: there would be more expired mentors than mentors, or more unforeseen mentors
            than expired ones.
    """
    if not 0 <= expired <= mentors:
        raise ValueError(f"{expired} of {mentors} mentors cannot be expired")
    if not 0 <= unforeseen <= expired:
        raise ValueError(f"{unforeseen} of {expired} expired mentors cannot be unforeseen")
    dice = random.Random(seed)  # noqa: S311 - a made-up roster
    chapters = tuple(_ids(dice, max(1, mentors // _PER_CHAPTER)))
    coordinators = tuple(_ids(dice, len(chapters) + 1))
    kinds = _kinds(dice, mentors, expired)
    people = tuple(
        _mentor(dice, mentor_id, dice.choice(chapters), kind, today)
        for mentor_id, kind in zip(_ids(dice, mentors), kinds, strict=True)
    )
    people = _with_moved_dates(people, unforeseen, seed, today)
    mentor_contacts, member_contacts = make_contacts(seed, (m.id for m in people), coordinators)
    return Roster(
        org_id,
        chapters,
        coordinators,
        people,
        # Neighbouring chapters share a coordinator, so both sides of the relation have several.
        tuple(
            (coordinator, chapter)
            for i, chapter in enumerate(chapters)
            for coordinator in coordinators[i : i + 2]
        ),
        tuple((m.id, dice.choice(coordinators)) for m in people if dice.random() < 1 / 4),
        mentor_contacts,
        member_contacts,
        today,
    )


def load_roster(owner_url: str, roster: Roster, slug: str) -> None:
    """Load a roster into an empty database, in one transaction."""
    org, accounts = roster.org_id, roster.accounts()
    with psycopg.connect(owner_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into public.organisations (id, slug) values (%s, %s) on conflict do nothing",
            (org, slug),
        )
        _copy(
            cursor,
            "copy public.chapters (id, org_id, name) from stdin",
            ((c, org, f"Chapter {i}") for i, c in enumerate(roster.chapters, 1)),
        )
        _copy(
            cursor,
            "copy public.org_members (org_id, user_id, role) from stdin",
            (
                (org, c, "admin" if i == 0 else "coordinator")
                for i, c in enumerate(roster.coordinators)
            ),
        )
        _copy(
            cursor,
            "copy public.coordinator_chapters (coordinator_id, chapter_id) from stdin",
            roster.coordinator_chapters,
        )
        _copy(
            cursor,
            "copy public.peer_mentors (id, org_id, chapter_id, status, user_id) from stdin",
            ((m.id, org, m.chapter_id, m.status, accounts.get(m.id)) for m in roster.mentors),
        )
        _copy(
            cursor,
            "copy public.certifications (mentor_id, expires_on) from stdin",
            ((m.id, expiry) for m in roster.mentors for expiry in m.expiries),
        )
        _copy(
            cursor,
            "copy public.warnings (mentor_id, expires_on, stage, warned_on) from stdin",
            (row for m in roster.mentors for row in m.warnings(roster.made_on)),
        )
        _copy(
            cursor,
            "copy public.certification_changes (mentor_id, changed_at, changed_by, from_expires_on,"
            " to_expires_on) from stdin",
            _changes(roster),
        )
        _copy(
            cursor,
            "copy public.assignments (mentor_id, coordinator_id) from stdin",
            roster.assignments,
        )
        _copy(
            cursor,
            "copy public.mentor_contacts (mentor_id, display_name, email, language) from stdin",
            roster.mentor_contacts,
        )
        _copy(
            cursor,
            "copy public.member_contacts (org_id, user_id, display_name, email, language)"
            " from stdin",
            ((org, *contact) for contact in roster.member_contacts),
        )
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("analyze")


def set_brake(owner_url: str, org_id: UUID, mode: str) -> None:
    """Set the mode of an organisation's brake: watch, hold or off (G2)."""
    with psycopg.connect(owner_url) as connection:
        connection.execute(
            "insert into public.organisation_settings (org_id, brake_mode) values (%s, %s)"
            " on conflict (org_id) do update set brake_mode = excluded.brake_mode",
            (org_id, mode),
        )


def find_member(owner_url: str, role: str) -> UUID | None:
    """Return a member with that role; None: the organisation has none."""
    with psycopg.connect(owner_url) as connection:
        row = connection.execute(
            "select user_id from public.org_members where role = %s order by user_id limit 1",
            (role,),
        ).fetchone()
    return row[0] if row else None


def find_address(owner_url: str, who: str) -> str | None:
    """Return the address of a mentor, or of a member with that role, who can sign in."""
    with psycopg.connect(owner_url) as connection:
        row = connection.execute(
            "select min(a.email) from (select c.email, m.role from public.member_contacts as c"
            " join public.org_members as m using (org_id, user_id) union all"
            " select c.email, 'mentor' from public.mentor_contacts as c"
            " join public.peer_mentors as m on m.id = c.mentor_id where m.user_id is not null"
            ") as a where a.role = %s",
            (who,),
        ).fetchone()
    return row[0] if row else None


def _copy(
    cursor: psycopg.Cursor, statement: LiteralString, rows: Iterable[tuple[object, ...]]
) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _kinds(dice: random.Random, mentors: int, expired: int) -> list[str]:
    others = [*_DAYS_LEFT, *(dice.choice(_OTHERS) for _ in range(mentors))]
    kinds = ["expired"] * expired + others[: mentors - expired]
    dice.shuffle(kinds)
    return kinds


def _mentor(dice: random.Random, mentor_id: UUID, chapter: UUID, kind: str, today: date) -> Mentor:
    past = today - timedelta(days=dice.randint(0, 90))
    older = past - timedelta(days=730)
    future = today + timedelta(days=dice.randint(*_DAYS_LEFT.get(kind, (2, 700))))
    match kind:
        case "uncertified":
            expiries = ()
        case "renewed":
            expiries = (past, future)
        case "expired" | "paused" | "inactive":
            expiries = (older, past) if dice.random() < 1 / 2 else (past,)
        case _:
            expiries = (future,)
    status = kind if kind in ("paused", "inactive") else "active"
    return Mentor(mentor_id, chapter, status, expiries)


def _with_moved_dates(
    people: tuple[Mentor, ...], unforeseen: int, seed: int, today: date
) -> tuple[Mentor, ...]:
    """Choose the unforeseen mentors. It has dice of its own, so the others stay as they are."""
    dice = random.Random(f"unforeseen {seed}")  # noqa: S311 - a made-up roster
    expired = [mentor.id for mentor in people if mentor.is_expired_by(today)]
    chosen = set(dice.sample(expired, unforeseen))
    return tuple(
        replace(m, moved_from=today + timedelta(days=dice.randint(*_MOVED_FROM)))
        if m.id in chosen
        else m
        for m in people
    )


def _changes(roster: Roster) -> Iterator[tuple[object, ...]]:
    """Yield the rows of `certification_changes`: what the portal moved yesterday."""
    yesterday = roster.made_on - timedelta(days=1)
    for mentor in roster.mentors:
        if mentor.moved_from is not None:
            yield (mentor.id, yesterday, "portal", mentor.moved_from, max(mentor.expiries))


def _ids(dice: random.Random, count: int) -> Iterator[UUID]:
    return (UUID(int=dice.getrandbits(128), version=4) for _ in range(count))
