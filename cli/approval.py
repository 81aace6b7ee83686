"""Approves a held plan, and asks for the run that releases its mentors (G4)."""

from typing import Any
from uuid import UUID

from cli.failures import NotInOrder
from cli.output import result
from cli.runs import request, requester
from cli.show.moments import when
from cli.show.plans import approve_words, list_mentors
from cli.stacks import Stack
from cli.start import ask, attach, show_started
from local.errors import StackError
from mentor_pause.database.client import Database
from mentor_pause.database.plan_results import Approval
from mentor_pause.engine.release import release_trigger
from mentor_pause.errors import Conflict, Forbidden, InvalidRequest, NotFound


def approve(
    stack: Stack, job_run_id: UUID, plan_hash: str, note: str, *, wait: bool, as_json: bool
) -> None:
    """Approve the plan of a run, and start or join the run that releases its held mentors.

    The database keeps the first approval, and the release's id follows from the plan's run. So a
    command that died between the two can be repeated, and never starts a second release.

    Raises:
        NotInOrder: the plan may not be approved, or the release did not start.
        StackError: there is no such plan.
        Interrupted: the user pressed Ctrl-C; the message says what continues.
    """
    with stack.database() as database:
        approval = approve_plan(stack, database, job_run_id, plan_hash, note)
        event = release_request(stack, database, job_run_id)
    again = stack.command(approve_words(job_run_id, approval.plan_hash))
    if not as_json:
        _show(approval)
        _show_changed(approval, f"{again} --json")
    try:
        release = ask(stack, event, accepted=("running", "completed", "duplicate"))
    except NotInOrder as error:
        raise NotInOrder(
            f"{error}. The approval is kept; to go on, repeat: {again}", **error.details
        ) from error
    if wait or as_json:
        attach(stack, release, as_json=as_json, more={"approval": approval.model_dump()})
    else:
        show_started(stack, release)


def approve_plan(
    stack: Stack, database: Database, job_run_id: UUID, plan_hash: str, note: str
) -> Approval:
    """Approve a plan, or return its first approval.

    Raises:
        NotInOrder: the plan may not be approved; the sentence has the next command.
        StackError: there is no such plan.
    """
    try:
        return database.approve_plan(job_run_id, plan_hash, note, requester())
    except NotFound as error:
        raise StackError(
            f"{error}: {error.detail}; list the runs with: {stack.command('runs')}"
        ) from error
    except Forbidden as error:
        if error.hint != "own_run":
            raise
        words = stack.command(approve_words(job_run_id, plan_hash))
        raise NotInOrder(f"{error}; ask another operator to type: {words}") from error
    except Conflict as error:
        step = _step_after(stack, database, job_run_id, error)
        raise NotInOrder(f"{error}: {error.detail}; {step}") from error


def _step_after(stack: Stack, database: Database, job_run_id: UUID, error: Conflict) -> str:
    """Return the next step after a plan was refused because of its state."""
    if error.hint == "nothing_held":
        return f"see the run with: {stack.command(f'runs {job_run_id}')}"
    scope = database.assert_org_scope(stack.org_id, stack.outputs["HlfOrgSlug"])
    held = database.get_brake_figures(stack.org_id, scope.today)
    if held.held_by is None or held.plan_hash is None:
        return f"nobody is held now; see: {stack.command('last-night')}"
    look = stack.command(f"runs {held.held_by}")
    words = stack.command(approve_words(held.held_by, held.plan_hash))
    return f"see whom it holds with: {look}; if it is right: {words}"


def release_request(stack: Stack, database: Database, job_run_id: UUID) -> dict[str, Any]:
    """Return the dispatcher's event for the run that releases held mentors.

    Raises:
        NotInOrder: the release has failed too often.
    """
    try:
        trigger_id = release_trigger(
            lambda run: database.get_execution(stack.org_id, run), stack.org_id, job_run_id
        )
    except InvalidRequest as error:
        raise NotInOrder(f"{error}; see: {stack.command('runs')}") from error
    event = request("certification_expiry", None, dry_run=False)
    return event | {"trigger_id": trigger_id, "releases": str(job_run_id)}


def _show(approval: Approval) -> None:
    """Show an approval."""
    if approval.approved_by == requester():
        result(
            f"approved the plan of run {approval.job_run_id}: {approval.held_count} held mentors"
        )
    else:
        result(
            f"the plan of run {approval.job_run_id} was approved already, by"
            f" {approval.approved_by}, {when(approval.approved_at)} UTC: {approval.note}"
        )


def _show_changed(approval: Approval, more: str) -> None:
    """Show the mentors whom the release does not pause."""
    if approval.changed_count:
        heading = (
            f"of these, {approval.changed_count} changed after the plan was made, and will not be"
            " paused:"
        )
        list_mentors(heading, approval.mentor_ids_changed, more)
