"""The routes about plans, approvals, withdrawals and single mentors (G1, G4, G5, G6)."""

from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from api import problems
from api.answers import problem_of, responses
from api.authorized import request_of
from api.models import Approval, StartedRun
from api.plan_models import ApprovePlan, PlanPage, ReleasedPlan, Story, WithdrawRun
from api.plans import why_not_withdrawable

router = Router()

_RUNS = ".."
"""The address of all runs, relative to a route of one run: it works with any prefix."""


@router.get(
    "/runs/<job_run_id>/plan", summary="Show a run's plan", responses=responses(200, PlanPage, 404)
)
def get_plan(
    job_run_id: UUID,
    after: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> PlanPage:
    """Return a run's plan and one page of its mentors; also of a dry run."""
    request = request_of(router)
    plan = request.plans.read(job_run_id, request.caller, request.role, after, limit)
    if plan is None:
        raise problems.unknown_plan(job_run_id)
    return plan


@router.post(
    "/runs/<job_run_id>/approval",
    summary="Approve a run's plan",
    status_code=202,
    responses=responses(202, ReleasedPlan, 404, 409, 415),
)
def approve_plan(
    job_run_id: UUID, wanted: Annotated[ApprovePlan, Body()]
) -> Response[ReleasedPlan]:
    """Approve the held mentors of a run's plan, and start the run that pauses them.

    The request may be repeated: the first approval counts, and there is one such run.
    """
    request = request_of(router)
    request.assert_administrator()
    approval = request.plans.approve(job_run_id, wanted, request.caller)
    result = request.runs.release(job_run_id, request.caller)
    if result.outcome != "started":
        raise problem_of(result, _RUNS, is_approved=True)
    return Response(
        202,
        content_types.APPLICATION_JSON,
        ReleasedPlan(
            job_run_id=result.job_run_id,
            status=result.status,
            plan_hash=approval.plan_hash,
            approval=Approval(
                approved_by=approval.approved_by,
                approved_at=approval.approved_at,
                note=approval.note,
            ),
            held_count=approval.held_count,
            changed_count=approval.changed_count,
            mentor_ids_changed=approval.mentor_ids_changed,
        ),
        {"Location": f"{_RUNS}/{result.job_run_id}"},
    )


@router.post(
    "/runs/<job_run_id>/withdrawal",
    summary="Withdraw a run",
    status_code=202,
    responses=responses(202, StartedRun, 404, 409, 415),
)
def withdraw_run(job_run_id: UUID, options: Annotated[WithdrawRun, Body()]) -> Response[StartedRun]:
    """Start a run that resumes the mentors whom another run paused and who are valid now."""
    request = request_of(router)
    request.assert_administrator()
    row = request.runs.find_row(job_run_id)
    if row is None:
        raise problems.unknown_run(job_run_id)
    reason = why_not_withdrawable(row)
    if reason is not None:
        raise problems.not_withdrawable(reason)
    result = request.runs.withdraw(job_run_id, request.caller, dry_run=options.dry_run)
    if result.outcome != "started":
        raise problem_of(result, _RUNS)
    return Response(
        202,
        content_types.APPLICATION_JSON,
        StartedRun(job_run_id=result.job_run_id, status=result.status),
        {"Location": f"{_RUNS}/{result.job_run_id}"},
    )


@router.get(
    "/mentors/<mentor_id>/why",
    summary="Explain a mentor's status",
    responses=responses(200, Story, 404),
)
def explain_mentor(mentor_id: UUID) -> Story:
    """Return why a mentor is, or is not, paused; for people who may see the mentor."""
    request = request_of(router)
    return request.plans.explain(mentor_id, request.caller)
