"""How migrations are applied, and the page that is generated from the migrated database."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local import database
from local.errors import StackError
from local.places import ROOT
from local.schema import draw
from support.cluster import Cluster

DOCS = ROOT / "docs"


def test_the_picture_of_the_tables_is_that_of_the_database(db: psycopg.Connection) -> None:
    """`make schema` generates it."""
    assert (DOCS / "schema.md").read_text() == draw(db)


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """The owner's URL of an empty database."""
    server, name = cluster.server, "no_migrations"
    database.create_database(server.url("postgres"), name)
    yield server.url(name)
    database.drop_database(server.url("postgres"), name)


def test_the_error_of_a_migration_names_its_file_and_line(empty: str, tmp_path: Path) -> None:
    """The message has the server's reason and the next command. Nothing of the file is applied."""
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
    """A file that an author has just started does not count as applied."""
    file = tmp_path / "20990101000000_begun.sql"
    for begun in ("", "-- todo\n", "/* later */"):
        file.write_text(begun)
        assert database.migrate(empty, folder=tmp_path) == []
    file.write_text("create table begun ();")
    assert database.migrate(empty, folder=tmp_path) == [file.name]
    assert database.migrate(empty, folder=tmp_path) == []
