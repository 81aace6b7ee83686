"""Where a run's mentors come from: the job's listing, or whom an earlier run errored on."""

from collections.abc import Callable
from uuid import UUID

from mentor_pause.database.client import Database
from mentor_pause.domain.jobs import Job
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import Page, Run, missing_pages
from mentor_pause.engine.completion import summary_of
from mentor_pause.errors import InvalidRequest
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Retry

type Source = Callable[[UUID | None], list[UUID]]
"""Gives the next mentors behind the cursor in id order, a page at most; at the end none."""


class Sources:
    """The sources of one organisation's runs."""

    def __init__(self, database: Database, ledger: Ledger, page_size: int, retry: Retry) -> None:
        """`page_size` is in mentors."""
        self._database = database
        self._ledger = ledger
        self._page_size = page_size
        self._retry = retry

    def first_run(self, request: DispatchRequest, org_id: UUID) -> Run | None:
        """Return the run whose errored mentors are asked for; None: the request is about everybody.

        Raises:
            InvalidRequest: there is no such run, or it cannot be redriven as the request says.
        """
        wanted = request.redrive_of
        if wanted is None:
            return None
        run = self._retry(lambda: self._ledger.find_run(wanted))
        if run is None or run.firing.org_id != org_id:
            raise InvalidRequest(f"the ledger knows no run {wanted}; it keeps runs for 90 days")
        if run.firing.job_name != request.job_name:
            raise InvalidRequest(
                f"run {wanted} is of {run.firing.job_name}, not {request.job_name}"
            )
        if run.status == "running":
            raise InvalidRequest(f"run {wanted} is still in progress")
        if request.as_of not in (None, run.as_of):
            raise InvalidRequest(f"a redrive keeps the day of its run: {run.as_of}")
        self._pages_of(run)
        return run

    def _pages_of(self, run: Run) -> list[Page]:
        """Return all pages of a run that has ended.

        Raises:
            InvalidRequest: some have vanished; who errored on them nobody knows any more.
        """
        pages = self._retry(lambda: self._ledger.pages(run.job_run_id))
        if missing := missing_pages(run, pages):
            numbers = ", ".join(map(str, missing[:10])) + (" and more" if missing[10:] else "")
            raise InvalidRequest(
                f"run {run.job_run_id} had {run.pages_total} pages, and the ledger does not have "
                f"these any more: {numbers}; start a fresh run instead, which asks the database: "
                f"mentor-pause run {run.firing.job_name}"
            )
        return pages

    def of(self, job: Job, run: Run) -> Source:
        """Return the source of a run's mentors."""
        size = min(self._page_size, job.longest_page)
        if run.firing.redrive_of is not None:
            return self._errored_of(run.firing.redrive_of, size)
        return lambda after: self._retry(
            lambda: self._database.list_mentors(
                job.listing, run.firing.org_id, run.as_of, after, size
            )
        )

    def _errored_of(self, job_run_id: UUID, size: int) -> Source:
        first = self._retry(lambda: self._ledger.find_run(job_run_id))
        if first is None:
            raise InvalidRequest(f"the ledger knows no run {job_run_id} any more")
        pages = self._pages_of(first)
        errored = sorted(summary_of(first, pages, self._database, self._retry).errored)
        return lambda after: [m for m in errored if after is None or m > after][:size]
