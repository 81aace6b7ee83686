"""Ends runs whose dispatcher failed or died, or whose workers vanished.

The caller has acquired the lock of the run's job. Before `Recovery` closes a page as failed, it
checks that the caller still holds the lock. A run that was interrupted while paging ends with the
pages that are on the queue. A run whose pages have not moved for a whole lease ends as failed, and
the unprocessed mentors of its open pages count as errors (E8, O2). Pages that wait for the database
get more time, because their messages come again. A run that the ledger has lost has no pages: its
row in the execution log is ended, with the counts that the database knows.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.database.client import Database
from mentor_pause.domain.error_reasons import reason_of_unfinished_page
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger
from mentor_pause.domain.summary import Totals
from mentor_pause.engine.completion import Completion
from mentor_pause.engine.notifications import Notifications
from mentor_pause.errors import (
    DatabaseError,
    LeaseLost,
    NotFound,
    PagesChanged,
    RetryableDatabaseError,
    Unfinished,
    describe,
)
from mentor_pause.ledger.lock import TOLERATED_SECONDS, Lock
from mentor_pause.ledger.runs import MOST_FAILED, Ledger
from mentor_pause.retry import Remaining, seconds_left, time_limit

WAITING_PATIENCE = timedelta(hours=6)
"""How much longer a run stays open whose pages, or whose request, wait for the database."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_TOLERATED = timedelta(seconds=TOLERATED_SECONDS)
_REFUSED_ROW = "the database refused the end of this row when the run ended; the counts are its own"
_LATE_PAGES = 4
"""Pages that may be planned, one after the other, while paging is aborted."""

_LAST_SECONDS = 5.0
"""No pages are closed with less time left."""

