"""Finds the errored mentors of an ended run, so that a new run can take them (D7, E8)."""

from uuid import UUID

from mentor_pause.database.client import Database
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import Page, Run, missing_pages
from mentor_pause.engine.completion import summary_of
from mentor_pause.errors import InvalidRequest
from mentor_pause.ledger.runs import Ledger


def run_to_redrive(ledger: Ledger, wanted: UUID, request: DispatchRequest, org_id: UUID) -> Run:
    """Return the ended run that a request redrives.

    Raises:
        InvalidRequest: there is no such run, or it cannot be redriven as the request says.
    """
    run = ledger.find_run(wanted)
    if run is None or run.trigger.org_id != org_id:
        raise InvalidRequest(f"the ledger has no run {wanted}; it keeps runs for 90 days")
    if run.trigger.job_name != request.job_name:
        raise InvalidRequest(f"run {wanted} is of {run.trigger.job_name}, not {request.job_name}")
    if run.status == "running":
        raise InvalidRequest(f"run {wanted} is still in progress")
    if request.as_of not in (None, run.as_of):
        raise InvalidRequest(f"a redrive keeps the day of its run: {run.as_of}")
    _all_pages(ledger, run)
    return run


def errored_mentors(ledger: Ledger, database: Database, job_run_id: UUID) -> list[UUID]:
    """Return the errored mentors of an ended run, in id order.

    Raises:
        InvalidRequest: the run or some of its pages have vanished from the ledger.
    """
    run = ledger.find_run(job_run_id)
    if run is None:
        raise InvalidRequest(f"the ledger has no run {job_run_id} any more")
    pages = _all_pages(ledger, run)
    return sorted(summary_of(run, pages, database).errored)


def _all_pages(ledger: Ledger, run: Run) -> list[Page]:
    """Return all pages of an ended run.

    Raises:
        InvalidRequest: some have vanished, and with them the errored mentors on them.
    """
    pages = ledger.pages.list(run.job_run_id)
    if missing := missing_pages(run, pages):
        numbers = ", ".join(map(str, missing[:10])) + (" and more" if missing[10:] else "")
        raise InvalidRequest(
            f"run {run.job_run_id} had {run.pages_total} pages, and the ledger does not have "
            f"these any more: {numbers}; start a fresh run instead, which asks the database: "
            f"mentor-pause run {run.trigger.job_name}"
        )
    return pages
