"""The migrations on a database that is in use."""

from pathlib import Path
from uuid import uuid4

import psycopg

from local import database
from local.schema import draw
from support.cluster import Cluster
from support.roster import ORG, Roster

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
