"""Lists a run's mentors and sends them to the job's queue, page by page (D3, D7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched
from uuid import UUID

from dispatcher.redrive import errored_mentors
from mentor_pause.aws.queues import BATCH, PageQueues
from mentor_pause.database.client import Database
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import Run
from mentor_pause.ledger.lock import Lock
from mentor_pause.ledger.runs import Ledger


@dataclass(frozen=True, slots=True)
class Paging:
    """Plans each page in the ledger before it sends the page's message."""

    ledger: Ledger
    database: Database
    queues: PageQueues
    page_size: int
    """Mentors on a page; a job may allow fewer."""

    def __call__(self, lock: Lock, run: Run) -> Run:
        """Send the run's pages from its cursor to the end; return the run with all its pages.

        Raises:
            LeaseLost: the lock has another holder.
            TransientError: a service is away; paging can be resumed.
            InvalidRequest: the pages of the run to redrive have vanished.
        """
        if run.pages_total is not None:
            return run
        number = run.pages_planned
        for pages in batched(self._pages(lock, run), BATCH, strict=False):
            self.queues.send(run.trigger.job_name, pages)
            number = pages[-1].page
            self.ledger.mark_sent(run.job_run_id, number)
        return self.ledger.end_paging(lock, run.job_run_id, number)

    def _pages(self, lock: Lock, run: Run) -> Iterator[MentorPage]:
        """Yield the planned pages that may not have been sent, then new pages."""
        for number in range(run.pages_sent + 1, run.pages_planned + 1):
            if (page := self.ledger.pages.find(run.job_run_id, number)) is not None:
                yield _message(run, number, page.mentor_ids)
        for number, mentors in enumerate(self._mentors(run), run.pages_planned + 1):
            self.ledger.plan_page(lock, number, mentors)
            yield _message(run, number, tuple(mentors))

    def _mentors(self, run: Run) -> Iterator[list[UUID]]:
        """Yield the mentors after the run's cursor, one page at a time, in id order."""
        job = JOBS[run.trigger.job_name]
        size = min(self.page_size, job.longest_page)
        if run.trigger.redrive_of is not None:
            errored = errored_mentors(self.ledger, self.database, run.trigger.redrive_of)
            rest = [m for m in errored if run.cursor is None or m > run.cursor]
            yield from map(list, batched(rest, size, strict=False))
            return
        cursor, listing = run.cursor, self.database.list_mentors
        while page := listing(job.listing, run.trigger.org_id, run.as_of, cursor, size):
            yield page
            cursor = page[-1]


def _message(run: Run, number: int, mentor_ids: tuple[UUID, ...]) -> MentorPage:
    return MentorPage(
        job_name=run.trigger.job_name,
        job_run_id=run.job_run_id,
        org_id=run.trigger.org_id,
        as_of=run.as_of,
        page=number,
        mentor_ids=mentor_ids,
        dry_run=run.trigger.dry_run,
    )