_SHARE = 0.25
"""Of the time of a dispatcher, for the runs before its own: the others' mentors are listed again,
and a hung run can wait for the monitor."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Ends runs on behalf of the holder of their lock."""

    ledger: Ledger
    database: Database
    completion: Completion
    logger: Logger
    seconds_left: Remaining = seconds_left
    """Returns the seconds until the caller's work must have ended."""

    def end_abandoned(self, lock: Lock) -> None:
        """End the runs that held the lock before and have not ended (E8).

        A failure is logged, and so is a lack of time. The next holder of the lock, or the monitor,
        goes on with the pages that are open then.

        Raises:
            LeaseLost: the lock has another holder.
        """
        reason = f"abandoned; run {lock.trigger.job_run_id} took over"
        with time_limit(_SHARE * seconds_left()):
            for job_run_id in sorted(lock.abandoned):
                with self.logged(job_run_id):
                    run = self.take_over(lock, job_run_id, reason)
                    if run is not None:
                        self.completion.complete_if_done(run, lock.claimant)

    @contextmanager
    def logged(self, job_run_id: UUID) -> Generator[None]:
        """Log any failure with another run, so that the caller's own run goes on."""
        try:
            yield
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            self.logger.error(
                "abandoned run not ended",
                extra={"abandoned": str(job_run_id), "reason": describe(error)},
            )

    def take_over(self, lock: Lock, job_run_id: UUID, reason: str) -> Run | None:
        """Close the open pages of a dead run as failed; leave a run that may be active as it is.

        Returns:
            The run, which the caller then completes; None: it had ended.

        Raises:
            LeaseLost: the lock has another holder.
            Unfinished: the time ran out; another call goes on.
            MentorPauseError: a service is away; the caller can safely try again.
        """
        run = self.ledger.find_run(job_run_id)
        if run is not None and run.status == "running":
            self.logger.warning("ending an abandoned run", extra={"abandoned": str(job_run_id)})
            return self._fail_what_is_open(lock, run, reason)
        if run is None:
            self._end_lost(lock, job_run_id)
        else:
            self._end_row(lock.trigger, job_run_id, _REFUSED_ROW)
            self.ledger.locks.remove_open_run(lock.trigger, job_run_id)
        return None

    def fail_unopened(self, lock: Lock, error: str) -> bool:
        """Fail a run that the dispatcher could not open; False: it was opened after all.

        A person may repeat a manual request, and the run may begin then: for example, its plan is
        approved now. A second copy of another trigger must not start what was said to have failed.

        Raises:
            LeaseLost: the lock has another holder.
        """
        trigger = lock.trigger
        self.ledger.assert_held(lock)
        if trigger.kind == "manual":
            self.ledger.locks.give_back(trigger)
        else:
            self.ledger.locks.release(trigger)
        if self.ledger.find_run(trigger.job_run_id) is not None:
            return False  # only the answer was too late; the next holder of the lock ends the run
        begun = self.database.begin_execution(trigger, "failed", error=error)
        if begun is not None and begun.status == "running":
            empty = Totals(trigger.job_run_id, JOBS[trigger.job_name].effect)
            self.database.finish_execution(empty, "failed", error)
        self.ledger.locks.remove_unopened(lock, trigger.job_run_id)
        return True

    def end_superseded(self, trigger: Trigger, error: str) -> None:
        """End the row of a run whose dispatcher lost the lock before it opened the run.

        Does nothing if the run is in the ledger, or if another delivery of its trigger has the
        lock. A failure is logged; the monitor tries again.
        """
        job_run_id = trigger.job_run_id
        with self.logged(job_run_id):
            if self.ledger.find_run(job_run_id) is not None:
                return
            if self.ledger.locks.find_run(trigger) != job_run_id:
                self._notify(job_run_id)
                self._end_row(trigger, job_run_id, error)

    def abort_paging(self, lock: Lock, run: Run, error: str) -> Run:
        """End paging early. Pages that may not be on the queue count as errors.

        Raises:
            LeaseLost: the lock has another holder.
            PagesChanged: pages were still being planned after five attempts.
        """
        if run.pages_total is not None:
            return self.ledger.closed.advance(run)
        self.ledger.assert_held(lock)
        if run.pages_planned == 0:
            self._begin_row(run)
        for _ in range(_LATE_PAGES):  # a slow write may plan a page in between
            with suppress(PagesChanged):
                return self._abort_paging(lock, run.job_run_id, error)
        return self._abort_paging(lock, run.job_run_id, error)

    def _abort_paging(self, lock: Lock, job_run_id: UUID, error: str) -> Run:
        run = self.ledger.find_run(job_run_id)
        if run is None:
            raise LeaseLost(f"run {job_run_id} is not in the ledger any more")
        for number in range(run.pages_sent + 1, run.pages_planned + 1):
            if (page := self.ledger.pages.find(job_run_id, number)) is not None:
                outcome = _failed(page, error)
                self.ledger.pages.close(job_run_id, number, page.mentor_ids, outcome)
                self.ledger.mark_page_closed(job_run_id, number)
        return self.ledger.end_paging(lock, job_run_id, run.pages_planned, error)

    def _fail_what_is_open(self, lock: Lock, run: Run, reason: str) -> Run:
        if run.pages_total is None:
            return self.abort_paging(lock, run, reason)
        run = self.ledger.closed.advance(run)
        if run.all_pages_closed or self.may_be_active(run):
            return run
        # Called only to see whether the database answers. If not, it raises; the pages stay open.
        self.database.get_run_freshness(run.trigger.org_id, run.trigger.job_name)
        total = run.pages_total or 0
        if run.error is None:
            self.ledger.end_paging(lock, run.job_run_id, total, reason)
        has_begun = False
        for numbers in batched(self.ledger.closed.open_pages(run), MOST_FAILED, strict=False):
            if has_begun and self.seconds_left() < _LAST_SECONDS:
                raise Unfinished(
                    f"pages from {numbers[0]} on are open; the next look goes on there"
                )
            self._fail_pages(lock, run, numbers, reason)
            has_begun = True
        return self.ledger.closed.advance(self.ledger.find_run(run.job_run_id) or run)

    def _fail_pages(self, lock: Lock, run: Run, numbers: Sequence[int], reason: str) -> None:
        """Close open pages as failed, in one transaction if none of them is closed meanwhile.

        Raises:
            LeaseLost: the lock has another holder.
        """
        pages = list(self.ledger.pages.read(run.job_run_id, numbers))
        if lost := sorted(set(numbers) - {page.number for page in pages}):
            reason = f"{reason}; the ledger has lost pages: {', '.join(map(str, lost[:10]))}"
            self.ledger.end_paging(lock, run.job_run_id, run.pages_total or 0, reason)
        failed = [(page, _failed(page, reason)) for page in pages if page.outcome is None]
        if failed and self.ledger.fail_pages(lock, run, failed):
            numbers = sorted(set(numbers) - {page.number for page, _ in failed})
        else:
            self.ledger.assert_held(lock)
            for page, outcome in failed:
                self.ledger.pages.close(run.job_run_id, page.number, page.mentor_ids, outcome)
        for number in numbers:  # lost, or closed by a process that died before it said so
            self.ledger.closed.add(run.job_run_id, number)

    def may_be_active(self, run: Run) -> bool:
        """Whether a page moved within a lease. A moment in the future comes from a wrong clock."""
        now, active_at = self.ledger.now(), run.active_at or _LONG_AGO
        patience = timedelta(seconds=self.ledger.leases.run)
        if run.is_waiting:
            patience += WAITING_PATIENCE
        return now - patience < active_at <= now + _TOLERATED

    def _end_lost(self, lock: Lock, job_run_id: UUID) -> None:
        """End the row of a run that the ledger has lost; does nothing if the run has no row.

        The run's own trigger may open it meanwhile, with the next fence. Its row then goes on, and
        the run stays an open run of the lock.

        Raises:
            LeaseLost: the lock has another holder.
        """
        trigger = lock.trigger
        self.ledger.assert_held(lock)
        if self.ledger.find_run(job_run_id) is not None:
            return  # its trigger has resumed it meanwhile
        error = (
            "the ledger has lost this run and its pages; mentors that it changed stay changed, and "
            f"a fresh run finds the others: mentor-pause run {trigger.job_name}"
            f"{' --dry-run' if trigger.dry_run else ''}"
        )
        self._notify(job_run_id)
        self._end_row(trigger, job_run_id, error)
        if not self.ledger.locks.remove_unopened(lock, job_run_id):
            opened = self.ledger.find_run(job_run_id)
            if opened is not None and opened.status == "running":
                self._begin_row(opened)
            raise LeaseLost(f"run {trigger.job_run_id} lost the lock while it ended {job_run_id}")

    def _notify(self, job_run_id: UUID) -> None:
        """Notify the coordinators of the mentors that a run changed, if the database does it."""
        with suppress(DatabaseError, RetryableDatabaseError):
            for _ in Notifications(self.database).add(job_run_id):
                pass

    def _end_row(self, trigger: Trigger, job_run_id: UUID, error: str) -> None:
        """End the row of a run, if it is still running, with the counts that the database knows."""
        with suppress(NotFound):
            ended = self.database.end_lost_execution(trigger.org_id, job_run_id, error)
            if ended.has_ended:
                self.logger.error(
                    "ended the row of a run",
                    extra={
                        "abandoned": str(job_run_id),
                        "reason": error,
                        "changed_count": ended.effect_count,
                        "left_count": ended.error_count,
                    },
                )

    def _begin_row(self, run: Run) -> None:
        """Write the row of a run whose dispatcher may have died before it did.

        A row that the database refuses does not keep the run open.
        """
        try:
            self.database.begin_execution(run.trigger, "running", as_of=run.as_of)
        except DatabaseError as error:
            self.logger.error(
                "run has no row",
                extra={"abandoned": str(run.job_run_id), "reason": describe(error)},
            )


def _failed(page: Page, error: str) -> PageOutcome:
    """Return the outcome of a page whose unprocessed mentors count as errors."""
    reason = reason_of_unfinished_page(error, page.last_requeue)
    return page.processed | PageOutcome(reasons=dict.fromkeys(page.unprocessed, reason))
