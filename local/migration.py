"""Starts a migration from the schema files that changed: `make migration NAME=add_x`.

It builds two databases, one from `supabase/migrations` and one from `supabase/schemas`, and
compares them. A function that differs and a table that is new are copied whole from their files.
The program cannot know how to change an existing table, because rows may have to change with it:
what still differs is written into the migration as a comment, for a person to replace by
statements. Without any migration the new one is the baseline: all schema files.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import unified_diff
from pathlib import Path

import psycopg

from local import database
from local.dump import dump_roles, dump_schema
from local.errors import StackError
from local.schema_files import SUPABASE, join, schema_files
from local.scratch import run_command, scratch_database

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_FOLDERS = {"public": "", "private": "private/"}

_FUNCTIONS = """
    select
        p.oid::regprocedure::text, n.nspname, p.proname, pg_get_function_result(p.oid),
        concat(
            pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'),
            (select string_agg(a::text, ',' order by a::text) from unnest(p.proacl) as a)
        )
    from pg_proc as p inner join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname in ('public', 'private') and p.prokind = 'f'
"""

_TABLES = """
    select n.nspname, c.relname, case when c.relkind = 'v' then 'views' else 'tables' end
    from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ('public', 'private') and c.relkind in ('r', 'p', 'v')
"""


@dataclass(frozen=True, slots=True)
class _Function:
    file: str
    result: str
    definition: str


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between the migrations and the schema files."""

    drops: Sequence[str]
    """Statements that drop functions which no file has, or whose result has another type."""
    files: Sequence[Path]
    """Files to be copied, in the order in which they build a database."""
    rest: Sequence[str]
    """The lines of a diff that the files do not cover."""

    @property
    def is_empty(self) -> bool:
        """Whether both build the same database."""
        return not (self.drops or self.files or self.rest)

    def text(self) -> str:
        """Return the migration: the part to be written by hand comes before the functions."""
        parts = [_HEADER, *_BY_HAND, *self.rest, ""] if self.rest else [_HEADER]
        parts += [*self.drops, ""] if self.drops else []
        if any(file.parent.name in ("tables", "views") for file in self.files):
            return "\n".join([*parts, _UNCHECKED, join(self.files)])
        return "\n".join([*parts, *(file.read_text() for file in self.files)])


_UNCHECKED = "set check_function_bodies = off;  -- a function may use a table below it\n"
_HEADER = "-- Say here why the database changes, and which locks the statements take.\n"
_BY_HAND = (
    "-- Replace these comments by statements: the migrations build the lines with a minus, the",
    "-- schema files the lines with a plus.",
    "--",
)


def compare(migrated_url: str, declared_url: str, supabase: Path) -> Change:
    """Return how the schema files differ from a migrated database, which is changed by it."""
    old, new = _functions(migrated_url), _functions(declared_url)
    drops = [
        f"drop function {signature};"
        for signature, function in old.items()
        if signature not in new or new[signature].result != function.result
    ]
    changed = {f.file for s, f in new.items() if f != old.get(s)}
    changed |= _tables(declared_url) - _tables(migrated_url)
    if dump_roles(migrated_url) != dump_roles(declared_url):
        changed.add("roles.sql")
    places = {supabase / "schemas" / file for file in changed}
    files = [file for file in schema_files(supabase) if file in places]
    _try(migrated_url, [*drops, *(file.read_text() for file in files)])
    rest = [
        f"-- {line}".rstrip()
        for dump in (dump_roles, dump_schema)
        for line in _diff(dump(migrated_url), dump(declared_url))
    ]
    return Change(drops, files, rest)


def _functions(url: str) -> Mapping[str, _Function]:
    return {
        signature: _Function(f"{_FOLDERS[schema]}functions/{name}.sql", result, definition)
        for signature, schema, name, result, definition in _rows(url, _FUNCTIONS)
    }


def _tables(url: str) -> set[str]:
    return {f"{_FOLDERS[schema]}{kind}/{name}.sql" for schema, name, kind in _rows(url, _TABLES)}


def _rows(url: str, query: str) -> list[tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        connection.execute("set search_path = pg_catalog")
        return connection.execute(query.encode()).fetchall()


def _try(url: str, scripts: Sequence[str]) -> None:
    """Apply what can be applied: a function may need a column that is still to be added."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set check_function_bodies = off")
        for script in scripts:
            with suppress(psycopg.Error), connection.transaction():
                connection.execute(script.encode())


def _diff(old: str, new: str) -> list[str]:
    lines = unified_diff(old.splitlines(), new.splitlines(), "migrations", "schemas", lineterm="")
    return list(lines)


def new_file(migrations: Path, name: str, now: datetime) -> Path:
    """Return the place of a new migration: its version is later than every other one.

    Raises:
        StackError: the name cannot be the name of a migration.
    """
    if not _NAME.fullmatch(name):
        raise StackError(
            "a migration is named by lower-case letters, digits and underscores:"
            " make migration NAME=add_x"
        )
    taken = [_time(file) for file in migrations.glob("*.sql")]
    version = max([now, *(other + timedelta(seconds=1) for other in taken)])
    return migrations / f"{version:%Y%m%d%H%M%S}_{name}.sql"


def _time(migration: Path) -> datetime:
    return datetime.strptime(f"{migration.name[:14]}+0000", "%Y%m%d%H%M%S%z")


def start_migration(
    file: Path, migrated_url: str, declared_url: str, supabase: Path = SUPABASE
) -> str:
    """Write a migration and return a sentence about it; write nothing if nothing has changed."""
    change = compare(migrated_url, declared_url, supabase)
    if change.is_empty:
        return "the schema files and the migrations build the same database: nothing to migrate"
    file.write_text(change.text())
    by_hand = "; it lists what you have to write by hand" if change.rest else ""
    return (
        f"wrote {_shown(file)}: {len(change.files)} files copied,"
        f" {len(change.drops)} functions dropped{by_hand}"
    )


def _shown(file: Path) -> Path:
    return Path(*file.parts[-3:])


def main() -> int:
    """Write the migration that the command line names, and say what it holds."""
    (name,) = sys.argv[1:]
    migrations = SUPABASE / "migrations"
    file = new_file(migrations, name, datetime.now(UTC))
    if not any(migrations.glob("*.sql")):
        migrations.mkdir(exist_ok=True)
        file.write_text(join(schema_files()))
        said = f"wrote {_shown(file)}: all schema files"
    else:
        with scratch_database() as migrated, scratch_database(database.load_schema) as declared:
            said = start_migration(file, migrated, declared)
    print(said)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
