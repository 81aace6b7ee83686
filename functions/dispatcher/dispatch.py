"""Starts a run: lock, scope, log row, then pages while there are mentors (D1-D8).

A firing that was dispatched half-way before is resumed: its pages that may not have reached the
queue are sent again as they were written down, and paging goes on behind the cursor.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import batched
from typing import Literal
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger
from mentor_pause.completion import Clock, Completion
from mentor_pause.config import OrgSettings
from mentor_pause.errors import InvalidRequest, LeaseLost, NotFound, describe, origin
from mentor_pause.events import DispatchRequest, MentorPage
from mentor_pause.jobs import Job, find_job
from mentor_pause.ledger import Ledger
from mentor_pause.lock import Held, Lock
from mentor_pause.queues import BATCH, PageQueues
from mentor_pause.retry import Retry
from mentor_pause.runs import Firing, Page, PageOutcome, Run, Summary
from mentor_pause.supabase import Database

type DispatchStatus = Literal[
    "running", "completed", "failed", "duplicate", "refused", "superseded"
]


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What became of a firing."""

    job_run_id: UUID
    status: DispatchStatus
    error: str | None = None

    def as_json(self) -> dict[str, str]:
        """The dispatcher's answer."""
        found = {"job_run_id": str(self.job_run_id), "status": self.status}
        return found | ({"error": self.error} if self.error else {})


