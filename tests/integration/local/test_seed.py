"""A made-up roster in a database is ready for a night with messages (W1, W3)."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import psycopg
import pytest

from local.seed import Roster, load_roster, make_roster
from support.cluster import Cluster

ORG = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
TODAY = date(2026, 3, 1)


@pytest.fixture
def load(db: psycopg.Connection, cluster: Cluster) -> Callable[[int, int], Roster]:
    """Load a roster of this size into the test's database."""

    def load_one(mentors: int, expired: int) -> Roster:
        roster = make_roster(ORG, mentors, expired, 1, TODAY)
        load_roster(cluster.server.url(db.info.dbname), roster, "hlf")
        return roster

    return load_one


def test_the_contacts_are_in_the_database(
    load: Callable[[int, int], Roster], db: psycopg.Connection
) -> None:
    """Each mentor and each member has one."""
    roster = load(60, 10)
    rows = db.execute("select mentor_id, display_name, email, language from mentor_contacts")
    assert sorted(rows.fetchall()) == sorted(map(tuple, roster.mentor_contacts))
    rows = db.execute("select user_id, display_name, email, language from member_contacts")
    assert sorted(rows.fetchall()) == sorted(map(tuple, roster.member_contacts))
    assert {contact.person_id for contact in roster.mentor_contacts} == {
        mentor.id for mentor in roster.mentors
    }
    assert {contact.person_id for contact in roster.member_contacts} == set(roster.coordinators)


def test_the_first_night_of_a_small_roster_warns_at_each_stage(
    load: Callable[[int, int], Roster], db: psycopg.Connection
) -> None:
    """W1: also if all but five of the mentors are expired."""
    load(10, 5)
    written = db.execute("select write_warnings(%s, %s)", (ORG, TODAY)).fetchone()
    assert written == (5,)
    stages = db.execute("select stage from warnings order by stage").fetchall()
    assert stages == [(7,), (7,), (14,), (30,), (90,)]
