"""Ends runs that nobody else will end: a dispatcher failed or died, or workers vanished.

Whoever does it has acquired the lock of the run's job, and proves before anything is given up that
the lock is still held. A run whose paging broke off ends with the pages that are on the queue; a
run whose pages have not moved for a whole lease is given up, and its open pages' mentors count as
errors (E8, O2). Pages that waited for the database, when they last moved, get more time: their
messages come again. A run that the ledger has lost has no pages any more: its row in the log is
ended, with what the data say.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.database.client import Database
from mentor_pause.domain.reasons import reason_of_unfinished_page
from mentor_pause.domain.runs import Firing, Page, PageOutcome, Run, missing_pages
from mentor_pause.engine.completion import Clock, Completion, Settled
from mentor_pause.errors import DatabaseError, LeaseLost, NotFound, RetryableDatabaseError, describe
from mentor_pause.ledger.lock import TOLERATED_SECONDS, Lock
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Retry

WAITING_PATIENCE = timedelta(hours=6)
"""How much longer a run stays open that waits for the database, or whose request does."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_TOLERATED = timedelta(seconds=TOLERATED_SECONDS)


class Recovery:
    """Ends runs, as the holder of their lock."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        completion: Completion,
        retry: Retry,
        clock: Clock,
        logger: Logger,
    ) -> None:
        """`retry` wraps every call, one by one."""
        self._database = database
        self._ledger = ledger
        self._completion = completion
        self._retry = retry
        self._clock = clock
        self._logger = logger

    def settle(self, lock: Lock, run: Run) -> Settled:
        """Complete the run if its pages are all closed by now."""
        return self._completion.settle(run, f"holder {lock.fence}")

    def end_abandoned(self, lock: Lock, job_run_id: UUID, reason: str) -> None:
        """End a run that held the lock before, so that none stays open for ever (E8).

        Where that fails it is logged, and whoever looks next tries again.

        Raises:
            LeaseLost: the lock has another holder by now.
        """
        with self.logged(job_run_id):
            run = self.take_over(lock, job_run_id, reason)
            if run is not None:
                self.settle(lock, run)

    @contextmanager
    def logged(self, job_run_id: UUID) -> Generator[None]:
        """Log whatever goes wrong with another run: that run's trouble is not ours."""
        try:
            yield
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            self._logger.error(
                "abandoned run not ended",
                extra={"abandoned": str(job_run_id), "reason": describe(error)},
            )

    def take_over(self, lock: Lock, job_run_id: UUID, reason: str) -> Run | None:
        """Give up of a run what nobody will do; return it, to be settled, unless it had ended.

        Raises:
            LeaseLost: the lock has another holder by now.
            MentorPauseError: something is not to be had now; nothing is lost by trying again.
        """
        run = self._retry(lambda: self._ledger.find_run(job_run_id))
        if run is not None and run.status == "running":
            self._logger.warning("ending an abandoned run", extra={"abandoned": str(job_run_id)})
            return self._given_up(lock, run, reason)
        if run is None:
            self._end_lost(lock, job_run_id)
        self._retry(lambda: self._ledger.locks.forget(lock.firing, job_run_id))
        return None

    def _end_lost(self, lock: Lock, job_run_id: UUID) -> None:
        """End the row of a run that the ledger does not know; nothing if it has none.

        Its coordinators are notified of the mentors that it paused.
        """
        firing = lock.firing
        self._retry(lambda: self._ledger.assert_held(lock, self._clock()))
        if self._retry(lambda: self._ledger.find_run(job_run_id)) is not None:
            return  # its firing has resumed it meanwhile
        error = (
            "the ledger has lost this run and its pages; mentors that it changed stay changed, and "
            f"a fresh run finds the others: mentor-pause run {firing.job_name}"
            f"{' --dry-run' if firing.dry_run else ''}"
        )
        self._end_row(firing, job_run_id, error)

    def end_unopened(self, firing: Firing, error: str) -> None:
        """End the row of a run whose dispatcher lost the lock before it opened the run.

        Nothing if the run is in the ledger, or if another delivery of its firing has the lock.
        """
        job_run_id = firing.job_run_id
        if self._retry(lambda: self._ledger.find_run(job_run_id)) is not None:
            return
        if self._retry(lambda: self._ledger.locks.find_run(firing)) != job_run_id:
            self._end_row(firing, job_run_id, error)

    def _end_row(self, firing: Firing, job_run_id: UUID, error: str) -> None:
        with suppress(DatabaseError, RetryableDatabaseError):
            self._retry(lambda: self._database.notify_coordinators(job_run_id))
        end = self._database.end_lost_execution
        with suppress(NotFound):
            ended = self._retry(lambda: end(firing.org_id, job_run_id, error))
            if ended.has_ended:
                self._logger.error(
                    "ended a run that the ledger does not have",
                    extra={
                        "abandoned": str(job_run_id),
                        "reason": error,
                        "changed_count": ended.effect_count,
                        "left_count": ended.error_count,
                    },
                )

    def _given_up(self, lock: Lock, run: Run, reason: str) -> Run:
        if run.pages_total is None:
            return self.cut_short(lock, run, reason)
        if run.is_whole or self._may_move(run):
            return run  # its workers may still be at it
        # A database that is away is why its pages do not move: they will, once it is back.
        self._retry(lambda: self._database.get_run_coverage(run.firing.org_id, run.firing.job_name))
        pages = self._retry(lambda: self._ledger.pages(run.job_run_id))
        lost = missing_pages(run, pages)
        if lost:
            reason = f"{reason}; the ledger has lost pages: {', '.join(map(str, lost[:10]))}"
        self.end_paging(lock, run.job_run_id, run.pages_total, reason)
        for page in pages:
            self._close_as_failed(run.job_run_id, page, reason)
        for number in lost:
            self._note_closed(run.job_run_id, number)
        return self._retry(lambda: self._ledger.find_run(run.job_run_id)) or run

    def _may_move(self, run: Run) -> bool:
        """Whether a page has moved within a lease; a movement that has yet to come is none."""
        now, moved_at = self._clock(), run.moved_at or _LONG_AGO
        patience = timedelta(seconds=self._ledger.leases.run)
        if run.waits:
            patience += WAITING_PATIENCE
        return now - patience < moved_at <= now + _TOLERATED

    def cut_short(self, lock: Lock, run: Run, error: str) -> Run:
        """End paging where it stands; what may not be on the queue counts as errors."""
        if run.pages_total is not None:
            return run
        self._retry(lambda: self._ledger.assert_held(lock, self._clock()))
        if run.pages_planned == 0:
            self._begin(run)
        return self._retry(lambda: self._cut_short(lock, run.job_run_id, error))

    def _begin(self, run: Run) -> None:
        """Write the row of a run whose dispatcher may have died before it did.

        A row that the database refuses for good keeps no run open.
        """
        begin = self._database.begin_execution
        try:
            self._retry(lambda: begin(run.firing, "running", as_of=run.as_of))
        except DatabaseError as error:
            self._logger.error(
                "run has no row",
                extra={"abandoned": str(run.job_run_id), "reason": describe(error)},
            )

    def _cut_short(self, lock: Lock, job_run_id: UUID, error: str) -> Run:
        """Fail the pages that may not be on the queue, and fix their number; as one attempt.

        The planning of a page may have been slow and land in between: the ledger then refuses the
        number, and the next attempt finds that page too.
        """
        run = self._ledger.find_run(job_run_id)
        if run is None:
            raise LeaseLost(f"run {job_run_id} is not in the ledger any more")
        for number in range(run.pages_sent + 1, run.pages_planned + 1):
            if (known := self._ledger.find_page(job_run_id, number)) is not None:
                self._close_as_failed(job_run_id, known, error)
        return self._ledger.end_paging(lock, job_run_id, run.pages_planned, error, self._clock())

    def end_paging(
        self, lock: Lock, job_run_id: UUID, pages_total: int, error: str | None = None
    ) -> Run:
        """Fix the number of pages, now that all are on the queue or failed."""
        return self._retry(
            lambda: self._ledger.end_paging(lock, job_run_id, pages_total, error, self._clock())
        )

    def release(self, firing: Firing) -> None:
        """Give the lock back; who acquires it next still finds the run among the open ones."""
        self._retry(lambda: self._ledger.locks.release(firing, self._clock()))

    def let_go(self, firing: Firing) -> None:
        """Give the lock back for a run that is not to be done."""
        self.release(firing)
        self.forget(firing)

    def forget(self, firing: Firing) -> None:
        """Note that nothing is left to do for the firing's run."""
        self._retry(lambda: self._ledger.locks.forget(firing, firing.job_run_id))

    def _close_as_failed(self, job_run_id: UUID, page: Page, why: str) -> None:
        """Close a page; each of its mentors that no worker has settled counts as an error."""
        now = self._clock()
        reason = reason_of_unfinished_page(why, page.put_back)
        failed = page.settled | PageOutcome(reasons=dict.fromkeys(page.unsettled, reason))
        close = self._ledger.close_page
        self._retry(lambda: close(job_run_id, page.number, page.mentor_ids, failed, now))
        self._note_closed(job_run_id, page.number)

    def _note_closed(self, job_run_id: UUID, number: int) -> None:
        self._retry(lambda: self._ledger.note_closed(job_run_id, number, self._clock()))
