"""Finds the errored mentors of an ended run, so that a new run can take them (D7, E8)."""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from mentor_pause.database.client import Database
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import Page, Run
from mentor_pause.engine.outcomes import settle_in_database
from mentor_pause.errors import InvalidRequest
from mentor_pause.ledger.runs import Ledger

_NAMED = 11
"""One more than the missing pages that an error names."""


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
    for _ in _all_pages(ledger, run):
        pass
    return run


def errored_mentors(
    ledger: Ledger, database: Database, job_run_id: UUID, after: UUID | None
) -> Iterator[UUID]:
    """Yield the errored mentors of an ended run after an id, in id order, as its pages have them.

    Raises:
        InvalidRequest: the run or some of its pages have vanished from the ledger.
    """
    run = ledger.find_run(job_run_id)
    if run is None:
        raise InvalidRequest(f"the ledger has no run {job_run_id} any more")
    for page in _all_pages(ledger, run):
        if after is None or max(page.mentor_ids) > after:
            errored = settle_in_database(run, page, database).errored
            yield from sorted(m for m in errored if after is None or m > after)


def _all_pages(ledger: Ledger, run: Run) -> Iterator[Page]:
    """Yield all pages of an ended run, in order.

    Raises:
        InvalidRequest: some have vanished, and with them the errored mentors on them.
    """
    total, missing, expected = run.pages_total or 0, list[int](), 1
    for page in ledger.pages.read(run.job_run_id, range(1, total + 1)):
        missing += islice(range(expected, page.number), _NAMED)
        expected = page.number + 1
        yield page
    missing += islice(range(expected, total + 1), _NAMED)
    if missing:
        numbers = ", ".join(map(str, missing[: _NAMED - 1])) + (
            " and more" if missing[_NAMED - 1 :] else ""
        )
        raise InvalidRequest(
            f"run {run.job_run_id} had {run.pages_total} pages, and the ledger does not have "
            f"these any more: {numbers}; start a fresh run instead, which asks the database: "
            f"mentor-pause run {run.trigger.job_name}"
        )
