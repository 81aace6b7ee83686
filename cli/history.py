"""Shows the newest runs, or one run."""

import sys
from uuid import UUID

from cli.failures import NotInOrder
from cli.output import machine, say
from cli.runs import NO_RIGHT, find_logged, list_held, read_plan, read_summary
from cli.show.plans import list_mentors, show_plan_of
from cli.show.runs import show_history, show_logged, show_pages, show_run
from cli.stacks import Stack
from mentor_pause.database.client import Execution
from mentor_pause.errors import DatabaseMisconfigured


def show_newest(stack: Stack, limit: int, *, as_json: bool) -> None:
    """Show the newest runs, and the requests for runs that were refused."""
    with stack.database() as database:
        rows = database.list_executions(stack.org_id, limit)
    if as_json:
        machine([row.model_dump() for row in rows])
    else:
        show_history(rows)


def show_one(stack: Stack, job_run_id: UUID, *, as_json: bool) -> None:
    """Show one run with its pages, or its row of the execution log if the ledger has no such run.

    Raises:
        StackError: the execution log has no such run either.
    """
    run = stack.ledger().find_run(job_run_id)
    if run is None:
        _show_row(find_logged(stack, job_run_id), as_json=as_json)
        return
    summary, pages = read_summary(stack, run)
    plan = read_plan(stack, run)
    has_held = plan is not None and plan.job_run_id == job_run_id and plan.held_count > 0
    held = _held(stack, job_run_id) if has_held else []
    if not as_json:
        more = stack.command(f"runs {job_run_id} --json")
        show_run(run, summary, more)
        show_pages(pages, run.effect)
        if held:
            list_mentors("held:", held, more)
        show_plan_of(run, plan, stack.command)
        return
    details = {
        "job_name": run.trigger.job_name,
        "dry_run": run.trigger.dry_run,
        "as_of": run.as_of,
        "status": run.status,
        "error": run.error,
        "wait_reason": run.wait_reason,
        "redrive_of": run.trigger.redrive_of,
        "releases": run.trigger.releases,
        "withdraws": run.trigger.withdraws,
        "plan": plan and plan.model_dump(),
        "mentor_ids_held": held,
        "pages": [
            {"page": p.number, "mentors": len(p.mentor_ids), "closed_at": p.closed_at}
            for p in pages
        ],
    }
    machine(summary.as_json() | details)


def _held(stack: Stack, job_run_id: UUID) -> list[UUID]:
    """Return the mentors whom a run's plan holds; none if the role may not list them."""
    try:
        return list_held(stack, job_run_id)
    except DatabaseMisconfigured as error:
        if error.sqlstate != NO_RIGHT:
            raise
        say(f"the list of held mentors is left out, because {error}")
        return []


def show_end(stack: Stack, job_run_id: UUID, *, as_json: bool) -> None:
    """Show the end of a run that the ledger does not have; exit code 1 unless it had no errors.

    Raises:
        NotInOrder: the execution log says that the run is in progress.
        StackError: the execution log has no such run either.
    """
    row = find_logged(stack, job_run_id)
    if row.status == "running":
        raise NotInOrder(
            f"the execution log says that run {job_run_id} is in progress, but the ledger does not"
            f" have it; the monitor ends such runs: {stack.command('monitor')}",
            job_run_id=str(job_run_id),
            status=row.status,
        )
    _show_row(row, as_json=as_json)
    if row.status != "completed" or row.error_count:
        sys.exit(1)


def _show_row(row: Execution, *, as_json: bool) -> None:
    why = (
        "the ledger has no pages of this run: it failed before its first page, or the ledger was"
        " emptied"
        if row.status in ("running", "completed", "failed")
        else "the run has no pages, because it was not started"
    )
    if as_json:
        machine({**row.model_dump(), "pages": (), "no_pages": why})
    else:
        show_logged(row, why)
