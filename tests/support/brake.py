"""Plans, brake and approvals in the database, called as the job and as operators do."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from support.roster import ORG, TODAY, Records, Roster

type Row = dict[str, Any]


class Brake:
    """One organisation's brake, for tests that call the functions themselves."""

    def __init__(self, records: Records) -> None:
        """`records` reads and writes as the owner."""
        self.records = records

    def set(self, mode: Literal["watch", "hold", "off"], count: int = 10, percent: int = 5) -> None:
        """Choose the mode and the limits."""
        self.records.db.execute(
            "insert into organisation_settings (org_id, brake_mode, brake_count, brake_percent)"
            " values (%s, %s, %s, %s) on conflict (org_id) do update set"
            " brake_mode = excluded.brake_mode, brake_count = excluded.brake_count,"
            " brake_percent = excluded.brake_percent",
            (ORG, mode, count, percent),
        )

    def warn(
        self, mentors: Sequence[UUID], days_before: int = 30, *, day: date = TODAY
    ) -> list[UUID]:
        """Warn mentors of their latest date, so many days before `day`."""
        with self.records.db.cursor() as cursor:
            cursor.executemany(
                "insert into warnings (mentor_id, expires_on, stage, warned_on)"
                " select mentor_id, max(expires_on), 30, %s from certifications"
                " where mentor_id = %s group by mentor_id",
                [(day - timedelta(days_before), mentor) for mentor in mentors],
            )
        return list(mentors)

    def night(self, unforeseen: int = 11, warned: int = 3) -> tuple[list[UUID], list[UUID]]:
        """Add mentors who were not warned, and mentors who were."""
        roster = Roster(self.records.db)
        return roster.add_mentors(unforeseen), self.warn(roster.add_mentors(warned))

    def begin(
        self,
        *,
        run: UUID | None = None,
        day: date = TODAY,
        by: str = "schedule",
        dry_run: bool = False,
        redrive_of: UUID | None = None,
        releases: UUID | None = None,
    ) -> UUID:
        """Write the row of an expiry run; return its id."""
        run = run or uuid4()
        self.records.rows(
            "select * from begin_execution('certification_expiry', %s, %s, %s, %s, 'running', %s,"
            " %s, p_redrive_of => %s, p_releases => %s)",
            run, ORG, "schedule" if by == "schedule" else "manual", by, day, dry_run, redrive_of,
            releases,
        )  # fmt: skip
        return run

    def plan(self, run: UUID, limit: int = 20000) -> Row:
        """Make the whole plan of a run that has begun, and return its state."""
        state: Row = {"is_whole": False}
        while not state["is_whole"]:
            (state,) = self.records.rows("select * from make_plan(%s, %s)", run, limit)
        return state

    def entries(self, run: UUID) -> dict[UUID, Row]:
        """Return the entries of a run's plan by mentor."""
        rows = self.records.rows("select * from plan_mentors where job_run_id = %s", run)
        return {row["mentor_id"]: row for row in rows}

    def live(self, day: date = TODAY) -> dict[UUID, Row]:
        """Return the plan for a day as it would be now, by mentor."""
        rows = self.records.rows("select * from plan_certification_expiry(%s, %s)", ORG, day)
        return {row["mentor_id"]: row for row in rows}

    def listed(self, run: UUID) -> list[UUID]:
        """Return whom the run is to pause."""
        rows = self.records.rows("select * from list_planned_mentors(%s, null, 1000)", run)
        return [row["mentor_id"] for row in rows]

    def approve(
        self,
        run: UUID,
        plan_hash: str,
        *,
        by: str = "an operator",
        note: str | None = "checked with HLF",
    ) -> Row:
        """Approve a plan as an operator."""
        (row,) = self.records.rows(
            "select * from approve_plan(%s, %s, %s, %s)", run, plan_hash, note, by
        )
        return row

    def finish(self, run: UUID) -> Row:
        """End the row of a run, with counts of zero."""
        (row,) = self.records.rows(
            "select * from finish_execution(%s, 'completed', 0, 0, 0, 0)", run
        )
        return row
