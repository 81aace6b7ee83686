"""The schema files and the migrations build the same database (supabase/schemas)."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local import database
from local.dump import dump_roles, dump_schema
from local.errors import StackError
from local.schema_files import SUPABASE, schema_files
from local.scratch import scratch_database
from support.cluster import Cluster

SCHEMAS = SUPABASE / "schemas"


@pytest.fixture(scope="module")
def migrated(cluster: Cluster) -> Iterator[str]:
    """A migrated database on a new server, so that no other test has changed its roles."""
    assert cluster  # `--database-only` chooses tests by this fixture
    with scratch_database() as url:
        yield url


@pytest.fixture(scope="module")
def declared(cluster: Cluster) -> Iterator[str]:
    """The same, built from the schema files."""
    assert cluster
    with scratch_database(database.load_schema) as url:
        yield url


def test_schema_files_and_migrations_build_the_same_database(migrated: str, declared: str) -> None:
    """Tables, functions, policies, owners, grants, default privileges, comments and roles."""
    assert dump_schema(declared).splitlines() == dump_schema(migrated).splitlines()
    assert dump_roles(declared).splitlines() == dump_roles(migrated).splitlines()


def test_every_file_but_a_tables_can_be_run_again(declared: str) -> None:
    """A later migration of a function is a copy of its file."""
    before = dump_schema(declared)
    with psycopg.connect(declared, autocommit=True) as connection:
        for file in schema_files():
            if file.parent.name != "tables":
                connection.execute(file.read_bytes())
    assert dump_schema(declared) == before


def test_each_function_and_table_has_a_file_of_its_name(declared: str) -> None:
    """And each file creates the object whose name it has."""
    with psycopg.connect(declared) as connection:
        objects = connection.execute(
            "select n.nspname, 'functions', p.proname from pg_proc as p"
            " inner join pg_namespace as n on n.oid = p.pronamespace"
            " where n.nspname in ('public', 'private') union all"
            " select n.nspname, case c.relkind when 'v' then 'views' else 'tables' end, c.relname"
            " from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace"
            " where n.nspname in ('public', 'private') and c.relkind in ('r', 'v')"
        ).fetchall()
    folders = {"public": SCHEMAS, "private": SCHEMAS / "private"}
    expected = sorted(folders[schema] / kind / f"{name}.sql" for schema, kind, name in objects)
    others = {"roles.sql", "schema.sql", "folding.sql"}
    assert expected == sorted(f for f in SCHEMAS.rglob("*.sql") if f.name not in others)


def test_a_schema_file_explains_its_object() -> None:
    """It begins with a comment, and names no migration."""
    for file in schema_files():
        text = file.read_text()
        assert text.startswith("-- "), file
        assert re.search(r"\b2\d{13}\b", text) is None, file


def test_the_order_has_every_file_once() -> None:
    """A file that no pattern in config.toml matches would be forgotten."""
    assert sorted(schema_files()) == sorted(SCHEMAS.rglob("*.sql"))


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    """A pattern with a typing error would leave files out."""
    (tmp_path / "config.toml").write_text('[db.migrations]\nschema_paths = ["./schemas/no/*.sql"]')
    with pytest.raises(StackError, match=r"schemas/no/\*\.sql matches no file"):
        schema_files(tmp_path)
