"""`make migration` starts a migration from the schema files that changed (local/migration.py)."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from local import database
from local.dump import dump_schema
from local.errors import StackError
from local.migration import compare, new_file, start_migration
from local.schema_files import SUPABASE
from local.scratch import scratch_database
from support.cluster import Cluster

NOW = datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC)
FUNCTION = "functions/get_member_role.sql"
TABLE = "tables/chapters.sql"


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of `supabase/` whose files a test may change, and two databases for it."""

    supabase: Path
    cluster: Cluster

    def change(self, file: str, old: str, new: str) -> None:
        """Replace a piece of a schema file."""
        place = self.supabase / "schemas" / file
        text = place.read_text()
        assert old in text
        place.write_text(text.replace(old, new))

    def start(self, name: str = "change") -> tuple[str, str]:
        """Start a migration; return the sentence about it and the file's text."""
        migrations = self.supabase / "migrations"
        file = new_file(migrations, name, NOW)
        said = start_migration(
            file, self._built("migrated", migrations), self.declared(), self.supabase
        )
        return said, file.read_text() if file.exists() else ""

    def declared(self) -> str:
        """Build a database from the schema files; return its address."""
        url = self._create("declared")
        database.load_schema(url, self.supabase)
        return url

    def _built(self, name: str, migrations: Path) -> str:
        url = self._create(name)
        database.migrate(url, migrations)
        return url

    def _create(self, name: str) -> str:
        database.create_database(self.cluster.server.url("postgres"), f"migration_{name}")
        url = self.cluster.server.url(f"migration_{name}")
        database.create_supabase_roles(url)
        return url

    def drop(self) -> None:
        """Drop the databases."""
        for name in ("migrated", "declared"):
            database.drop_database(self.cluster.server.url("postgres"), f"migration_{name}")

    def brings_migrations_up_to_date(self) -> bool:
        """Say whether the migrations, with the new one, build what the schema files build."""
        url = self._built("migrated", self.supabase / "migrations")
        return dump_schema(url) == dump_schema(self.declared())


@pytest.fixture
def project(cluster: Cluster, tmp_path: Path) -> Iterator[Project]:
    """A copy of the folder, in which nothing has changed yet."""
    shutil.copytree(SUPABASE, tmp_path / "supabase")
    made = Project(tmp_path / "supabase", cluster)
    yield made
    made.drop()


def test_nothing_is_written_if_nothing_has_changed(project: Project) -> None:
    """The schema files and the migrations build the same database."""
    said, text = project.start()
    assert "nothing to migrate" in said
    assert text == ""


def test_a_changed_function_is_copied_whole(project: Project) -> None:
    """With its settings, comment and grants; the migration needs no work by hand."""
    project.change(FUNCTION, "select o.role from", "select lower(o.role) from")
    said, text = project.start()
    file = project.supabase / "schemas" / FUNCTION
    assert said.endswith("_change.sql: 1 files copied, 0 functions dropped")
    assert text.endswith(f"\n{file.read_text()}")
    assert text.startswith("-- Say here why")
    assert project.brings_migrations_up_to_date()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'admin or coordinator;", "'coordinator or admin;"),
        ("to service_role, mentor_pause_api", "to service_role, mentor_pause_api, portal_sync"),
        ("set search_path", "set lock_timeout = '1s'\nset search_path"),
    ],
    ids=["comment", "grant", "setting"],
)
def test_a_change_beside_the_body_counts(project: Project, old: str, new: str) -> None:
    """A function's comment, grants and settings are part of it."""
    project.change(FUNCTION, old, new)
    said, _ = project.start()
    assert "1 files copied" in said
    assert project.brings_migrations_up_to_date()


def test_a_function_with_another_signature_replaces_the_old_one(project: Project) -> None:
    """`create or replace` alone would leave the old function beside the new one."""
    project.change(FUNCTION, "p_user_id uuid)", "p_user_id uuid, p_day date default null)")
    said, text = project.start()
    assert "1 functions dropped" in said
    assert "drop function public.get_member_role(uuid,uuid);" in text
    assert project.brings_migrations_up_to_date()


def test_a_changed_table_is_listed_for_the_author(project: Project) -> None:
    """Rows may have to change with it, so a person writes the statements."""
    project.change(TABLE, "    name text not null\n", "    name text not null,\n    town text\n")
    project.change(TABLE, "select private.my_orgs()", "select private.my_admin_orgs()")
    said, text = project.start()
    assert "what you have to write by hand" in said
    assert all(line.startswith("--") or not line for line in text.splitlines())
    assert "-- +    town text" in text
    assert "my_admin_orgs" in text
    assert not project.brings_migrations_up_to_date()


def test_a_new_table_is_copied_with_a_function_that_uses_it(project: Project) -> None:
    """The function comes first, so its body is not checked against the table."""
    schemas = project.supabase / "schemas"
    (schemas / "tables/towns.sql").write_text(
        "-- Towns.\ncreate table public.towns (id integer);\n"
    )
    (schemas / "private/functions/towns.sql").write_text(
        "-- Towns.\ncreate or replace function private.towns() returns bigint language sql"
        " as 'select count(*) from public.towns';\n"
    )
    said, _ = project.start()
    assert "2 files copied" in said
    assert project.brings_migrations_up_to_date()


def test_changed_roles_are_copied(project: Project) -> None:
    """Roles belong to a server, so each of the two databases has a server of its own."""
    build = partial(database.migrate, folder=project.supabase / "migrations")
    project.change(
        "roles.sql",
        "mentor_pause_api set lock_timeout = '3s'",
        "mentor_pause_api set lock_timeout = '2s'",
    )
    declare = partial(database.load_schema, supabase=project.supabase)
    with scratch_database(build) as migrated, scratch_database(declare) as declared:
        change = compare(migrated, declared, project.supabase)
    assert [file.name for file in change.files] == ["roles.sql"]
    assert not change.rest


@pytest.mark.parametrize("name", ["", "Add_x", "add-x", "1_x", "../x", "add x", "x" * 62])
def test_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    """Supabase's command line takes the part after the version for the name."""
    with pytest.raises(StackError, match="make migration NAME=add_x"):
        new_file(tmp_path, name, NOW)


def test_the_command_refuses_a_bad_name_before_it_starts_a_server() -> None:
    """One sentence and exit code 2, and no trace."""
    done = subprocess.run(
        [sys.executable, "-m", "local.migration", "Add x"],
        cwd=SUPABASE.parent, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_new_version_is_later_than_every_other_one(tmp_path: Path) -> None:
    """A clock that is behind must not put a migration before one that is applied already."""
    assert new_file(tmp_path, "a", NOW).name == "20990102030405_a.sql"
    (tmp_path / "20990102030459_b.sql").touch()
    assert new_file(tmp_path, "a", NOW).name == "20990102030500_a.sql"
