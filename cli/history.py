"""Shows what ran."""

import sys
from uuid import UUID

from cli.failures import NotInOrder
from cli.output import machine
from cli.runs import find_logged, read_summary
from cli.show.runs import show_history, show_logged, show_pages, show_run
from cli.stacks import Stack
from mentor_pause.database.client import Execution


def show_newest(stack: Stack, limit: int, *, as_json: bool) -> None:
    """Show the newest attempts to run a job."""
    with stack.database() as database:
        rows = database.list_executions(stack.org_id, limit)
    if as_json:
        machine([row.model_dump() for row in rows])
    else:
        show_history(rows)


def show_one(stack: Stack, job_run_id: UUID, *, as_json: bool) -> None:
    """Show one run with its pages, or its row of the log if the ledger does not know it.

    Raises:
        StackError: the log does not know it either.
    """
    run = stack.ledger().find_run(job_run_id)
    if run is None:
        _show_row(find_logged(stack, job_run_id), as_json=as_json)
        return
    summary, pages = read_summary(stack, run)
    if not as_json:
        show_run(run, summary, stack.command(f"runs {job_run_id} --json"))
        show_pages(pages, run.effect)
        return
    document = {
        "job_name": run.trigger.job_name,
        "dry_run": run.trigger.dry_run,
        "as_of": run.as_of,
        "status": run.status,
        "error": run.error,
        "wait_reason": run.wait_reason,
        "redrive_of": run.trigger.redrive_of,
        "pages": [
            {"page": p.number, "mentors": len(p.mentor_ids), "closed_at": p.closed_at}
            for p in pages
        ],
    }
    machine(summary.as_json() | document)


def show_end(stack: Stack, job_run_id: UUID, *, as_json: bool) -> None:
    """Show how a run ended that the ledger does not know; exit code 1 unless it is in order.

    Raises:
        NotInOrder: by the log it goes on.
        StackError: the log does not know it either.
    """
    row = find_logged(stack, job_run_id)
    if row.status == "running":
        raise NotInOrder(
            f"run {job_run_id} goes on by the execution log, and the ledger does not have it, so"
            f" there is nothing to follow; the monitor ends such runs: {stack.command('monitor')}",
            job_run_id=str(job_run_id),
            status=row.status,
        )
    _show_row(row, as_json=as_json)
    if row.status != "completed" or row.error_count:
        sys.exit(1)


def _show_row(row: Execution, *, as_json: bool) -> None:
    why = (
        "the ledger has no pages of it: the run failed before it had any, or the ledger lost it"
        if row.status in ("running", "completed", "failed")
        else "it has no pages: it never began"
    )
    if as_json:
        machine({**row.model_dump(), "pages": (), "no_pages": why})
    else:
        show_logged(row, why)
