"""Starts a run: lock, scope, log row, then pages while there are mentors (D1-D8).

A trigger whose dispatcher died while paging is resumed: `Paging` sends each planned page again
whose sending was not recorded, and continues after the cursor.

A dispatcher whose time runs short while it sends pages, or while it completes the run, hands the
run over: it reserves the lock, and `RequestHandler` queues the request. The next invocation goes on
with the same run under the same fence. Each invocation sends at least one page, or saves a part of
the completion, so the run comes to its end however often it is handed over.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from dispatcher.other_runs import assert_other_run
from dispatcher.paging import Paging
from dispatcher.redrive import run_to_redrive
from mentor_pause.config import OrgSettings
from mentor_pause.database.client import Database
from mentor_pause.domain.jobs import find_job
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import Run, Trigger
from mentor_pause.engine.completion import CompletionState
from mentor_pause.engine.recovery import Recovery
from mentor_pause.engine.run_log import naming_run_in_log
from mentor_pause.errors import (
    ErrorSource,
    InvalidRequest,
    LeaseLost,
    MentorPauseError,
    TransientError,
    UnprovenEvent,
    describe,
    error_source,
    origin,
)
from mentor_pause.ledger.lock import Held, Lock
from mentor_pause.ledger.runs import Ledger

_RELEASED = 1
"""A fence for a run whose lock is released. Only its completion is left, and that needs no lock.
The next invocation cannot take a released lock again under any fence."""

type DispatchStatus = Literal[
    "running", "completed", "failed", "duplicate", "refused", "superseded", "waiting"
]


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The dispatcher's answer to a run request."""

    job_run_id: UUID
    status: DispatchStatus
    error: str | None = None
    error_source: ErrorSource | None = None
    conflicting_run_id: UUID | None = None
    """The run in progress because of which the request was refused."""
    handed_over: Lock | None = None
    """Another invocation has to go on with the run, under the fence of this lock."""

    def as_json(self) -> dict[str, str]:
        """The fields that have a value."""
        fields = {
            "job_run_id": self.job_run_id,
            "status": self.status,
            "error": self.error,
            "error_source": self.error_source,
            "conflicting_run_id": self.conflicting_run_id,
        }
        return {name: str(value) for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Dispatches the runs of one organisation."""

    org: OrgSettings
    ledger: Ledger
    database: Database
    recovery: Recovery
    send_pages: Paging
    logger: Logger

    def __call__(self, request: DispatchRequest, invocation_id: str) -> Dispatched:
        """Start the requested run, resume it, or say why it does not start.

        Raises:
            InvalidRequest: there is no such job, or no such run to redrive.
            UnprovenEvent: the event is not about a run of this stack.
            TransientError: a service is away; a scheduled request is to be repeated.
            MentorPauseError: the ledger gave no answer about the lock.
        """
        find_job(request.job_name)
        assert_other_run(request)
        self._prove(request)
        redriven = None
        if request.redrive_of is not None:
            redriven = run_to_redrive(self.ledger, request.redrive_of, request, self.org.hlf_org_id)
        trigger = _trigger(request, redriven, self.org.hlf_org_id, invocation_id)
        with naming_run_in_log(self.logger, trigger.job_run_id):
            dispatched = self._dispatch(request, redriven, trigger)
            if dispatched.status in ("running", "completed"):
                started = {"kind": trigger.kind, "trigger_id": trigger.trigger_id}
                extra = {"job_name": trigger.job_name, "status": dispatched.status, **started}
                self.logger.info("run dispatched", extra=extra)
            return dispatched

    def _dispatch(
        self, request: DispatchRequest, redriven: Run | None, trigger: Trigger
    ) -> Dispatched:
        holder = str(uuid4())
        lock = self._lock(request, trigger, holder)
        if isinstance(lock, Held):
            return self._turn_away(request, trigger, lock, holder)
        run = self.ledger.find_run(trigger.job_run_id)
        if run is None or run.status == "running":
            as_of = redriven.as_of if redriven else request.as_of
            dispatched = self._guarded(as_of, lock, run, may_wait=request.comes_again)
            if dispatched is not None:
                return dispatched
        self.ledger.locks.release(trigger)
        run = self.ledger.find_run(trigger.job_run_id)
        if run is None or run.status != "running":  # else the monitor still has to complete it
            self.ledger.locks.remove_open_run(trigger, trigger.job_run_id)
        held = Held(trigger.job_run_id, same_trigger=True, is_released=True)
        return self._turn_away(request, trigger, held, holder)

    def cancel_hand_over(self, lock: Lock) -> None:
        """Undo the reservation of a lock whose run could not be handed over: its lease runs out.

        The monitor then ends the run, or the same trigger resumes it.
        """
        self.ledger.locks.cancel_reservation(lock, self.ledger.leases.dispatch)

    def _lock(self, request: DispatchRequest, trigger: Trigger, holder: str) -> Lock | Held:
        locks, lease = self.ledger.locks, self.ledger.leases.dispatch
        if request.handed_over_fence is not None:
            lock = locks.take_again(trigger, request.handed_over_fence, holder, lease)
            if lock is not None:
                return lock
        return locks.acquire(trigger, holder, lease)

    def _prove(self, request: DispatchRequest) -> None:
        """Compare an event with the ledger: only this stack's own runs start others (R5).

        Raises:
            UnprovenEvent: the ledger has no such run, or the run has open pages.
        """
        if request.trigger != "event":
            return
        try:
            wanted = UUID(request.trigger_id or "")
        except ValueError:
            raise UnprovenEvent("the event names no run") from None
        run = self.ledger.find_run(wanted)
        if run is None or run.trigger.org_id != self.org.hlf_org_id:
            raise UnprovenEvent("the event names a run that this stack's ledger does not have")
        if not run.all_pages_closed:
            raise UnprovenEvent(f"the event names run {wanted}, which is still in progress")

    def _turn_away(
        self, request: DispatchRequest, trigger: Trigger, held: Held, holder: str
    ) -> Dispatched:
        if request.handed_over_fence is not None and not held.same_trigger:
            going_on = self._go_on_completing(request, trigger, holder)
            if going_on is not None:
                return going_on
        if held.same_trigger:
            if request.waiting_since and not held.is_released and self._is_paging(trigger):
                return Dispatched(trigger.job_run_id, "waiting", "its lease has not run out yet")
            going_on = self._go_on_completing(request, trigger, holder)
            if going_on is not None and going_on.status != "completed":
                return going_on
            why, conflicting = "this trigger has had its run", None
        else:
            conflicting = self._conflicting_run(held)
            why = f"run {conflicting or held.by_run} is in progress"
        status = "duplicate" if held.same_trigger else "refused"
        self.logger.warning("run not started", extra={"status": status, "reason": why})
        if request.waiting_since is None:  # a waiting request has its row already
            self.database.begin_execution(trigger, status, error=why)
        return Dispatched(trigger.job_run_id, status, why, conflicting_run_id=conflicting)

    def _go_on_completing(
        self, request: DispatchRequest, trigger: Trigger, holder: str
    ) -> Dispatched | None:
        """Go on with the completion of a run, which needs no lock; None: it has open pages."""
        job_run_id = trigger.job_run_id
        state = self._complete_if_done(job_run_id, f"repeated trigger {holder}")
        if state == "unfinished":
            return Dispatched(job_run_id, "running", handed_over=Lock(trigger, _RELEASED))
        if state == "claimed_by_another" and request.waiting_since:
            return Dispatched(job_run_id, "waiting", "another process is completing the run")
        if state in ("ended", "ended_by_another"):
            return Dispatched(job_run_id, "completed")
        return None

    def _complete_if_done(self, job_run_id: UUID, claimant: str) -> CompletionState:
        """Complete a run whose dispatcher died, or had no time, after the last page was closed."""
        run = self.ledger.find_run(job_run_id)
        run = run and self.ledger.closed.advance(run)
        if run is None or not run.all_pages_closed:
            return "open"
        return self.recovery.completion.complete_if_done(run, claimant)

    def _is_paging(self, trigger: Trigger) -> bool:
        run = self.ledger.find_run(trigger.job_run_id)
        return run is None or (run.status == "running" and run.pages_total is None)

    def _conflicting_run(self, held: Held) -> UUID | None:
        """Return the run in progress. When the monitor holds the lock, it is ending another run."""
        for job_run_id in (held.by_run, *sorted(held.open_runs)):
            run = self.ledger.find_run(job_run_id)
            if run is not None and run.status == "running":
                return job_run_id
        return None

    def _guarded(
        self, as_of: date | None, lock: Lock, run: Run | None, *, may_wait: bool
    ) -> Dispatched | None:
        try:
            return self._run(as_of, lock, run, may_wait=may_wait)
        except LeaseLost as error:
            self.logger.error("dispatch superseded", extra={"reason": str(error)})
            if not may_wait:  # other requests come again and continue the run
                self.recovery.end_superseded(lock.trigger, str(error))
            return Dispatched(lock.trigger.job_run_id, "superseded", str(error))

    def _run(
        self, as_of: date | None, lock: Lock, run: Run | None, *, may_wait: bool
    ) -> Dispatched | None:
        """Dispatch the lock's run; None: the log says that the trigger has had its run."""
        try:
            self.recovery.end_abandoned(lock)
            run = self._resume(run) if run else self._open(lock, self._day(lock, as_of))
            if run is None:
                return None
            run = self.send_pages(lock, run)
        except LeaseLost:
            raise
        except TransientError as error:
            if not may_wait:
                return self._fail(lock, error)
            with suppress(MentorPauseError):  # then the lease runs out
                self.ledger.locks.reserve(lock, waits=True)
            raise  # the request waits, and its next delivery resumes this run
        except Exception as error:  # noqa: BLE001 - every failure ends the run (D5)
            return self._fail(lock, error)
        if run.pages_total is None:
            self.ledger.locks.reserve(lock, waits=False)
            return Dispatched(run.job_run_id, "running", handed_over=lock)
        return self._complete(lock, run, may_wait=may_wait)

    def _complete(self, lock: Lock, run: Run, *, may_wait: bool = True) -> Dispatched:
        try:
            state = self.recovery.completion.complete_if_done(run, lock.claimant)
        except TransientError:
            if may_wait:
                raise
            state = "unfinished"  # the person has an answer, and the run is completed later
        if state == "unfinished":
            return Dispatched(run.job_run_id, "running", run.error, handed_over=lock)
        has_ended = state in ("ended", "ended_by_another")
        status = ("failed" if run.error else "completed") if has_ended else "running"
        return Dispatched(run.job_run_id, status, run.error)

    def _fail(self, lock: Lock, error: Exception) -> Dispatched:
        """End a run that could not be dispatched. Workers still process the pages on the queue."""
        reason, job_run_id = describe(error), lock.trigger.job_run_id
        self.logger.error("dispatch failed", extra={"reason": reason, "origin": origin(error)})
        failed = Dispatched(job_run_id, "failed", reason, error_source(error))
        run = self.ledger.find_run(job_run_id)
        if run is None:
            self.recovery.fail_unopened(lock, reason)
            return failed
        with self.recovery.logged(job_run_id):  # the next holder of the lock tries again
            return self._complete(lock, self.recovery.abort_paging(lock, run, reason))
        return failed

    def _day(self, lock: Lock, as_of: date | None) -> date:
        """Return the day of a new run (E1).

        Without `as_of` it is today by the database's clock or by the ledger's clock, whichever is
        earlier. A clock that is ahead therefore never pauses a mentor too early.
        """
        org_id = self.org.hlf_org_id
        scope = self.database.assert_org_scope(org_id, self.org.hlf_org_slug)
        today = min(scope.today, self.database.get_org_day(org_id, self.ledger.now()))
        day = as_of or today
        if day > today and not lock.trigger.dry_run:
            raise InvalidRequest(
                f"as_of {day} is after today ({today} in {scope.time_zone}); "
                "only a dry run may look ahead"
            )
        return day

    def _open(self, lock: Lock, day: date) -> Run | None:
        """Write the run's row in the execution log, then open the run in the ledger.

        The row never expires, and the ledger's items do. So the row decides whether the trigger has
        had its run (None), and for which day. If the row is still running and the ledger has no
        run, the dispatcher died or the ledger lost the run: the run continues.
        """
        begun = self.database.begin_execution(lock.trigger, "running", as_of=day)
        if begun is not None and begun.status != "running":
            return None
        return self.ledger.open_run(lock, (begun and begun.as_of) or day)

    def _resume(self, run: Run) -> Run | None:
        """Write the run's row, unless an earlier delivery of its trigger did.

        None: the run must not continue. The log says ended and the ledger says paging: the ledger
        was restored from a backup.
        """
        begun = self.database.begin_execution(run.trigger, "running", as_of=run.as_of)
        if begun is None or begun.status == "running" or run.pages_total is not None:
            return run
        status = "completed" if begun.status == "completed" else "failed"
        self.ledger.end_run(run.job_run_id, status)
        return None


def _trigger(
    request: DispatchRequest, redriven: Run | None, org_id: UUID, invocation_id: str
) -> Trigger:
    return Trigger(
        job_name=request.job_name,
        org_id=org_id,
        kind=request.trigger,
        trigger_id=request.trigger_id or invocation_id,
        triggered_by=request.requested_by or _triggered_by(request, invocation_id),
        dry_run=request.dry_run or (redriven is not None and redriven.trigger.dry_run),
        redrive_of=request.redrive_of,
        releases=request.releases,
        withdraws=request.withdraws,
    )


def _triggered_by(request: DispatchRequest, invocation_id: str) -> str:
    due = f" of {request.scheduled_at.isoformat()}" if request.scheduled_at else ""
    return f"{request.trigger}{due}, {request.trigger_id or invocation_id}"
