"""The database of the local stack and of the tests: Supabase's roles, then the migrations."""

from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from local.errors import StackError
from local.schema_files import SUPABASE, join, schema_files

MIGRATIONS = SUPABASE / "migrations"
_PLATFORM = Path(__file__).parent / "supabase.sql"
JOB_ROLES = ("mentor_pause_job", "portal_sync", "mentor_pause_api", "mentor_pause_notifier")
"""The roles that log in: of the nightly job, the portal sync, the HTTP entry, the notifier."""

_SUPABASE_ROLES: dict[str, LiteralString] = {
    "anon": "create role anon nologin noinherit",
    "authenticated": "create role authenticated nologin noinherit",
    "service_role": "create role service_role nologin noinherit bypassrls",
}


def create_supabase_roles(owner_url: str) -> None:
    """Create what the migrations rely on and every Supabase project has: roles, `auth.uid()`."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        found = {row[0] for row in connection.execute("select rolname from pg_roles").fetchall()}
        for role, statement in _SUPABASE_ROLES.items():
            if role not in found:
                connection.execute(statement)
        connection.execute(_PLATFORM.read_bytes())


def load_schema(owner_url: str, supabase: Path = SUPABASE) -> None:
    """Build a database from the schema files, in one transaction."""
    with psycopg.connect(owner_url) as connection:
        connection.execute(join(schema_files(supabase)).encode())


def migrate(owner_url: str, folder: Path = MIGRATIONS) -> list[str]:
    """Apply the migrations that the database has not seen; return their names.

    A file without a statement waits until it has one.

    Raises:
        StackError: a migration fails; those before it are applied.
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("create schema if not exists supabase_migrations")
        connection.execute(
            "create table if not exists supabase_migrations.schema_migrations"
            " (version text primary key, name text)"
        )
        seen = connection.execute(
            "select version from supabase_migrations.schema_migrations"
        ).fetchall()
        new = [file for file in sorted(folder.glob("*.sql")) if (file.name[:14],) not in seen]
        return [file.name for file in new if _apply(connection, file)]


def _apply(connection: psycopg.Connection, file: Path) -> bool:
    """Apply a migration and note it, both or neither. Return whether it has a statement."""
    text = file.read_bytes()
    try:
        with connection.transaction():
            done = connection.execute(text).pgresult
            if done is None or done.status == ExecStatus.EMPTY_QUERY:
                return False
            connection.execute(
                "insert into supabase_migrations.schema_migrations values (%s, %s)",
                (file.name[:14], file.stem[15:]),
            )
    except psycopg.Error as error:
        if (reason := error.diag.message_primary) is None:
            raise
        raise StackError(
            f"the migration {file.name} fails{_line(text, error)}: {reason}; it was not applied;"
            " correct it, then type: mentor-pause local up"
        ) from error
    return True


def _line(text: bytes, error: psycopg.Error) -> str:
    """Say in which line the server found the error, if it says so."""
    if (place := error.diag.statement_position) is None:
        return ""
    before = text.decode()[: int(place) - 1]
    return f" in line {before.count(chr(10)) + 1}"


def create_database(owner_url: str, name: str) -> None:
    """Create an empty database; drop an older one of that name."""
    drop_database(owner_url, name)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def drop_database(owner_url: str, name: str) -> None:
    """Drop a database, and end the connections to it."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )


def ensure_database(owner_url: str, name: str) -> None:
    """Create a database unless it exists."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        found = connection.execute("select from pg_database where datname = %s", (name,)).fetchone()
    if found is None:
        create_database(owner_url, name)


def let_log_in(owner_url: str, role: str, password: str) -> None:
    """Give a role a password, as an operator does on Supabase."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("alter role {} login password {}").format(
                sql.Identifier(role), sql.Literal(password)
            )
        )
