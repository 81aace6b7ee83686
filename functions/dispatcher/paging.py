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
from mentor_pause.engine.notifications import in_batches
from mentor_pause.ledger.lock import Lock
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Remaining, seconds_left

_RESERVE_SECONDS = 20.0
"""Kept for sending the last pages, and for handing the run on."""

_MOST, _LEAST = 20_000, 500
"""Mentors in one call that makes a plan; a call that takes too long is repeated with a tenth."""


@dataclass(frozen=True, slots=True)
class Paging:
    """Plans each page in the ledger before it sends the page's message."""

    ledger: Ledger
    database: Database
    queues: PageQueues
    page_size: int
    """Mentors on a page; a job may allow fewer."""
    seconds_left: Remaining = seconds_left
    """Returns the seconds until the invocation's work must have ended."""

    def __call__(self, lock: Lock, run: Run) -> Run:
        """Send the run's pages from its cursor to the end, or until the time runs short.

        Returns:
            The run with all its pages. If the time ran short, `pages_total` is None; every planned
            page is on the queue, and another call goes on after the cursor.

        Raises:
            LeaseLost: the lock has another holder.
            TransientError: a service is away; paging can be resumed.
            InvalidRequest: the pages of the run to redrive have vanished.
        """
        if run.pages_total is not None:
            return self.ledger.closed.advance(run)
        time = _Time(self.seconds_left)
        number = run.pages_planned
        for pages in batched(self._pages(lock, run, time), BATCH, strict=False):
            self.queues.send(run.trigger.job_name, pages)
            number = pages[-1].page
            self.ledger.mark_sent(run.job_run_id, number)
        if time.ran_short:
            return self.ledger.find_run(run.job_run_id) or run
        return self.ledger.end_paging(lock, run.job_run_id, number)

    def _pages(self, lock: Lock, run: Run, time: "_Time") -> Iterator[MentorPage]:
        """Yield the planned pages that may not have been sent, then new pages, while there is time.

        The first page comes in any case, so that each call makes progress.
        """
        for number in range(run.pages_sent + 1, run.pages_planned + 1):
            if (page := self.ledger.pages.find(run.job_run_id, number)) is not None:
                yield _message(run, number, page.mentor_ids)
                if time.runs_short():
                    return
        for number, mentors in enumerate(self._mentors(lock, run), run.pages_planned + 1):
            self.ledger.plan_page(lock, number, mentors)
            yield _message(run, number, tuple(mentors))
            if time.runs_short():
                return

    def _mentors(self, lock: Lock, run: Run) -> Iterator[list[UUID]]:
        """Yield the mentors after the run's cursor, one page at a time, in id order."""
        job = JOBS[run.trigger.job_name]
        size = min(self.page_size, job.longest_page)
        if run.trigger.redrive_of is not None:
            errored = errored_mentors(
                self.ledger, self.database, run.trigger.redrive_of, run.cursor
            )
            yield from map(list, batched(errored, size, strict=False))
            return
        if job.listing == "list_planned_mentors" and run.trigger.releases is None:
            self._make_plan(lock, run)
        cursor = run.cursor
        while page := self.database.list_mentors(run, cursor, size):
            yield page
            cursor = page[-1]

    def _make_plan(self, lock: Lock, run: Run) -> None:
        """Write down whom the run pauses and whom it holds (G1), before its first page.

        Raises:
            LeaseLost: the lock has another holder.
        """
        for _, plan in in_batches(
            lambda limit: self.database.make_plan(run.job_run_id, limit), _MOST, _LEAST
        ):
            if plan.is_whole:
                return
            self.ledger.assert_held(lock)


class _Time:
    """Says when the time of an invocation runs short: a quarter of it is left, at most 20 s."""

    def __init__(self, seconds_left: Remaining) -> None:
        self._seconds_left = seconds_left
        self._reserve = min(_RESERVE_SECONDS, seconds_left() / 4)
        self.ran_short = False

    def runs_short(self) -> bool:
        """Whether no other page may begin."""
        self.ran_short = self._seconds_left() < self._reserve
        return self.ran_short


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
