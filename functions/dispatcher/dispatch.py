"""Starts a run: lock, scope, log row, then pages while there are mentors (D1-D8).

A firing that was dispatched half-way before is resumed: its pages that may not have reached the
queue are sent again as they were written down, and paging goes on behind the cursor.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from itertools import batched
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from dispatcher.ending import Dispatched, Ending, Fault
from dispatcher.sources import Sources
from mentor_pause.aws.queues import BATCH, PageQueues
from mentor_pause.config import OrgSettings
from mentor_pause.database.client import Database
from mentor_pause.domain.jobs import Job, find_job
from mentor_pause.domain.messages import DispatchRequest, MentorPage
from mentor_pause.domain.runs import Firing, Run
from mentor_pause.engine.completion import Clock
from mentor_pause.errors import (
    InvalidRequest,
    LeaseLost,
    MentorPauseError,
    TransientError,
    UnprovenEvent,
    describe,
    origin,
)
from mentor_pause.ledger.lock import KEPT_SECONDS, Held, Lock
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Retry


class Dispatch:
    """Dispatches the runs of one organisation."""

    def __init__(
        self,
        org: OrgSettings,
        sources: Sources,
        database: Database,
        ledger: Ledger,
        queues: PageQueues,
        ending: Ending,
        retry: Retry,
        clock: Clock,
        logger: Logger,
    ) -> None:
        """`retry` wraps the calls to database and ledger."""
        self._org = org
        self._sources = sources
        self._database = database
        self._ledger = ledger
        self._queues = queues
        self._ending = ending
        self._retry = retry
        self._clock = clock
        self._logger = logger

    def __call__(self, request: DispatchRequest, invocation_id: str) -> Dispatched:
        """Start the run that is asked for, resume it, or say why not.

        Raises:
            InvalidRequest: there is no such job, or no such run to redrive.
            UnprovenEvent: the event is not one of this stack's own runs.
            TransientError: something around us is away; a scheduled request is to be repeated.
            MentorPauseError: the lock could not even be asked for.
        """
        job = find_job(request.job_name)
        self._prove(request)
        first = self._sources.first_run(request, self._org.hlf_org_id)
        firing = _firing(request, first, self._org.hlf_org_id, invocation_id)
        holder = str(uuid4())
        lock = self._retry(
            lambda: self._ledger.locks.acquire(
                firing, holder, self._clock(), self._ledger.leases.dispatch
            )
        )
        if isinstance(lock, Held):
            return self._turn_away(request, firing, lock, holder)
        found = self._retry(lambda: self._ledger.find_run(firing.job_run_id))
        if found is None or found.status == "running":
            started = self._guarded(job, first.as_of if first else request.as_of, lock, found)
            if started is not None:
                return started
        self._ending.let_go(lock)
        had = Held(firing.job_run_id, same_firing=True, is_released=True)
        return self._turn_away(request, firing, had, holder)

    def _prove(self, request: DispatchRequest) -> None:
        """Hold an event against the ledger: only this stack's own runs start others (R5).

        Raises:
            UnprovenEvent: the ledger has no such run, or the run is not through with its pages.
        """
        if request.trigger != "event":
            return
        try:
            wanted = UUID(request.trigger_id or "")
        except ValueError:
            raise UnprovenEvent("the event names no run") from None
        run = self._retry(lambda: self._ledger.find_run(wanted))
        if run is None or run.firing.org_id != self._org.hlf_org_id:
            raise UnprovenEvent("the event names a run that this stack's ledger does not know")
        if not run.is_whole:
            raise UnprovenEvent(f"the event names run {wanted}, which is still in progress")

    def _turn_away(
        self, request: DispatchRequest, firing: Firing, held: Held, holder: str
    ) -> Dispatched:
        if held.same_firing:
            if request.waiting_since and not held.is_released and self._is_paging(firing):
                return Dispatched(firing.job_run_id, "waiting", "its lease has not run out yet")
            self._ending.finish(firing.job_run_id, f"repeated firing {holder}")
            why, conflicting = "this firing has had its run", None
        else:
            conflicting = self._conflicting(held)
            why = f"run {conflicting or held.by_run} is in progress"
        status = "duplicate" if held.same_firing else "refused"
        self._logger.warning("run not started", extra={"status": status, "reason": why})
        if request.waiting_since is None:  # a request that waits has its row
            self._retry(lambda: self._database.begin_execution(firing, status, error=why))
        return Dispatched(firing.job_run_id, status, why, in_the_way=conflicting)

    def _is_paging(self, firing: Firing) -> bool:
        run = self._retry(lambda: self._ledger.find_run(firing.job_run_id))
        return run is None or (run.status == "running" and run.pages_total is None)

    def _conflicting(self, held: Held) -> UUID | None:
        """Return the run to ask about: the monitor has none of its own, and is ending another."""
        for job_run_id in (held.by_run, *sorted(held.open_runs)):
            found = self._retry(lambda id_=job_run_id: self._ledger.find_run(id_))
            if found is not None and found.status == "running":
                return job_run_id
        return None

    def _guarded(
        self, job: Job, as_of: date | None, lock: Lock, found: Run | None
    ) -> Dispatched | None:
        try:
            return self._run(job, as_of, lock, found)
        except LeaseLost as error:
            self._logger.error("dispatch superseded", extra={"reason": str(error)})
            if lock.firing.trigger == "manual":  # other requests come again, and go on with the row
                self._ending.give_up_unopened(lock, str(error))
            return Dispatched(lock.firing.job_run_id, "superseded", str(error))

    def _run(
        self, job: Job, as_of: date | None, lock: Lock, found: Run | None
    ) -> Dispatched | None:
        """Dispatch the lock's run; None: by the log its firing has had it."""
        try:
            self._ending.end_abandoned(lock)
            run = self._resume(found) if found else self._open(lock, self._day(lock, as_of))
            if run is None:
                return None
            run = self._page(job, lock, run)
        except LeaseLost:
            raise
        except TransientError as error:
            if lock.firing.trigger == "manual":
                return self._fail(lock, error)
            with suppress(MentorPauseError):  # then the lease ends by itself
                self._ledger.locks.keep_for(lock, self._clock(), KEPT_SECONDS)
            raise  # the request waits, and resumes this run where it stands
        except Exception as error:  # noqa: BLE001 - whatever it is, the run is ended (D5)
            return self._fail(lock, error)
        return self._ending.settle(lock, run)

    def _fail(self, lock: Lock, error: Exception) -> Dispatched:
        self._logger.error(
            "dispatch failed", extra={"reason": describe(error), "origin": origin(error)}
        )
        return self._ending.fail(lock, describe(error), fault_of(error))

    def _day(self, lock: Lock, as_of: date | None) -> date:
        """Return the day that a new run is about (E1).

        Without `as_of` it is today, by the earlier one of two clocks: the database's and the
        ledger's. So a clock that is ahead has nobody paused early.
        """
        org_id = self._org.hlf_org_id
        scope = self._retry(lambda: self._database.assert_org_scope(org_id, self._org.hlf_org_slug))
        by_ledger = self._retry(lambda: self._database.get_org_day(org_id, self._clock()))
        today = min(scope.today, by_ledger)
        day = as_of or today
        if day > today and not lock.firing.dry_run:
            raise InvalidRequest(
                f"as_of {day} is after today ({today} in {scope.time_zone}); "
                "only a dry run may look ahead"
            )
        return day

    def _open(self, lock: Lock, day: date) -> Run | None:
        """Open the run in the log, then in the ledger, with the day that the log has.

        The log's row never expires, and the ledger's items do. So the row decides whether the
        firing has had its run (None), and about which day it was. A row that is still running
        without a run in the ledger is that of a dispatcher that died, or the ledger has lost it:
        the run goes on.
        """
        begin = self._database.begin_execution
        begun = self._retry(lambda: begin(lock.firing, "running", as_of=day))
        if begun is not None and begun.status != "running":
            return None
        fixed = (begun and begun.as_of) or day
        return self._retry(lambda: self._ledger.open_run(lock, fixed, self._clock()))

    def _resume(self, run: Run) -> Run | None:
        """Write the run's row, unless an earlier delivery of its firing did.

        None: by the log the run has ended, so the ledger, which has it in mid-paging, was restored
        from an earlier moment.
        """
        begin, end = self._database.begin_execution, self._ledger.end_run
        begun = self._retry(lambda: begin(run.firing, "running", as_of=run.as_of))
        if begun is None or begun.status == "running" or run.pages_total is not None:
            return run
        status = "completed" if begun.status == "completed" else "failed"
        self._retry(lambda: end(run.job_run_id, status, self._clock()))
        return None

    def _page(self, job: Job, lock: Lock, run: Run) -> Run:
        if run.pages_total is not None:
            return run
        number = run.pages_planned
        for pages in batched(self._pages(job, lock, run), BATCH, strict=False):
            self._queues.send(job.name, pages)
            number = pages[-1].page
            self._mark_sent(run, number)
        return self._ending.end_paging(lock, run.job_run_id, number)

    def _mark_sent(self, run: Run, number: int) -> None:
        self._retry(lambda: self._ledger.mark_sent(run.job_run_id, number))

    def _pages(self, job: Job, lock: Lock, run: Run) -> Iterator[MentorPage]:
        """Yield what may not have been sent, then new pages, each one written down first."""
        for number in range(run.pages_sent + 1, run.pages_planned + 1):
            if (known := self._ledger.find_page(run.job_run_id, number)) is not None:
                yield _message(run, number, known.mentor_ids)
        number, cursor, source = run.pages_planned, run.cursor, self._sources.of(job, run)
        while mentors := source(cursor):
            number, cursor = number + 1, mentors[-1]
            self._plan(lock, number, mentors)
            yield _message(run, number, tuple(mentors))

    def _plan(self, lock: Lock, number: int, mentors: list[UUID]) -> None:
        self._retry(lambda: self._ledger.plan_page(lock, number, mentors, self._clock()))


def _firing(
    request: DispatchRequest, first: Run | None, org_id: UUID, invocation_id: str
) -> Firing:
    return Firing(
        job_name=request.job_name,
        org_id=org_id,
        trigger=request.trigger,
        trigger_id=request.trigger_id or invocation_id,
        triggered_by=request.requested_by or _what_triggered(request, invocation_id),
        dry_run=request.dry_run or (first is not None and first.firing.dry_run),
        redrive_of=request.redrive_of,
    )


def fault_of(error: Exception) -> Fault:
    """Say whose fault a failure is."""
    return "request" if isinstance(error, InvalidRequest) else "outside"


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
