"""A database whose mentors have numbered ids, so that pgbench can pause each of them once.

pgbench is the limit for the comparison: a client written in C that only sends one statement. With
the extended protocol the values travel separately from the statement, as E14 requires. With the
simple protocol they are part of the statement's text, which is the least work for a server.
"""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from uuid import UUID, uuid4

import psycopg

from local import database
from local.postgres import binaries, connection_variables
from local.scratch import scratch_database

ORG = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
AS_OF = date(2026, 3, 1)
_FIRST = 1_000_000
_ROLE, _PASSWORD = "mentor_pause_job", "of-this-database-only"

type Protocol = Literal["simple", "extended"]

_PAUSE = (
    "\\set n :n + 1\n"
    "\\set id :client_id * {per_client} + :n\n"
    "select * from public.update_mentor_status("
    "p_mentor_id => {mentor}, p_org_id => '{org}',"
    " p_status => 'paused', p_reason => 'certification_expired', p_job_run_id => '{run}',"
    " p_as_of => '{as_of}', p_expected_version => null, p_dry_run => false);\n"
)
_MENTOR: dict[Protocol, str] = {
    "simple": "'00000000-0000-4000-8000-00000:id'",
    "extended": "('00000000-0000-4000-8000-00000' || :id)::uuid",
}


class Numbered:
    """Mentors whose certification has expired; each is used once, in order."""

    def __init__(self, owner_url: str, count: int) -> None:
        """Put `count` mentors into an empty, migrated database."""
        database.let_log_in(owner_url, _ROLE, _PASSWORD)
        self.owner_url = owner_url
        self.url = f"postgresql://{_ROLE}:{_PASSWORD}@{owner_url.rpartition('@')[2]}"
        self._next = _FIRST
        chapter = uuid4()
        with psycopg.connect(owner_url, autocommit=True) as connection:
            connection.execute("insert into organisations (id, slug) values (%s, 'hlf')", (ORG,))
            connection.execute("insert into chapters values (%s, %s, 'One')", (chapter, ORG))
            connection.execute(
                "insert into peer_mentors (id, org_id, chapter_id)"
                " select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, %s, %s"
                " from generate_series(%s::int, %s) as n",
                (ORG, chapter, _FIRST, _FIRST + count - 1),
            )
            connection.execute(
                "insert into certifications (mentor_id, expires_on)"
                " select id, %s::date - 1 from peer_mentors",
                (AS_OF,),
            )
            connection.execute("vacuum analyze")

    def take(self, count: int) -> list[UUID]:
        """Return mentors that no client has paused yet."""
        first, self._next = self._next, self._next + count
        return [UUID(f"00000000-0000-4000-8000-{n:012d}") for n in range(first, self._next)]

    def pgbench(
        self,
        count: int,
        clients: int = 1,
        protocol: Protocol = "extended",
        run: UUID | None = None,
    ) -> float:
        """Pause that number of mentors by pgbench, and return mentors per second."""
        each = count // clients
        script = _PAUSE.format(
            mentor=_MENTOR[protocol], org=ORG, run=run or uuid4(), as_of=AS_OF, per_client=each
        )
        with TemporaryDirectory() as folder:
            file = Path(folder) / "pause.sql"
            file.write_text(script)
            done = subprocess.run(
                [
                    binaries() / "pgbench", "--no-vacuum", f"--protocol={protocol}",
                    f"--client={clients}", f"--transactions={each}",
                    f"--define=n={self._next - 1}", f"--file={file}",
                ],
                capture_output=True, text=True, check=True,
                env=os.environ | connection_variables(self.url),
            )  # fmt: skip
        self._next += each * clients
        (rate,) = (line for line in done.stdout.splitlines() if line.startswith("tps"))
        return float(rate.split()[2])


@contextmanager
def numbered_database(count: int) -> Generator[Numbered]:
    """Open a new database, with commits that wait for the disk, as in production."""
    with scratch_database(durable=True) as url:
        yield Numbered(url, count)
