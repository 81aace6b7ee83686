"""The migrations on a database that is in use, and the mapping that docs/adopting.md describes."""

import re
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from local import database
from local.schema import draw
from support.cluster import Cluster
from support.roster import ORG, TODAY, Roster

DOCS = Path(__file__).parents[2] / "docs"


def test_the_picture_of_the_tables_is_that_of_the_database(db: psycopg.Connection) -> None:
    """Generated: make schema."""
    assert (DOCS / "schema.md").read_text() == draw(db)


def test_a_history_from_before_people_could_change_a_status_is_kept(cluster: Cluster) -> None:
    """Rows of jobs and of services are told apart; nothing is lost."""
    server, name = cluster.server, "before_people"
    database.create_database(server.url("postgres"), name)
    database.create_supabase_roles(server.url(name))
    database.migrate(server.url(name), until="20261122010000")
    with psycopg.connect(server.url(name), autocommit=True) as db:
        roster, mentor = Roster(db), uuid4()
        db.execute("insert into peer_mentors (id, org_id) values (%s, %s)", (mentor, ORG))
        for run, reason in ((uuid4(), "certification_expired"), (None, "on_leave")):
            db.execute(
                "insert into peer_mentor_status_history (mentor_id, org_id, previous_status,"
                " new_status, reason, job_run_id, changed_at)"
                " values (%s, %s, 'active', 'paused', %s, %s, now())",
                (mentor, ORG, reason, run),
            )
        assert database.migrate(server.url(name))
        assert [(row["reason"], row["changed_by_role"]) for row in roster.history()] == [
            ("certification_expired", "job"), ("on_leave", "service"),
        ]  # fmt: skip
        assert database.migrate(server.url(name)) == []
    database.drop_database(server.url("postgres"), name)


def test_certifications_can_be_a_view_of_another_table(roster: Roster) -> None:
    """The recipe of docs/adopting.md, word for word: our functions read what it shows."""
    mentor, renewed = roster.add_mentor(), roster.add_mentor()
    roster.db.execute("create schema app")
    roster.db.execute(
        "create table app.mentor_certificates (id uuid primary key default gen_random_uuid(),"
        " mentor_profile_id uuid not null, valid_until date not null, revoked_at timestamptz)"
    )
    (recipe,) = re.findall(r"```sql\n(.*?)```", (DOCS / "adopting.md").read_text(), re.DOTALL)
    roster.db.execute(recipe.encode())
    for who, last_day, revoked in (
        (mentor, TODAY - timedelta(days=1), None),
        (mentor, TODAY + timedelta(days=9), "now()"),
        (renewed, TODAY, None),
    ):
        roster.db.execute(
            "insert into app.mentor_certificates (mentor_profile_id, valid_until, revoked_at)"
            " values (%s, %s, %s)",
            (who, last_day, revoked),
        )
    listed = roster.rows("select * from list_expired_mentors(%s, %s, null, 9)", ORG, TODAY)
    assert [row["mentor_id"] for row in listed] == [mentor]
    for who, outcome in ((mentor, "changed"), (renewed, "not_expired")):
        (row,) = roster.rows(
            "select * from update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)",
            who, ORG, uuid4(), TODAY,
        )  # fmt: skip
        assert row["outcome"] == outcome
    # What a run's end calls, and the portal sync where nothing is renewed.
    roster.add_coordinator(mentors=[mentor])
    (changed,) = roster.history()
    assert roster.rows("select notify_coordinators(%s) as told", changed["job_run_id"]) == [
        {"told": 1}
    ]
    assert roster.rows("select count_run_renewals(%s) as n", changed["job_run_id"]) == [{"n": 0}]
    assert len(roster.rows("select from list_all_portal_states(%s, null, 9)", ORG)) == 2
    roster.db.execute("set role anon")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        roster.db.execute("select from public.certifications")


def test_days_of_a_file_are_read_as_adopting_says(roster: Roster) -> None:
    """R6: its recipe, word for word; the first of December is not the twelfth of January."""
    page = (DOCS / "adopting.md").read_text()
    (recipe,) = [block for block in page.split("```") if "create temp table import" in block]
    create, look, load = recipe.split(";\n")[:3]
    mentor, typo, wrong = roster.add_mentors(3)
    roster.db.execute("delete from certifications")
    roster.db.execute(create.encode())
    for mentor_id, day in ((mentor, "01.12.2025"), (typo, "2025-12-01"), (wrong, None)):
        roster.db.execute("insert into import values (%s, %s)", (mentor_id, day))
    assert {row["mentor_id"] for row in roster.rows(look.encode())} == {typo, wrong}
    roster.db.execute("delete from import where mentor_id <> %s", (mentor,))
    roster.db.execute(load.encode())
    (row,) = roster.rows("select expires_on from certifications")
    assert row["expires_on"] == date(2025, 12, 2)
    roster.db.execute("update import set last_valid_day = '31.02.2025'")
    with pytest.raises(psycopg.errors.DatetimeFieldOverflow):
        roster.db.execute(load.encode())
