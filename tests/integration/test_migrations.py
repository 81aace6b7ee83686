"""The migrations on a database that is in use."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from local import database
from local.errors import StackError
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


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """The owner's URL of an empty database."""
    server, name = cluster.server, "no_migrations"
    database.create_database(server.url("postgres"), name)
    yield server.url(name)
    database.drop_database(server.url("postgres"), name)


def test_a_migration_that_fails_is_told_with_its_file_and_line(empty: str, tmp_path: Path) -> None:
    """The server's reason, and the next command; nothing of that file is applied."""
    (tmp_path / "20990101000000_fine.sql").write_text("create table fine ();")
    broken = tmp_path / "20990102000000_broken.sql"
    broken.write_text("-- ø\ncreate table half ();\ncreate tabel x ();\n")
    with pytest.raises(StackError) as raised:
        database.migrate(empty, folder=tmp_path)
    assert str(raised.value) == (
        'the migration 20990102000000_broken.sql fails in line 3: syntax error at or near "tabel";'
        " it was not applied; correct it, then type: mentor-pause local up"
    )
    broken.write_text("create table half (); do $$ begin perform 1 / 0; end $$;")
    with pytest.raises(StackError, match=r"_broken\.sql fails: division by zero; it was not"):
        database.migrate(empty, folder=tmp_path)
    broken.write_text("create table half ();")
    assert database.migrate(empty, folder=tmp_path) == [broken.name]


def test_a_migration_without_a_statement_waits_for_one(empty: str, tmp_path: Path) -> None:
    """A file that somebody has only begun to write is not noted as applied."""
    file = tmp_path / "20990101000000_begun.sql"
    for begun in ("", "-- todo\n", "/* later */"):
        file.write_text(begun)
        assert database.migrate(empty, folder=tmp_path) == []
    file.write_text("create table begun ();")
    assert database.migrate(empty, folder=tmp_path) == [file.name]
    assert database.migrate(empty, folder=tmp_path) == []
