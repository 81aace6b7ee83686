"""Each function of the console answers each person with what is theirs (C1, S4)."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from support.cluster import Cluster
from support.people import People
from support.roster import ORG, Roster

MEMBERS = (
    "get_tonight(%(org)s)",
    "list_my_mentors(%(org)s)",
    "list_checks(%(org)s)",
    "get_check(%(org)s, gen_random_uuid())",
    "get_weekly_figures(%(org)s)",
)
ADMINISTRATORS = (
    "get_held(%(org)s)",
    "preview_withdrawal(%(org)s, gen_random_uuid())",
    "get_website(%(org)s)",
    "resend_to_portal(%(org)s)",
    "list_undelivered(%(org)s)",
)
EVERYBODY = (
    "get_my_access(%(org)s)",
    "list_names(%(org)s, array[%(mentor)s])",
    "mark_all_messages_read(0)",
)


@pytest.fixture
def people(roster: Roster, cluster: Cluster) -> People:
    """A mentor, their coordinators, an administrator and somebody without a row."""
    found = People(roster, cluster)
    found.users["admin"], found.users["nobody"] = uuid4(), uuid4()
    roster.db.execute(
        "insert into org_members values (%s, %s, 'admin')", (ORG, found.users["admin"])
    )
    return found


def ask(people: People, caller: str, call: str, mentor: UUID | None = None) -> Any:
    """Call a function as a person; return its rows, or the hint of its refusal."""
    values = {"org": ORG, "mentor": mentor or people.mentor_id}
    with psycopg.connect(people.url(caller), autocommit=True) as connection:
        try:
            return connection.execute(f"select * from {call}".encode(), values).fetchall()  # noqa: S608 - own literals
        except psycopg.Error as error:
            return error.diag.message_hint or error.sqlstate


@pytest.mark.parametrize("call", MEMBERS)
def test_members_alone_are_answered(people: People, call: str) -> None:
    """C1: also if the organisation does not know the person, or knows them as a mentor."""
    for caller in ("admin", "by_assignment", "by_chapter", "stranger"):
        assert isinstance(ask(people, caller, call), list)
    for caller in ("mentor", "nobody"):
        assert ask(people, caller, call) == "not_a_member"


@pytest.mark.parametrize("call", ADMINISTRATORS)
def test_administrators_alone_are_answered(people: People, call: str) -> None:
    """C1, C4."""
    assert isinstance(ask(people, "admin", call), list)
    for caller in ("by_assignment", "by_chapter", "stranger", "mentor", "nobody"):
        assert ask(people, caller, call) == "not_an_administrator"


@pytest.mark.parametrize("call", EVERYBODY)
def test_everybody_who_is_signed_in_is_answered(people: People, call: str) -> None:
    """C1."""
    for caller in people.users:
        assert isinstance(ask(people, caller, call), list)


@pytest.mark.parametrize("caller", ["admin", "by_assignment", "by_chapter", "mentor"])
def test_a_page_of_a_mentor_is_for_those_who_see_the_mentor(people: People, caller: str) -> None:
    """C3, S4."""
    page = ask(people, caller, "get_mentor_page(%(org)s, %(mentor)s)")[0][0]
    assert page["mentor_id"] == str(people.mentor_id)
    assert page["may_change"] is (caller != "admin")
    assert page["is_me"] is (caller == "mentor")


def test_nobody_learns_whether_a_mentor_exists(people: People) -> None:
    """S4: a mentor of others, and nobody, are refused alike."""
    for caller in ("stranger", "nobody"):
        for mentor in (people.mentor_id, uuid4()):
            call = "get_mentor_page(%(org)s, %(mentor)s)"
            assert ask(people, caller, call, mentor) == "not_yours"
            assert ask(people, caller, "list_names(%(org)s, array[%(mentor)s])", mentor) == []


def test_each_member_lists_their_own_mentors(people: People) -> None:
    """C2."""
    counts = {c: len(ask(people, c, "list_my_mentors(%(org)s)")) for c in people.users
              if c not in ("mentor", "nobody")}  # fmt: skip
    assert counts == {"by_assignment": 1, "by_chapter": 1, "stranger": 0, "admin": 1}


def test_nobody_calls_without_signing_in(people: People) -> None:
    """S4."""
    url = people._cluster.url_as(people.roster.db, "anon")
    with psycopg.connect(url, autocommit=True) as connection:
        for call in MEMBERS + ADMINISTRATORS + EVERYBODY:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(
                    f"select * from {call}".encode(),  # noqa: S608 - own literals
                    {"org": ORG, "mentor": people.mentor_id},
                )
