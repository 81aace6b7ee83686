"""The functions by which people read their messages and see whom no e-mail reaches (W3, W6)."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from support.cluster import Cluster
from support.outbox import Outbox
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


@contextmanager
def person(outbox: Outbox, cluster: Cluster, user: UUID) -> Generator[psycopg.Connection]:
    """Connect as the API does for a person who is signed in."""
    url = cluster.url_as(outbox.roster.db, "authenticated", user)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def ask(outbox: Outbox, cluster: Cluster, user: UUID, query: str, *values: Any) -> list[Any]:
    """Return the first column of a person's query."""
    with person(outbox, cluster, user) as connection:
        return [row[0] for row in connection.execute(query.encode(), values).fetchall()]


def test_a_page_of_messages_goes_on_where_the_last_one_ended(
    outbox: Outbox, cluster: Cluster
) -> None:
    """W3: the newest first, with or without e-mail."""
    mentor = outbox.add_mentor(100)
    coordinator = outbox.add_coordinator(mentor, email=None)
    for day in (10, 70, 86, 93):
        outbox.warn(day)
    ids = [row["id"] for row in outbox.messages(coordinator)][::-1]
    page = "select id from list_my_messages(%s, 3)"
    assert ask(outbox, cluster, coordinator, page, None) == ids[:3]
    assert ask(outbox, cluster, coordinator, page, ids[2]) == ids[3:]
    assert ask(outbox, cluster, coordinator, page, ids[3]) == []


def test_messages_from_before_the_account_are_shown(outbox: Outbox, cluster: Cluster) -> None:
    """W3: they name the mentor. Messages to another account of the mentor stay with it."""
    first, second = uuid4(), uuid4()
    mentor = outbox.add_mentor(100)
    change = "update peer_mentors set user_id = %s where id = %s"
    for day, user in ((10, None), (70, first), (86, second)):
        outbox.roster.db.execute(change, (user, mentor))
        outbox.warn(day)
    mine = "select person_id from messages order by id"
    assert ask(outbox, cluster, second, mine) == [mentor, second]
    assert ask(outbox, cluster, first, mine) == [first]
    for user in (first, second):
        listed = ask(outbox, cluster, user, "select id from list_my_messages() order by id")
        assert listed == ask(outbox, cluster, user, "select id from messages order by id")


def test_an_administrator_lists_their_own_messages_and_reads_all(
    outbox: Outbox, cluster: Cluster
) -> None:
    """S4."""
    coordinator, admin = outbox.add_coordinator(outbox.add_mentor(5)), uuid4()
    outbox.roster.db.execute("insert into org_members values (%s, %s, 'admin')", (ORG, admin))
    outbox.warn()
    assert ask(outbox, cluster, admin, "select id from list_my_messages()") == []
    assert len(ask(outbox, cluster, admin, "select id from messages")) == 2
    everything = [row["id"] for row in outbox.messages()]
    mark = "select mark_messages_read(%s)"
    assert ask(outbox, cluster, admin, mark, everything) == [0]
    assert ask(outbox, cluster, coordinator, mark, everything) == [1]


def test_a_message_is_marked_as_read_once(outbox: Outbox, cluster: Cluster) -> None:
    """W3: the time of the first reading stays; ids of other people and unknown ones do nothing."""
    mentor = outbox.add_mentor(100)
    coordinator = outbox.add_coordinator(mentor)
    outbox.warn(10)
    outbox.warn(70)
    ids = [row["id"] for row in outbox.messages(coordinator)]
    mark = "select mark_messages_read(%s)"
    assert ask(outbox, cluster, coordinator, mark, [ids[0]]) == [1]
    (first, _) = outbox.messages(coordinator)
    assert first["read_at"] is not None
    assert ask(outbox, cluster, coordinator, mark, [*ids, 0, -1, 2**62]) == [1]
    assert outbox.messages(coordinator)[0] == first
    assert [row["read_at"] for row in outbox.messages(mentor)] == [None, None]
    for nothing in ([], None, [None]):
        assert ask(outbox, cluster, coordinator, mark, nothing) == [0]


def test_a_message_that_grows_is_unread_again(outbox: Outbox, cluster: Cluster) -> None:
    """E11: the coordinator has not seen the mentor who was added."""
    first, second = outbox.add_mentor(5), outbox.add_mentor(5)
    coordinator = outbox.add_coordinator(first, second)
    run = outbox.pause(first)
    mark = "select mark_messages_read(array(select id from list_my_messages()))"
    assert ask(outbox, cluster, coordinator, mark) == [1]
    outbox.roster.db.execute("select notify_coordinators(%s)", (run,))
    assert [row["read_at"] is None for row in outbox.messages(coordinator)] == [False]
    outbox.pause_in(run, second)
    assert [row["read_at"] for row in outbox.messages(coordinator)] == [None]


def test_a_coordinator_sees_whom_no_email_reaches(outbox: Outbox, cluster: Cluster) -> None:
    """W6: own mentors only, by assignment or chapter, page by page; inactive ones are left out."""
    silent = sorted(outbox.add_mentor(5, None) for _ in range(4))
    inactive, fine = outbox.add_mentor(5, None), outbox.add_mentor(5)
    nobody = outbox.roster.add_mentor(outbox.in_days(5))
    outbox.roster.db.execute(
        "update peer_mentors set status = 'inactive' where id = %s", (inactive,)
    )
    mine = outbox.roster.add_coordinator(mentors=[*silent[:2], inactive, fine])
    by_chapter = outbox.roster.add_coordinator(chapters=[outbox.roster.chapter_id])
    admin = uuid4()
    outbox.roster.db.execute("insert into org_members values (%s, %s, 'admin')", (ORG, admin))
    page = "select mentor_id from list_unreachable_mentors(%s, %s, %s)"
    everybody = sorted([*silent, nobody])
    for user, expected in ((mine, silent[:2]), (by_chapter, everybody), (admin, everybody)):
        assert ask(outbox, cluster, user, page, ORG, None, 100) == expected
        assert ask(outbox, cluster, user, page, ORG, expected[0], 1) == [expected[1]]
        assert ask(outbox, cluster, user, page, ORG, expected[-1], 1) == []
        assert ask(outbox, cluster, user, page, UUID(int=9), None, 100) == []
    assert ask(outbox, cluster, uuid4(), page, ORG, None, 100) == []


@pytest.mark.parametrize(
    "query",
    [
        "select list_my_messages(null, 0)",
        "select list_my_messages(null, 1001)",
        "select list_my_messages(null, null)",
        "select list_unreachable_mentors(gen_random_uuid(), null, 1001)",
        "select list_unreachable_mentors(gen_random_uuid(), null, null)",
        "select mark_messages_read(array(select generate_series(1, 501)))",
    ],
)
def test_people_have_bounds_too(outbox: Outbox, cluster: Cluster, query: str) -> None:
    """R5."""
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        ask(outbox, cluster, uuid4(), query)
