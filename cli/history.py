"""Shows what ran."""

from uuid import UUID

from cli.output import machine
from cli.runs import find_run, read_summary
from cli.show.runs import show_history, show_pages, show_run
from cli.stacks import Stack


def show_newest(stack: Stack, limit: int, *, as_json: bool) -> None:
    """Show the newest attempts to run a job."""
    with stack.database() as database:
        rows = database.list_executions(stack.org_id, limit)
    if as_json:
        machine([row.model_dump() for row in rows])
    else:
        show_history(rows)


def show_one(stack: Stack, job_run_id: UUID, *, as_json: bool) -> None:
    """Show one run with its pages.

    Raises:
        StackError: the ledger does not know it.
    """
    run = find_run(stack, job_run_id)
    summary, pages = read_summary(stack, run)
    if not as_json:
        show_run(run, summary, stack.command(f"runs {job_run_id} --json"))
        show_pages(pages, run.effect)
        return
    told = {
        "job_name": run.firing.job_name,
        "dry_run": run.firing.dry_run,
        "as_of": run.as_of,
        "status": run.status,
        "error": run.error,
        "trouble": run.trouble,
        "redrive_of": run.firing.redrive_of,
        "pages": [
            {"page": p.number, "mentors": len(p.mentor_ids), "closed_at": p.closed_at}
            for p in pages
        ],
    }
    machine(summary.as_json() | told)
