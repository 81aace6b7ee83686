"""Ends runs from the dispatcher's side: its own and failed ones (E8)."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from mentor_pause.database.client import Database
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.runs import Firing, Run, Summary
from mentor_pause.engine.completion import Clock, Completion
from mentor_pause.engine.recovery import Recovery
from mentor_pause.ledger.lock import Lock
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Retry

type DispatchStatus = Literal[
    "running", "completed", "failed", "duplicate", "refused", "superseded", "waiting"
]
type Fault = Literal["request", "outside"]
"""Whose fault a failure is: it cannot be as it was asked for, or something around us is not as it
should be."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What became of a firing."""

    job_run_id: UUID
    status: DispatchStatus
    error: str | None = None
    fault: Fault | None = None
    in_the_way: UUID | None = None
    """The run because of which it was refused."""

    def as_json(self) -> dict[str, str]:
        """The dispatcher's answer."""
        given = {
            "job_run_id": self.job_run_id,
            "status": self.status,
            "error": self.error,
            "fault": self.fault,
            "in_the_way": self.in_the_way,
        }
        return {name: str(value) for name, value in given.items() if value}


class Ending:
    """Ends runs. Before anything is given up, the lock is proved to be held still."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        completion: Completion,
        recovery: Recovery,
        retry: Retry,
        clock: Clock,
    ) -> None:
        """`retry` wraps every call, one by one."""
        self._database = database
        self._ledger = ledger
        self._completion = completion
        self._recovery = recovery
        self._retry = retry
        self._clock = clock

    def end_paging(self, lock: Lock, job_run_id: UUID, pages_total: int) -> Run:
        """Fix the number of pages, now that all are on the queue."""
        return self._recovery.end_paging(lock, job_run_id, pages_total)

    def settle(self, lock: Lock, run: Run) -> Dispatched:
        """Complete the run if its pages are all closed by now."""
        settled = self._recovery.settle(lock, run)
        has_ended = settled in ("ended", "overtaken")
        status = ("failed" if run.error else "completed") if has_ended else "running"
        return Dispatched(run.job_run_id, status, run.error)

    def finish(self, job_run_id: UUID, claimant: str) -> None:
        """Complete a run whose pages are all closed, should its dispatcher have died just there."""
        run = self._retry(lambda: self._ledger.find_run(job_run_id))
        if run is not None and run.is_whole:
            self._completion.settle(run, claimant)

    def fail(self, lock: Lock, error: str, fault: Fault) -> Dispatched:
        """End a run that could not be dispatched to the end; what is on the queue is still done."""
        firing = lock.firing
        run = self._retry(lambda: self._ledger.find_run(firing.job_run_id))
        failed = Dispatched(firing.job_run_id, "failed", error, fault)
        if run is not None:
            with self._recovery.logged(firing.job_run_id):
                return self.settle(lock, self._recovery.cut_short(lock, run, error))
            return failed  # whoever has the lock next ends it
        self._retry(lambda: self._ledger.assert_held(lock, self._clock()))
        self._recovery.release(firing)
        if self._retry(lambda: self._ledger.find_run(firing.job_run_id)) is not None:
            return failed  # it was opened, and only the answer was too late: likewise
        self._close_row(firing, error)
        self._recovery.forget(firing)
        return failed

    def _close_row(self, firing: Firing, error: str) -> None:
        """Write the row of a run that was never opened, or end the one that had begun."""
        begin, finish = self._database.begin_execution, self._database.finish_execution
        begun = self._retry(lambda: begin(firing, "failed", error=error))
        if begun is not None and begun.status == "running":
            nobody = Summary(firing.job_run_id, JOBS[firing.job_name].effect)
            self._retry(lambda: finish(nobody, "failed", error))

    def end_abandoned(self, lock: Lock) -> None:
        """End the runs that held the lock before, so that none stays open for ever (E8).

        Where that fails, this run goes on all the same, and the next one tries again.
        """
        reason = f"abandoned; run {lock.firing.job_run_id} took over"
        for job_run_id in sorted(lock.abandoned):
            self._recovery.end_abandoned(lock, job_run_id, reason)

    def give_up_unopened(self, lock: Lock, reason: str) -> None:
        """End the row of a run that was superseded before it was opened; the monitor does it else.

        Where that fails it is logged.
        """
        with self._recovery.logged(lock.firing.job_run_id):
            self._recovery.end_unopened(lock.firing, reason)

    def let_go(self, lock: Lock) -> None:
        """Give the lock back for a run that is not to be done."""
        self._recovery.let_go(lock.firing)
