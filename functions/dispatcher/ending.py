"""Ends runs from the dispatcher's side: its own, failed ones, abandoned ones (E8)."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.completion import Clock, Completion
from mentor_pause.errors import LeaseLost, NotFound, describe
from mentor_pause.jobs import JOBS
from mentor_pause.ledger import Ledger
from mentor_pause.lock import Lock
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


class Ending:
    """Ends runs. Before anything is given up, the lock is proved to be held still."""

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

    def end_paging(
        self, lock: Lock, job_run_id: UUID, pages_total: int, error: str | None = None
    ) -> Run:
        """Fix the number of pages, now that all are on the queue."""
        return self._retry(
            lambda: self._ledger.end_paging(lock, job_run_id, pages_total, error, self._clock())
        )

    def settle(self, lock: Lock, run: Run) -> Dispatched:
        """Complete the run if its pages are all closed by now."""
        claimant = f"dispatcher {lock.fence}"
        settled = self._completion.settle(run, claimant)
        status = ("failed" if run.error else "completed") if settled == "ended" else "running"
        return Dispatched(run.job_run_id, status, run.error)

    def finish(self, job_run_id: UUID, claimant: str) -> None:
        """Complete a run whose pages are all closed, should its dispatcher have died just there."""
        run = self._retry(lambda: self._ledger.find_run(job_run_id))
        if run is not None and run.is_whole:
            self._completion.settle(run, claimant)

    def fail(self, lock: Lock, error: str) -> Dispatched:
        """End a run that could not be dispatched to the end; what is on the queue is still done."""
        firing = lock.firing
        run = self._retry(lambda: self._ledger.find_run(firing.job_run_id))
        if run is not None:
            return self.settle(lock, self._cut_short(lock, run, error))
        self._retry(lambda: self._ledger.assert_held(lock, self._clock()))
        self.let_go(firing)
        self._retry(lambda: self._database.begin_execution(firing, "failed", error=error))
        # The row may have been opened as running before something else failed.
        self._close_row(firing, firing.job_run_id, error)
        return Dispatched(firing.job_run_id, "failed", error)

    def let_go(self, firing: Firing) -> None:
        """Give the lock back for a run that is not to be done."""
        self._retry(lambda: self._ledger.locks.forget(firing, firing.job_run_id))
        self._retry(lambda: self._ledger.locks.release(firing, self._clock()))

    def end_abandoned(self, lock: Lock, job_run_id: UUID) -> None:
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
                self.settle(lock, self._cut_short(lock, run, reason))
                return
            if run is None:  # it died between its row and its item
                self._close_row(lock.firing, job_run_id, reason)
            self._retry(lambda: self._ledger.locks.forget(lock.firing, job_run_id))
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - another run's trouble is not this run's
            self._logger.error("abandoned run not ended", extra={"reason": describe(error)})

    def _close_row(self, firing: Firing, job_run_id: UUID, error: str) -> None:
        nothing = Summary(job_run_id, JOBS[firing.job_name].effect)
        with suppress(NotFound):  # it has none
            self._retry(lambda: self._database.finish_execution(nothing, "failed", error))

    def _cut_short(self, lock: Lock, run: Run, error: str) -> Run:
        """End paging where it stands; what may not be on the queue counts as errors."""
        if run.pages_total is not None:
            return run
        self._retry(lambda: self._ledger.assert_held(lock, self._clock()))
        self._give_up_unsent(run)
        return self.end_paging(lock, run.job_run_id, run.pages_planned, error)

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
