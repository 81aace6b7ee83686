"""Each kind of message, to each audience, counts in its own place of an e-mail alone (W1, W3)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from support.brake import Brake
from support.outbox import Outbox, Row
from support.roster import ORG, Roster

NOTHING: Row = {
    "own_paused_on": None, "own_expires_on": None, "own_resumed_on": None, "paused_count": 0,
    "renewed_count": 0, "expiring_count": 0, "first_expires_on": None, "held_count": 0,
    "resumed_count": 0, "unforeseen_count": 0,
}  # fmt: skip
"""The fields of an e-mail without news. The count of unreachable mentors concerns all kinds."""


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


def add(outbox: Outbox, person: UUID, audience: str, kind: str, *mentors: UUID, **more: Any) -> int:
    """Add a message; return its id."""
    fields = {
        "org_id": ORG, "audience": audience, "person_id": person, "kind": kind,
        "mentor_ids": list(mentors), "job_run_id": uuid4(), "sending_count": len(mentors),
    } | more  # fmt: skip
    insert = sql.SQL("insert into messages ({}) values ({}) returning id").format(
        sql.SQL(", ").join(map(sql.Identifier, fields)),
        sql.SQL(", ").join(map(sql.Placeholder, fields)),
    )
    row = outbox.roster.db.execute(insert, fields).fetchone()
    assert row is not None
    return row[0]


def add_digest(outbox: Outbox, person: UUID) -> UUID:
    """Add a digest of today that is being sent."""
    digest = uuid4()
    outbox.roster.db.execute(
        "insert into digests (id, org_id, person_id, day, state, address_hash)"
        " values (%s, %s, %s, %s, 'sending', 'x')",
        (digest, ORG, person, outbox.today),
    )
    return digest


def content(outbox: Outbox, digest: UUID) -> Row:
    """Return what a digest says."""
    (row,) = outbox.roster.rows("select * from private.digest_content(%s)", digest)
    return row


def news(outbox: Outbox, digest: UUID) -> Row:
    """Return what a digest says besides nothing."""
    row = content(outbox, digest)
    return {name: row[name] for name, empty in NOTHING.items() if row[name] != empty}


@pytest.mark.parametrize(
    ("audience", "kind", "counted"),
    [
        ("mentor", "renewed", None),
        ("mentor", "unforeseen", None),
        ("admin", "paused", None),
        ("admin", "resumed", None),
        ("admin", "renewed", None),
        ("admin", "warning", None),
        ("coordinator", "unforeseen", None),
        ("coordinator", "renewed", "renewed_count"),
        ("coordinator", "paused", "paused_count"),
        ("coordinator", "resumed", "resumed_count"),
        ("admin", "unforeseen", "unforeseen_count"),
    ],
)
def test_a_kind_is_counted_for_its_audience_alone(
    outbox: Outbox, audience: str, kind: str, counted: str | None
) -> None:
    """The mentor was warned too, and only a warning says that a certification expires."""
    mentor = outbox.add_mentor()
    outbox.warn()
    person = outbox.add_admin(mentor)
    digest = add_digest(outbox, person)
    add(outbox, person, audience, kind, mentor, digest_id=digest, state="sending")
    assert news(outbox, digest) == ({counted: 1} if counted else {})


def test_only_a_message_about_held_mentors_counts_them(outbox: Outbox) -> None:
    """G3: another message may name them."""
    brake = Brake(outbox.roster)
    brake.set("hold", 0, 0)
    (held,) = outbox.roster.add_mentors(1)
    brake.plan(brake.begin(day=outbox.today))
    person = outbox.add_admin()
    digest = add_digest(outbox, person)
    add(outbox, person, "admin", "unforeseen", held, digest_id=digest, state="sending")
    assert news(outbox, digest) == {"unforeseen_count": 1}
    add(outbox, person, "admin", "held", held, digest_id=digest, state="sending")
    assert news(outbox, digest) == {"unforeseen_count": 1, "held_count": 1}


def test_the_last_of_two_pauses_gives_the_day(outbox: Outbox) -> None:
    """W2: the earlier one does not hold any more."""
    mentor = outbox.add_mentor()
    digest = add_digest(outbox, mentor)
    for days in (0, 2):
        add(
            outbox, mentor, "mentor", "paused", mentor, digest_id=digest, state="sending",
            created_at=outbox.roster.rows("select now() as now")[0]["now"] - timedelta(days=days),
        )  # fmt: skip
    assert news(outbox, digest) == {"own_paused_on": outbox.today}


def test_a_digest_to_nobody_has_no_address(outbox: Outbox) -> None:
    """The contact has gone; the counts do not need it."""
    person = uuid4()
    digest = add_digest(outbox, person)
    add(outbox, person, "coordinator", "paused", person, digest_id=digest, state="sending")
    assert content(outbox, digest)["email"] is None
    assert news(outbox, digest) == {"paused_count": 1}


@pytest.mark.parametrize("kind", ["renewed", "held", "paused"])
def test_a_mentors_message_of_another_kind_stays_true(outbox: Outbox, kind: str) -> None:
    """W1: only a pause or its withdrawal has to be the last change, and a held one a plan."""
    mentor = outbox.add_mentor()
    message = add(outbox, mentor, "mentor", kind, mentor)
    assert is_true(outbox, message) == (kind == "renewed")


def test_a_message_about_two_mentors_is_true_while_one_of_them_is_paused(outbox: Outbox) -> None:
    """W1: it says so of the other one no longer."""
    first, second = outbox.add_mentor(), outbox.add_mentor()
    run = outbox.pause(first)
    assert is_true(outbox, add(outbox, uuid4(), "mentor", "paused", first, second, job_run_id=run))
    assert not is_true(outbox, add(outbox, uuid4(), "mentor", "paused", second, job_run_id=run))


def is_true(outbox: Outbox, message: int) -> bool:
    """Return whether a message still holds."""
    (row,) = outbox.roster.rows(
        "select private.is_message_true(%s, %s) as is_true", message, outbox.today
    )
    return row["is_true"]


@pytest.mark.parametrize("kind", ["held", "unforeseen"])
def test_news_of_the_brake_that_are_due_later_do_not_go_along(outbox: Outbox, kind: str) -> None:
    """G3: the e-mail of the day covers the others."""
    mentor = outbox.add_mentor()
    person = outbox.add_admin(mentor)
    later = outbox.roster.rows("select now() + interval '1 hour' as later")[0]["later"]
    add(outbox, person, "admin", kind, mentor, sending_count=0, due_at=later)
    add(outbox, person, "coordinator", "renewed", mentor, sending_count=0)
    outbox.begin()
    assert outbox.states(person) == ["pending", "sending"]
