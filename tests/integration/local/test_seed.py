"""A made-up roster in a database is ready for a night with messages (W1, W3)."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest

from local.seed import Roster, load_roster, make_roster, set_brake
from support.cluster import Cluster

ORG = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
TODAY = date(2026, 3, 1)


@pytest.fixture
def load(db: psycopg.Connection, cluster: Cluster) -> Callable[[int, int], Roster]:
    """Load a roster of this size into the test's database."""

    def load_one(mentors: int, expired: int) -> Roster:
        roster = make_roster(ORG, mentors, expired, 1, TODAY, unforeseen=min(expired, 4))
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
    stages = db.execute(
        "select stage from warnings where warned_on = %s order by stage", (TODAY,)
    ).fetchall()
    assert stages == [(7,), (7,), (14,), (30,), (90,)]


def test_the_plan_of_a_roster_has_the_unforeseen_mentors_that_were_asked_for(
    load: Callable[[int, int], Roster], db: psycopg.Connection, cluster: Cluster
) -> None:
    """G2: all others are forewarned; each moved date leaves a change of yesterday."""
    roster = load(60, 10)
    set_brake(cluster.server.url(db.info.dbname), ORG, "hold")
    db.execute("update organisation_settings set brake_count = 3, brake_percent = 0")
    plan = db.execute(
        "select action, count(*) from plan_certification_expiry(%s, %s) group by action",
        (ORG, TODAY),
    ).fetchall()
    assert dict(plan) == {"hold": 4, "pause": 6}
    changes = db.execute(
        "select mentor_id, from_expires_on, changed_by, changed_at::date from certification_changes"
    ).fetchall()
    assert {(m.id, m.moved_from) for m in roster.mentors if m.moved_from} == {
        row[:2] for row in changes
    }
    assert {row[2:] for row in changes} == {("portal", TODAY - timedelta(days=1))}