class Dispatch:
    """Dispatches the runs of one organisation."""

    def __init__(
        self,
        org: OrgSettings,
        page_size: int,
        database: Database,
        ledger: Ledger,
        queues: PageQueues,
        completion: Completion,
        retry: Retry,
        clock: Clock,
        logger: Logger,
    ) -> None:
        """`page_size` is in mentors; `retry` wraps the calls to the database."""
        self._org = org
        self._page_size = page_size
        self._database = database
        self._ledger = ledger
        self._queues = queues
        self._completion = completion
        self._retry = retry
        self._clock = clock
        self._logger = logger

    def __call__(self, request: DispatchRequest, invocation_id: str) -> Dispatched:
        """Start the run that is asked for, resume it, or say why not.

        Raises:
            InvalidRequest: there is no such job.
            MentorPauseError: the lock could not even be asked for.
        """
        job = find_job(request.job_name)
        firing = _firing(request, self._org.hlf_org_id, invocation_id)
        holder = str(uuid4())
        lock = self._retry(
            lambda: self._ledger.locks.acquire(
                firing, holder, self._clock(), self._ledger.leases.dispatch
            )
        )
        if isinstance(lock, Held):
            return self._turn_away(firing, lock)
        found = self._retry(lambda: self._ledger.find_run(firing.job_run_id))
        if found is not None and found.status != "running":
            self._let_go(firing)
            return self._turn_away(firing, Held(firing.job_run_id, same_firing=True))
        return self._guarded(job, request, lock, found)

    def _turn_away(self, firing: Firing, held: Held) -> Dispatched:
        status = "duplicate" if held.same_firing else "refused"
        why = (
            "this firing has had its run"
            if held.same_firing
            else f"run {held.by_run} is in progress"
        )
        self._logger.warning("run not started", extra={"status": status, "reason": why})
        self._retry(lambda: self._database.begin_execution(firing, status, error=why))
        return Dispatched(firing.job_run_id, status, why)

    def _guarded(
        self, job: Job, request: DispatchRequest, lock: Lock, found: Run | None
    ) -> Dispatched:
        try:
            return self._run(job, request, lock, found)
        except LeaseLost as error:
            self._logger.error("dispatch superseded", extra={"reason": str(error)})
            return Dispatched(lock.firing.job_run_id, "superseded", str(error))

    def _run(self, job: Job, request: DispatchRequest, lock: Lock, found: Run | None) -> Dispatched:
        try:
            for job_run_id in sorted(lock.abandoned):
                self._end_abandoned(lock, job_run_id)
            run = self._page(job, lock, found or self._open(lock, request.as_of))
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the run is ended (D5)
            self._logger.error(
                "dispatch failed", extra={"reason": describe(error), "origin": origin(error)}
            )
            return self._fail(lock, describe(error))
        return self._settle(lock, run)

    def _open(self, lock: Lock, as_of: date | None) -> Run:
        firing = lock.firing
        scope = self._retry(
            lambda: self._database.assert_org_scope(self._org.hlf_org_id, self._org.hlf_org_slug)
        )
        day = as_of or scope.today
        if day > scope.today and not firing.dry_run:
            raise InvalidRequest(
                f"as_of {day} is after today ({scope.today} in {scope.time_zone}); "
                "only a dry run may look ahead"
            )
        self._retry(lambda: self._ledger.assert_held(lock, self._clock()))
        self._retry(lambda: self._database.begin_execution(firing, "running", as_of=day))
        return self._retry(lambda: self._ledger.open_run(firing, day, self._clock()))

    def _page(self, job: Job, lock: Lock, run: Run) -> Run:
        if run.pages_total is not None:
            return run
        number = run.pages_planned
        for pages in batched(self._pages(job, lock, run), BATCH, strict=False):
            self._queues.send(job.name, pages)
            number = pages[-1].page
            self._ledger.mark_sent(run.job_run_id, number)
        return self._end_paging(lock, run.job_run_id, number, None)

    def _pages(self, job: Job, lock: Lock, run: Run) -> Iterator[MentorPage]:
        """Yield what may not have been sent, then new pages, each one written down first."""
        for number in range(run.pages_sent + 1, run.pages_planned + 1):
            if (known := self._ledger.find_page(run.job_run_id, number)) is not None:
                yield _message(run, number, known.mentor_ids)
        number, cursor = run.pages_planned, run.cursor
        while mentors := self._list(job, run, cursor):
            number, cursor = number + 1, mentors[-1]
            self._plan(lock, number, mentors)
            yield _message(run, number, tuple(mentors))

    def _plan(self, lock: Lock, number: int, mentors: list[UUID]) -> None:
        self._retry(lambda: self._ledger.plan_page(lock, number, mentors, self._clock()))

    def _list(self, job: Job, run: Run, after: UUID | None) -> list[UUID]:
        return self._retry(
            lambda: self._database.list_mentors(
                job.listing, run.firing.org_id, run.as_of, after, self._page_size
            )
        )

    def _end_paging(self, lock: Lock, job_run_id: UUID, pages_total: int, error: str | None) -> Run:
        return self._retry(
            lambda: self._ledger.end_paging(lock, job_run_id, pages_total, error, self._clock())
        )

    def _settle(self, lock: Lock, run: Run) -> Dispatched:
        claimant = f"dispatcher {lock.fence}"
        settled = self._completion.settle(run, claimant)
        status = ("failed" if run.error else "completed") if settled == "ended" else "running"
        return Dispatched(run.job_run_id, status, run.error)

    def _end_abandoned(self, lock: Lock, job_run_id: UUID) -> None:
        """End a run that held the lock before, so that none stays open for ever (E8).

        Where that fails, this run goes on all the same, and the next one tries again.
        """
        reason = f"abandoned; run {lock.firing.job_run_id} took over"
        try:
            run = self._retry(lambda: self._ledger.find_run(job_run_id))
            if run is not None and run.status == "running":
                self._logger.warning(
                    "ending an abandoned run", extra={"abandoned": str(job_run_id)}
                )
                self._settle(lock, self._cut_short(lock, run, reason))
                return
            if run is None:  # it died between its row and its item
                self._close_row(job_run_id, reason)
            self._retry(lambda: self._ledger.locks.forget(lock.firing, job_run_id))
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - another run's trouble is not this run's
            self._logger.error("abandoned run not ended", extra={"reason": describe(error)})

    def _close_row(self, job_run_id: UUID, error: str) -> None:
        nothing = Summary(job_run_id, (), (), ())
        with suppress(NotFound):  # it has none
            self._retry(lambda: self._database.finish_execution(nothing, "failed", error))

    def _cut_short(self, lock: Lock, run: Run, error: str) -> Run:
        """End paging where it stands; what may not be on the queue counts as errors."""
        if run.pages_total is not None:
            return run
        self._retry(lambda: self._ledger.assert_held(lock, self._clock()))
        self._give_up_unsent(run)
        return self._end_paging(lock, run.job_run_id, run.pages_planned, error)

    def _fail(self, lock: Lock, error: str) -> Dispatched:
        """End a run that could not be dispatched to the end; what is on the queue is still done."""
        firing = lock.firing
        run = self._retry(lambda: self._ledger.find_run(firing.job_run_id))
        if run is not None:
            return self._settle(lock, self._cut_short(lock, run, error))
        self._retry(lambda: self._ledger.assert_held(lock, self._clock()))
        self._let_go(firing)
        self._retry(lambda: self._database.begin_execution(firing, "failed", error=error))
        # The row may have been opened as running before something else failed.
        self._close_row(firing.job_run_id, error)
        return Dispatched(firing.job_run_id, "failed", error)

    def _let_go(self, firing: Firing) -> None:
        """Give the lock back for a run that is not to be done."""
        self._retry(lambda: self._ledger.locks.forget(firing, firing.job_run_id))
        self._retry(lambda: self._ledger.locks.release(firing, self._clock()))

    def _give_up_unsent(self, run: Run) -> None:
        for number in range(run.pages_sent + 1, run.pages_planned + 1):
            if (known := self._ledger.find_page(run.job_run_id, number)) is not None:
                self._close_as_failed(run.job_run_id, known)

    def _close_as_failed(self, job_run_id: UUID, page: Page) -> None:
        self._retry(
            lambda: self._ledger.close_page(
                job_run_id, page.number, page.mentor_ids, PageOutcome(), self._clock()
            )
        )


def _firing(request: DispatchRequest, org_id: UUID, invocation_id: str) -> Firing:
    return Firing(
        job_name=request.job_name,
        org_id=org_id,
        trigger=request.trigger,
        trigger_id=request.trigger_id or invocation_id,
        triggered_by=request.requested_by or _what_triggered(request, invocation_id),
        dry_run=request.dry_run,
    )


def _what_triggered(request: DispatchRequest, invocation_id: str) -> str:
    due = f" of {request.scheduled_at.isoformat()}" if request.scheduled_at else ""
    return f"{request.trigger}{due}, {request.trigger_id or invocation_id}"


def _message(run: Run, number: int, mentor_ids: tuple[UUID, ...]) -> MentorPage:
    return MentorPage(
        job_name=run.firing.job_name,
        job_run_id=run.job_run_id,
        org_id=run.firing.org_id,
        as_of=run.as_of,
        page=number,
        mentor_ids=mentor_ids,
        dry_run=run.firing.dry_run,
    )
