"""Calls the product's database functions, each as the role that calls it in production."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from histories.oracle import Run
from support.roster import ORG

type Row = dict[str, Any]

_EACH: LiteralString = """
    select m.id, s.story->'rule'->>'outcome' as outcome, s.story->>'answer' as answer,
        u.outcome as transition
    from peer_mentors as m
    cross join lateral explain_mentor(m.id, m.org_id) as s (story)
    cross join lateral update_mentor_status(
        m.id, m.org_id, 'paused', 'certification_expired', gen_random_uuid(), %s, null, true
    ) as u
    where m.org_id = %s order by m.id
"""


class Product:
    """The database functions on one connection, whose transaction is never committed."""

    def __init__(self, db: psycopg.Connection) -> None:
        """`db` is the owner's connection."""
        self.db = db
        self._cursor = db.cursor(row_factory=dict_row)

    def rows(self, query: LiteralString, *values: object) -> list[Row]:
        """Run a query as the owner."""
        return self._cursor.execute(query, values).fetchall()

    def execute(self, query: LiteralString, *values: object) -> None:
        """Run a statement as the owner."""
        self._cursor.execute(query, values)

    def call(self, function: str, role: str = "mentor_pause_job", **arguments: object) -> list[Row]:
        """Call a function as a role.

        Raises:
            psycopg.Error: the function has refused; the transaction goes on.
        """
        query = sql.SQL("select * from public.{}({})").format(
            sql.Identifier(function),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Placeholder())
                for name in arguments
            ),
        )
        with self._as(role):
            return self._cursor.execute(query, list(arguments.values())).fetchall()

    @contextmanager
    def _as(self, role: str) -> Generator[None]:
        """Take a role, for one call that may fail; a person's role is "person USER"."""
        name, _, user = role.partition(" ")
        role, claims = ("authenticated", f'{{"sub": "{user}"}}') if user else (name, "")
        with self.db.transaction():
            self._cursor.execute(
                "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                (role, claims),
            )
            yield
            self._cursor.execute("reset role")

    def begin(self, run: Run) -> date:
        """Write a run's row; return its day."""
        is_withdrawal = run.withdraws is not None
        source = run.plan_of and run.plan_of.id
        (row,) = self.call(
            "begin_execution",
            job_name="withdrawal" if is_withdrawal else "certification_expiry",
            job_run_id=run.id,
            org_id=ORG,
            trigger="schedule" if run.triggered_by == "rule" else "manual",
            triggered_by=run.triggered_by,
            status="running",
            as_of=run.as_of,
            dry_run=run.is_dry,
            redrive_of=None if run.is_release else source,
            releases=source if run.is_release else None,
            withdraws=run.withdraws and run.withdraws.id,
        )
        return row["as_of"]

    def pause(self, mentor: UUID, run: Run, as_of: date, *, is_dry: bool = False) -> str:
        """Let a run pause a mentor; return the outcome."""
        return self._transition(mentor, "paused", "certification_expired", run, as_of, is_dry)

    def resume(self, mentor: UUID, run: Run, *, is_dry: bool = False) -> str:
        """Let a withdrawal resume a mentor; return the outcome."""
        return self._transition(mentor, "active", "pause_withdrawn", run, run.as_of, is_dry)

    def _transition(
        self, mentor: UUID, status: str, reason: str, run: Run, as_of: date, is_dry: bool
    ) -> str:
        (row,) = self.call(
            "update_mentor_status",
            mentor_id=mentor,
            org_id=ORG,
            status=status,
            reason=reason,
            job_run_id=run.id,
            as_of=as_of,
            dry_run=is_dry,
        )
        return row["outcome"]

    def listed(self, run: Run, size: int) -> list[UUID]:
        """Return the mentors whom a run has to process, page by page."""
        found: list[UUID] = []
        function, about = "list_planned_mentors", run.id
        if run.withdraws is not None:
            function, about = "list_run_pauses", run.withdraws.id
        while True:
            after = found[-1] if found else None
            page = self.call(function, job_run_id=about, after=after, limit=size)
            found += [row["mentor_id"] for row in page]
            if len(page) < size:
                return found

    def finish(self, run: Run, processed: int) -> None:
        """Close a run's row."""
        self.call(
            "finish_execution", job_run_id=run.id, status="completed", processed_count=processed,
            paused_count=0, skipped_count=processed, error_count=0,
        )  # fmt: skip

    def stories(self, today: date) -> list[Row]:
        """Return what `explain_mentor` and a dry run of the transition say of each mentor."""
        return self.rows(_EACH, today, ORG)

    def states(self) -> dict[UUID, tuple[str, int]]:
        """Return status and version of each mentor, in id order."""
        found = self.rows("select id, status, version from peer_mentors order by id")
        return {row["id"]: (row["status"], row["version"]) for row in found}

    def history(self) -> list[Row]:
        """Return the changes of status, oldest first."""
        return self.rows("select * from peer_mentor_status_history order by id")
