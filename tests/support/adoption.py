"""Takes an invented project through docs/adopting.md, by the page's own blocks.

The blocks are written for the first project (`adopters/harbour.sql`). For the second one the lines
that the page marks as the reader's are replaced, each of them, and no others.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from local import database
from support.cluster import Cluster
from support.documents import ROOT, walk
from support.roster import ORG

ADOPTERS = Path(__file__).parent / "adopters"
MARK = "  -- yours"
WALK = "adopting"


class Block(IntEnum):
    """The blocks of the page, in their order."""

    NAMES_TAKEN = 0
    NAMED_IN = 1
    MAKE_ROOM = 2
    IDS = 3
    FIND_PERSON = 4
    ORGANISATION = 5
    MAP = 6
    PORTAL = 7
    STAGE = 8
    LOOK = 9
    IMPORT = 10
    CHECK = 11
    PREVIEW = 12
    APP = 13
    NIGHT = 14


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it is before it adopts anything.

    `lines` has what the project writes for each line that the page marks. It is empty for the
    project that the page is written for.
    """

    name: str
    lines: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def tables(self) -> bytes:
        """The SQL that creates and fills its tables, in a Supabase project."""
        return b"".join((ADOPTERS / f).read_bytes() for f in ("supabase.sql", f"{self.name}.sql"))

    @property
    def expired(self) -> bytes:
        """The query by its own tables: key, uuid and first invalid day of expired mentors."""
        return (ADOPTERS / f"{self.name}_expired.sql").read_bytes()

    def adapt(self, block: str) -> str:
        """Replace each line that is marked as the reader's.

        Raises:
            KeyError: the project has nothing to write for a line.
        """
        return "".join(self._line(line) for line in block.splitlines(keepends=True))

    def _line(self, line: str) -> str:
        words = line.strip().removesuffix(MARK.strip()).strip()
        is_kept = not self.lines or not line.rstrip().endswith(MARK) or "'hlf'" in words
        return line if is_kept else f"{self.lines[words]}\n"


HARBOUR = Project("harbour")
VALLEY = Project("valley", json.loads((ADOPTERS / "valley.json").read_text()))


@dataclass(frozen=True, slots=True)
class Adoption:
    """A project under way through the page."""

    project: Project
    db: psycopg.Connection

    def text(self, block: Block) -> str:
        """Return a block as this project writes it."""
        return self.project.adapt(walk(WALK, [ROOT / "docs/adopting.md"])[block].text)

    def type(self, block: Block) -> list[tuple[Any, ...]]:
        """Send a block to the database; return the rows of its last statement, if it has rows."""
        cursor = self.db.execute(self.text(block).encode())
        return cursor.fetchall() if cursor.description else []

    def findings(self) -> list[tuple[str, str, str, str]]:
        """Return what the self-check says."""
        return self.db.execute("select * from private.check_mapping()").fetchall()

    def expired(self) -> dict[UUID, Any]:
        """Return the expired mentors by the project's own tables, with the first invalid day."""
        return {row[1]: row[2] for row in self.db.execute(self.project.expired).fetchall()}

    def person(self, number: int) -> tuple[UUID]:
        """Return the uuid of one of the club's people."""
        found = self.db.execute("select person from people where portal_no = %s", (number,))
        ((person,),) = found.fetchall()
        return (person,)

    def as_person(self, cluster: Cluster, account: int) -> psycopg.Connection:
        """Connect as the API does for a person who is signed in; close it with `with`."""
        url = cluster.url_as(self.db, "authenticated", account_id(account))
        return psycopg.connect(url, autocommit=True)

    def begin(self, server_url: str) -> None:
        """Take the steps up to the organisation; those that the page lets skip are skipped."""
        taken = [row[0] for row in self.type(Block.NAMES_TAKEN)]
        self.type(Block.NAMED_IN)
        if taken:
            self.type(Block.MAKE_ROOM)
        database.migrate(server_url)
        self.type(Block.IDS)
        # The night in the tests' process acts for this organisation.
        column = "alter table public.organisations alter column id set default"
        self.db.execute(f"{column} '{ORG}'".encode())
        self.type(Block.ORGANISATION)
        self.db.execute(f"{column} gen_random_uuid()".encode())


def account_id(number: int) -> UUID:
    """Return the id of one of the invented accounts."""
    return UUID(f"00000000-0000-4000-8000-{number:012}")


@contextmanager
def open_project(cluster: Cluster, project: Project) -> Generator[Adoption]:
    """Create a project that has its own tables and nothing of ours; drop it afterwards."""
    owner, name = cluster.server.url("postgres"), f"{project.name}_{uuid4().hex[:8]}"
    database.create_database(owner, name)
    database.create_supabase_roles(cluster.server.url(name))
    with psycopg.connect(cluster.server.url(name), autocommit=True) as connection:
        connection.execute(project.tables)
        yield Adoption(project, connection)
    database.drop_database(owner, name)


@contextmanager
def open_adoption(cluster: Cluster, project: Project) -> Generator[Adoption]:
    """Take a project through the page until its app shows our status."""
    with open_project(cluster, project) as adoption:
        adoption.begin(cluster.server.url(adoption.db.info.dbname))
        adoption.type(Block.MAP)
        adoption.type(Block.APP)
        yield adoption
