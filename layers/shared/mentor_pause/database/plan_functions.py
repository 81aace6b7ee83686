"""The database functions about plans, approvals and single mentors' stories (G1 to G7)."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from mentor_pause.database.calls import WHEN_USED, DatabaseCalls, Result, read_value
from mentor_pause.database.plan_results import (
    Approval,
    BrakeFigures,
    Plan,
    PlanEntry,
    PlannedMentor,
    PlanState,
    PlanSummary,
)
from mentor_pause.database.transport import Row

_STORY: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any], config=WHEN_USED)


class _Night(Result):
    as_of: date


@dataclass(frozen=True, slots=True)
class PlanFunctions(DatabaseCalls):
    """One method for each function."""

    def make_plan(self, job_run_id: UUID, limit: int) -> PlanState:
        """Write down the plan of the run's next mentors, at most `limit`; repeat until it is whole.

        Raises:
            NotFound: the log has no such run.
        """
        return self.call("make_plan", PlanState.read_only, p_job_run_id=job_run_id, p_limit=limit)

    def plan_certification_expiry(
        self, org_id: UUID, as_of: date, after: UUID | None = None
    ) -> list[PlannedMentor]:
        """Return the mentors of the plan for a day as it would be now, in id order (G1).

        The REST interface returns at most 1,000 rows of any answer, and does not say so. With
        `after`, the last mentor of an answer, the next call continues.
        """
        return self.call(
            "plan_certification_expiry",
            PlannedMentor.read_all,
            p_org_id=org_id,
            p_as_of=as_of,
            p_after=after,
        )

    def summarise_plan(self, org_id: UUID, as_of: date) -> PlanSummary:
        """Return the hash and the counts of the plan for a day as it would be now."""
        return self.call("summarise_plan", PlanSummary.read_only, p_org_id=org_id, p_as_of=as_of)

    def get_plan(self, org_id: UUID, job_run_id: UUID) -> Plan | None:
        """Return the plan of a run; None: it has none, or the plan is not whole."""
        return self.call(
            "get_plan",
            lambda rows: Plan.read_only(rows) if rows else None,
            p_org_id=org_id,
            p_job_run_id=job_run_id,
        )

    def list_plan(
        self, org_id: UUID, job_run_id: UUID, user_id: UUID | None, after: UUID | None, limit: int
    ) -> list[PlanEntry]:
        """Return up to `limit` mentors of a run's plan after `after`, in id order.

        `user_id` is the person who asks, and sees their own mentors; None: all mentors.
        """
        return self.call(
            "list_plan",
            PlanEntry.read_all,
            p_org_id=org_id,
            p_job_run_id=job_run_id,
            p_user_id=user_id,
            p_after=after,
            p_limit=limit,
        )

    def approve_plan(self, job_run_id: UUID, plan_hash: str, note: str, approver: str) -> Approval:
        """Approve the held mentors of a run's plan, for exactly this hash (G4).

        Returns:
            The approval; the first one, if the plan is approved already.

        Raises:
            Conflict: there is a newer plan, or another hash; the detail says what has changed.
            Forbidden: the approver is no administrator, or asked for the run.
            NotFound: there is no such plan.
            DatabaseError: the note is missing or too long.
        """
        return self.call(
            "approve_plan",
            Approval.read_only,
            p_job_run_id=job_run_id,
            p_plan_hash=plan_hash,
            p_note=note,
            p_approver=approver,
        )

    def explain_mentor(
        self, mentor_id: UUID, org_id: UUID, user_id: UUID | None = None
    ) -> dict[str, Any]:
        """Return why a mentor is, or is not, paused (G6), as `explain_mentor` describes it.

        `user_id` is the person who asks; None: the operator.

        Raises:
            NotFound: the organisation has no such mentor.
            Forbidden: the person may not see the mentor, or the mentor does not exist.
        """
        return self.call(
            "explain_mentor",
            _read_story,
            p_mentor_id=mentor_id,
            p_org_id=org_id,
            p_user_id=user_id,
        )

    def get_brake_figures(self, org_id: UUID, as_of: date) -> BrakeFigures:
        """Return who is held now, and how many pauses of the night of `as_of` were unforeseen."""
        return self.call(
            "get_brake_figures", BrakeFigures.read_only, p_org_id=org_id, p_as_of=as_of
        )

    def list_missed_nights(self, org_id: UUID, as_of: date) -> list[date]:
        """Return the days of the last 30 without a completed expiry run, newest first (G7)."""
        nights = self.call("list_missed_nights", _Night.read_all, p_org_id=org_id, p_as_of=as_of)
        return [night.as_of for night in nights]


def _read_story(rows: list[Row]) -> dict[str, Any]:
    return read_value(_STORY, rows)
