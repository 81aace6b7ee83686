"""Reads plans, approves them, and explains single mentors (G1, G4, G6)."""

from dataclasses import dataclass
from uuid import UUID

from api import problems
from api.authentication import Caller
from api.plan_models import ApprovePlan, PlannedMentor, PlanPage, Story
from api.visibility import Role, visible_approval
from mentor_pause.database.client import Database, Execution
from mentor_pause.database.plan_results import Approval
from mentor_pause.errors import DatabaseError, Forbidden, NotFound


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of one organisation."""

    org_id: UUID
    database: Database

    def read(
        self, job_run_id: UUID, caller: Caller, role: Role, after: UUID | None, limit: int
    ) -> PlanPage | None:
        """Return a run's plan with the mentors whom the caller may see; None: it has no plan."""
        plan = self.database.get_plan(self.org_id, job_run_id)
        if plan is None:
            return None
        entries = self.database.list_plan(self.org_id, job_run_id, caller.user_id, after, limit)
        return PlanPage(
            **plan.model_dump(exclude={"approved_by", "approved_at", "approval_note"}),
            approval=visible_approval(caller, role, plan),
            mentors=[PlannedMentor(**entry.model_dump()) for entry in entries],
            next_after=entries[-1].mentor_id if len(entries) == limit else None,
        )

    def approve(self, job_run_id: UUID, wanted: ApprovePlan, caller: Caller) -> Approval:
        """Approve the held mentors of a run's plan; a repeated approval returns the first one.

        Raises:
            RequestProblem: the plan cannot be approved, or not by this caller.
        """
        if self.database.get_plan(self.org_id, job_run_id) is None:
            raise problems.unknown_plan(job_run_id)
        try:
            return self.database.approve_plan(
                job_run_id, wanted.plan_hash, wanted.note, caller.name
            )
        except DatabaseError as error:
            raise _problem_of(error, job_run_id) from None

    def explain(self, mentor_id: UUID, caller: Caller) -> Story:
        """Return why a mentor is, or is not, paused.

        Raises:
            RequestProblem: the caller may not see the mentor, or there is no such mentor.
        """
        if caller.user_id is None:
            raise problems.permission_denied("machines see no single mentor")
        try:
            story = self.database.explain_mentor(mentor_id, self.org_id, caller.user_id)
        except (Forbidden, NotFound):
            raise problems.not_your_mentor() from None
        return Story.model_validate(story)


def _problem_of(error: DatabaseError, job_run_id: UUID) -> Exception:
    """Return the problem that `approve_plan` raised; the error itself if it is another one."""
    if error.sqlstate == "22023":
        return problems.invalid_request("body.note: write 3 to 500 printable characters")
    known = {
        "run_not_found": problems.unknown_plan(job_run_id),
        "not_an_administrator": problems.permission_denied(problems.ADMINISTRATORS_ONLY),
        "own_run": problems.own_run(),
        "nothing_held": problems.nothing_held(),
        "plan_changed": problems.plan_changed(error.detail or "there is a newer plan"),
    }
    return known.get(error.hint or "", error)


def why_not_withdrawable(row: Execution) -> str | None:
    """Return why a run has no pauses to take back; None: it may be withdrawn."""
    if row.job_name != "certification_expiry" or row.dry_run:
        return "only a certification expiry run that is not a dry run pauses mentors"
    if row.status == "running":
        return "the run is in progress; withdraw it when it has ended"
    if row.status not in ("completed", "failed"):
        return "the run never began"
    return None
