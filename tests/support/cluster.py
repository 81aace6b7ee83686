"""The PostgreSQL server of a test session."""

import json
import secrets
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from local import database
from local.postgres import OWNER, Server
from support.roster import add_organisation
from support.scram import hashed_once

_MEMORY = Path("/dev/shm")  # noqa: S108 - the files get a folder of their own in it
_ROOM = 4 * 2**30
"""Bytes that a folder in memory must have free; the largest test needs half of one."""
_TEMPLATE = "template_mentor_pause"
_WITH_ORGANISATION = "template_with_organisation"


@dataclass(slots=True)
class Cluster:
    """A server, the passwords of the job roles, and a source of fresh databases."""

    server: Server
    passwords: dict[str, str]
    _owner: psycopg.Connection
    """Copies and drops databases; where nobody waits for disks, a copy of files is fast."""
    _numbers: "count[int]" = field(default_factory=count)
    _prefix: str = "test"
    changes: bytes = b""
    """SQL that each fresh database runs first: the change whose effect `mutants` watches."""
    before_drop: Callable[[str], None] | None = None
    """Gets the name of each database that is about to be dropped."""

    def reconnect(self, prefix: str) -> None:
        """Take over the cluster in a forked process, which names its databases `PREFIX_n`."""
        self._owner = psycopg.connect(self.server.url("postgres"), autocommit=True)
        self._prefix = prefix

    def drop_left(self, prefix: str) -> None:
        """Drop the databases that an ended process has left."""
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as owner:
            left = owner.execute(
                "select datname from pg_database where starts_with(datname, %s)", (f"{prefix}_",)
            ).fetchall()
        for (name,) in left:
            database.drop_database(self.server.url("postgres"), name)

    def clone(self, template: str = _TEMPLATE) -> str:
        """Copy a migrated template and return the copy's name."""
        name = f"{self._prefix}_{next(self._numbers)}"
        self._owner.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        if self.changes:
            with psycopg.connect(self.server.url(name), autocommit=True) as connection:
                connection.execute(self.changes)
        return name

    @contextmanager
    def database(self, *, with_organisation: bool = False) -> Generator[psycopg.Connection]:
        """Open a fresh database as its owner, and drop it afterwards.

        `with_organisation`: it has the organisation that `Roster` otherwise adds.
        """
        name = self.clone(_WITH_ORGANISATION if with_organisation else _TEMPLATE)
        with psycopg.connect(self.server.url(name), autocommit=True) as connection:
            yield connection
        if self.before_drop:
            self.before_drop(name)
        self._drop(name)

    def _drop(self, name: str) -> None:
        self._owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def add_template(self) -> None:
        """Create the template with the organisation: to check its time zone takes 12 ms."""
        template = sql.Identifier(_WITH_ORGANISATION)
        name = sql.Identifier(self.clone())
        self._owner.execute(sql.SQL("alter database {} rename to {}").format(name, template))
        with psycopg.connect(self.server.url(_WITH_ORGANISATION), autocommit=True) as connection:
            add_organisation(connection)

    def url(self, connection: psycopg.Connection, role: str = "mentor_pause_job") -> str:
        """Return the URL of a connection's database for a role that can log in."""
        address = self.server.url(connection.info.dbname).rpartition("@")[2]
        return f"postgresql://{role}:{self.passwords[role]}@{address}"

    def url_as(self, connection: psycopg.Connection, role: str, user: UUID | None = None) -> str:
        """Return a URL whose sessions are as PostgREST makes them: a role, and a user's claims."""
        claims = json.dumps({"sub": str(user), "role": role}, separators=(",", ":"))
        return make_conninfo(
            self.server.url(connection.info.dbname),
            options=f"-c role={role} -c request.jwt.claims={claims}",
        )


@contextmanager
def open_cluster(folder: Path) -> Generator[Cluster]:
    """Run a server with Supabase's roles and a migrated template database.

    Its files are in memory where the machine has room, otherwise in `folder`. Each test copies the
    400 files of a database, and that is three times as fast in memory.
    """
    with _place(folder) as place:
        yield from _run(Server(place, durable=False))


@contextmanager
def _place(folder: Path) -> Generator[Path]:
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        with TemporaryDirectory(prefix="mentor-pause-", dir=_MEMORY) as place:
            yield Path(place)
    else:
        yield folder


def _run(server: Server) -> Generator[Cluster]:
    server.start()
    try:
        owner = server.url("postgres")
        database.create_database(owner, _TEMPLATE)
        database.create_supabase_roles(server.url(_TEMPLATE))
        database.migrate(server.url(_TEMPLATE))
        passwords = {role: secrets.token_hex(8) for role in database.JOB_ROLES}
        for role, password in {**passwords, OWNER: server.password}.items():
            database.let_log_in(owner, role, hashed_once(password))
        with psycopg.connect(owner, autocommit=True) as connection:
            cluster = Cluster(server, passwords, connection)
            cluster.add_template()
            yield cluster
    finally:
        server.stop()
