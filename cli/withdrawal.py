"""Withdraws a run: resumes those of its mentors who are valid again (G5)."""

from uuid import UUID

from cli.failures import NotInOrder
from cli.runs import request
from cli.stacks import Stack
from cli.start import start

_JOB = "withdrawal"


def withdraw(stack: Stack, job_run_id: UUID, *, dry_run: bool, wait: bool, as_json: bool) -> None:
    """Start the withdrawal of a run; a dry run is its preview.

    Raises:
        NotInOrder: the run cannot be withdrawn, or another run is in progress.
        Interrupted: the user pressed Ctrl-C; the message says what continues.
    """
    event = request(_JOB, None, dry_run=dry_run) | {"withdraws": str(job_run_id)}
    try:
        start(stack, event, wait=wait, as_json=as_json)
    except NotInOrder as error:
        if error.details.get("status") != "failed":
            raise
        raise NotInOrder(f"run {job_run_id} was not withdrawn: {error}", **error.details) from error
