"""Measures what the policies and the coordinator queries cost (docs/access.md).

It uses its own database with 100,000 mentors in 2,000 chapters, 2,001 coordinators and 300,000 rows
of history. Each query runs 15 times. The table shows the median in milliseconds, as the database
measures it. Beside it is the time for the same rows in the same run, read by the owner with an
explicit condition.
"""

import json
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from local.scratch import scratch_database
from local.seed import Roster, load_roster, make_roster

MENTORS, EXPIRED, TIMES = 100_000, 12_000, 15
_ORG = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")


@dataclass(frozen=True, slots=True)
class Question:
    """A query as a person sends it, and the owner's query for the same rows."""

    title: str
    person: str
    asked: LiteralString
    by_owner: LiteralString


_MINE: LiteralString = (
    "(select mentor_id from assignments where coordinator_id = {coordinator}"
    " union select id from peer_mentors where chapter_id in (select chapter_id"
    " from coordinator_chapters where coordinator_id = {coordinator}))"
)
_DRY_RUN: LiteralString = (
    "select * from update_mentor_status({mentor}, {org}, 'paused', 'on_leave', p_dry_run => true)"
)

QUESTIONS = (
    Question(
        "coordinator_mentor_statuses, first page", "coordinator",
        "select * from coordinator_mentor_statuses({coordinator})",
        "select *, (select max(expires_on) from certifications as c where c.mentor_id = m.id)"
        " from peer_mentors as m where id in " + _MINE + " order by id limit 100",
    ),
    Question(
        "coordinator_mentor_certifications", "coordinator",
        "select * from coordinator_mentor_certifications({coordinator}, {mentor})",
        "select * from certifications where mentor_id = {mentor}",
    ),
    Question(
        "coordinator_mentor_history", "coordinator",
        "select * from coordinator_mentor_history({coordinator}, {mentor})",
        "select * from peer_mentor_status_history where mentor_id = {mentor}",
    ),
    Question(
        "update_mentor_status, dry run", "coordinator",
        _DRY_RUN,
        _DRY_RUN,
    ),
    Question(
        "one mentor by id", "coordinator",
        "select * from peer_mentors where id = {mentor}",
        "select * from peer_mentors where id = {mentor}",
    ),
    Question(
        "certifications of one mentor", "coordinator",
        "select * from certifications where mentor_id = {mentor}",
        "select * from certifications where mentor_id = {mentor}",
    ),
    Question(
        "all visible mentors", "coordinator",
        "select * from peer_mentors",
        "select * from peer_mentors where id in " + _MINE,
    ),
    Question(
        "all visible certifications", "coordinator",
        "select * from certifications",
        "select * from certifications where mentor_id in " + _MINE,
    ),
    Question(
        "all visible history", "coordinator",
        "select * from peer_mentor_status_history",
        "select * from peer_mentor_status_history where mentor_id in " + _MINE,
    ),
    Question(
        "all mentors of the organisation", "admin",
        "select * from peer_mentors",
        "select * from peer_mentors where org_id = {org}",
    ),
    Question(
        "all certifications of the organisation", "admin",
        "select * from certifications",
        "select * from certifications where mentor_id in"
        " (select id from peer_mentors where org_id = {org})",
    ),
)  # fmt: skip


def load(url: str) -> tuple[Roster, UUID]:
    """Load the roster; return it with a mentor of the coordinator in the middle of the roster."""
    roster = make_roster(_ORG, MENTORS, EXPIRED, 1, datetime.now(UTC).date())
    load_roster(url, roster, "hlf")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into peer_mentor_status_history (mentor_id, org_id, previous_status,"
            " new_status, reason, changed_at, changed_by_role) select id, org_id, 'inactive',"
            " 'active', 'welcome', now(), 'service' from peer_mentors, generate_series(1, 3)"
        )
        connection.execute("vacuum analyze")
        found = connection.execute(
            "select m.id from peer_mentors as m inner join coordinator_chapters using (chapter_id)"
            " where coordinator_id = %s and status = 'active' limit 1",
            (coordinator(roster),),
        ).fetchone()
    if found is None:
        raise RuntimeError("the coordinator has no active mentor")
    return roster, found[0]


def coordinator(roster: Roster) -> UUID:
    """The coordinator in the middle of the roster."""
    return roster.coordinators[len(roster.coordinators) // 2]


def _median(
    connection: psycopg.Connection, query: sql.Composed, user: UUID | None
) -> tuple[float, int]:
    times: list[float] = []
    rows = 0
    for _ in range(TIMES):
        with connection.transaction():
            if user is not None:
                connection.execute(
                    "select set_config('request.jwt.claims', %s, true),"
                    " set_config('role', 'authenticated', true)",
                    (json.dumps({"sub": str(user)}),),
                )
            answer = connection.execute(
                sql.SQL("explain (analyze, timing off, format json) ") + query
            ).fetchone()
        plan = (answer or ([{}],))[0][0]
        times.append(plan["Execution Time"])
        rows = plan["Plan"]["Actual Rows"]
    return statistics.median(times), int(rows)


def main(console: Console) -> None:
    """Print the table."""
    table = Table()
    for column in ("query", "who", "rows", "ms", "owner's ms", "ratio"):
        table.add_column(column, justify="left" if column in ("query", "who") else "right")
    with scratch_database() as url:
        roster, mentor = load(url)
        people = {"coordinator": coordinator(roster), "admin": roster.coordinators[0]}
        names = {
            "coordinator": sql.Literal(str(people["coordinator"])),
            "mentor": sql.Literal(str(mentor)),
            "org": sql.Literal(str(_ORG)),
        }
        with psycopg.connect(url, autocommit=True) as connection:
            for q in QUESTIONS:
                asked, rows = _median(
                    connection, sql.SQL(q.asked).format(**names), people[q.person]
                )
                owner, _ = _median(connection, sql.SQL(q.by_owner).format(**names), None)
                table.add_row(
                    q.title, q.person, str(rows), f"{asked:.2f}", f"{owner:.2f}",
                    f"{asked / owner:.1f}",
                )  # fmt: skip
            (version,) = connection.execute("show server_version").fetchone() or ("?",)
    console.print(
        f"PostgreSQL {version}, {MENTORS:,} mentors, {len(roster.coordinators):,} coordinators"
    )
    console.print(table)
