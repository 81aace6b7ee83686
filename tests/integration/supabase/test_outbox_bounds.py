"""How much one call of the outbox does: persons, rows and seconds (W3)."""

from datetime import timedelta
from typing import LiteralString
from uuid import UUID, uuid4

import pytest

from support.outbox import Outbox
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


def add_waiting(outbox: Outbox, count: int, days_old: int = 0) -> None:
    """Add a message to each of `count` persons who are nobody."""
    outbox.roster.db.execute(
        "insert into messages (org_id, audience, person_id, kind, mentor_ids, created_at)"
        " select %s, 'mentor', p, 'warning', array[p], now() - %s"
        " from (select gen_random_uuid() as p from generate_series(1, %s)) as people",
        (ORG, timedelta(days=days_old), count),
    )


def replace_contacts(outbox: Outbox, body: LiteralString) -> None:
    """Let the view of contacts do something else first."""
    outbox.roster.db.execute(
        "create or replace function private.contact_of(p_org_id uuid, p_person_id uuid) returns"
        f" table (email text, language text) language plpgsql as $$ begin {body} end $$"
    )


def begin(outbox: Outbox) -> list[str | None]:
    """Begin a digest once; return its address. None: call again. Empty: nothing is due."""
    rows = outbox.roster.rows("select email from begin_digest(%s, %s)", ORG, uuid4())
    return [row["email"] for row in rows]


def count(outbox: Outbox, state: str) -> int:
    """Return how many messages have a state."""
    (row,) = outbox.roster.rows("select count(*) as n from messages where state = %s", state)
    return row["n"]


def test_one_call_passes_over_two_hundred_persons(outbox: Outbox) -> None:
    """The next call goes on."""
    add_waiting(outbox, 201)
    assert begin(outbox) == [None]
    assert count(outbox, "outdated") == 200
    assert begin(outbox) == []
    assert count(outbox, "outdated") == 201


def test_a_call_begins_with_nobody_after_two_seconds(outbox: Outbox) -> None:
    """Each contact takes 1.2 seconds: the second person is the last one."""
    add_waiting(outbox, 4)
    replace_contacts(outbox, "perform pg_sleep(1.2);")
    assert begin(outbox) == [None]
    assert count(outbox, "outdated") == 2


def test_a_person_whose_contact_fails_is_tried_again_in_an_hour(outbox: Outbox) -> None:
    """Also one without an address; what was sent before stays as it is."""
    mentor = outbox.add_mentor()
    outbox.warn()
    outbox.send_all()
    outbox.add_contact(mentor, None)
    outbox.pause(mentor)
    outbox.pass_time(days=1)
    assert begin(outbox) == []
    assert outbox.states(mentor) == ["sent", "no_address"]
    outbox.pass_time(days=1)
    replace_contacts(outbox, "raise exception 'no such view';")
    sent_before, _ = due(outbox, mentor)
    assert begin(outbox) == []
    assert due(outbox, mentor) == [sent_before, 1]
    assert outbox.messages(mentor)[1]["refusal"] == "SQLSTATE P0001"


def due(outbox: Outbox, person: UUID) -> list[int]:
    """Return in how many hours each message of a person is due."""
    rows = outbox.roster.rows(
        "select round(extract(epoch from due_at - now()) / 3600)::int as hours from messages"
        " where person_id = %s order by id",
        person,
    )
    return [row["hours"] for row in rows]


@pytest.mark.slow
def test_one_call_settles_ten_thousand_old_messages(outbox: Outbox) -> None:
    """The next call goes on."""
    add_waiting(outbox, 10_001, days_old=8)
    assert outbox.settle() == (0, 10_000)
    assert outbox.settle() == (0, 1)


@pytest.mark.slow
def test_one_call_settles_ten_thousand_digests_without_answer(outbox: Outbox) -> None:
    """The next call goes on."""
    outbox.roster.db.execute(
        "insert into digests (id, org_id, person_id, day, state, address_hash, began_at)"
        " select p, %s, p, %s, 'sending', 'x', now() - interval '10 minutes'"
        " from (select gen_random_uuid() as p from generate_series(1, 10001)) as people",
        (ORG, outbox.today),
    )
    assert outbox.settle() == (10_000, 0)
    assert outbox.settle() == (1, 0)
