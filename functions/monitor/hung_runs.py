"""Ends hung runs: runs that have not ended although no lease on their lock is left (O2, E8).

A run also counts as hung when the execution log has called it running for an hour and the ledger
does not have it: the ledger has lost it. If the ledger has it as ended, the database refused the
end of its row, and the monitor ends the row.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from mentor_pause.database.client import Database, Execution
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.runs import Run, Trigger
from mentor_pause.engine.recovery import WAITING_PATIENCE, Recovery
from mentor_pause.errors import LeaseLost, MentorPauseError, describe
from mentor_pause.ledger.lock import Held, Lock
from mentor_pause.ledger.runs import Ledger

_PATIENCE = timedelta(minutes=10)
"""Lambda repeats a dispatcher's failed delivery after one minute and after two more. A dispatcher
that only lost its lease is resumed before that time is over."""

_LOST_MINUTES = 60
"""The ledger has a run within seconds after the run's row was written."""

_LOST_AT_ONCE = 100
"""Rows that one check takes; the next check takes more."""

_REASON = "hung; ended by the monitor"


@dataclass(frozen=True, slots=True)
class EndHungRuns:
    """Acquires the lock of each job that has hung runs, while it fails their open pages."""

    org_id: UUID
    ledger: Ledger
    database: Database
    recovery: Recovery
    logger: Logger

    def __call__(self) -> dict[UUID, bool]:
        """Return the hung runs, and for each whether it has ended now.

        The next check takes a run whose workers may still be active, or that could not be ended.

        Raises:
            LedgerUnavailable: the ledger did not answer.
        """
        hung: dict[UUID, bool] = {}
        lost = self._find_lost()
        for job_name in sorted(JOBS):
            for dry_run in (False, True):  # each has its own lock
                of_job = {
                    e.job_run_id for e in lost if (e.job_name, e.dry_run) == (job_name, dry_run)
                }
                hung |= self._end(job_name, of_job, dry_run=dry_run)
        return hung

    def _find_lost(self) -> list[Execution]:
        """Return the log's running rows whose run has ended, or which the ledger has lost.

        If the database does not answer, the list is empty: the runs in the ledger are ended anyway.
        """
        database = self.database.once()  # the next check asks again
        try:
            rows = database.list_running_executions(self.org_id, _LOST_MINUTES, _LOST_AT_ONCE)
        except MentorPauseError as error:
            self.logger.error("lost runs not checked", extra={"reason": describe(error)})
            return []
        return [row for row in rows if not self._is_running(row.job_run_id)]

    def _is_running(self, job_run_id: UUID) -> bool:
        run = self.ledger.find_run(job_run_id)
        return run is not None and run.status == "running"

    def _end(self, job_name: str, lost: set[UUID], *, dry_run: bool) -> dict[UUID, bool]:
        trigger_id = f"monitor-{uuid4()}"
        trigger = Trigger(job_name, self.org_id, "event", trigger_id, "monitor", dry_run=dry_run)
        ledger, now = self.ledger, self.ledger.now()
        hung = ledger.locks.find_hung(trigger, now - _PATIENCE, now - WAITING_PATIENCE)
        hung = {job_run_id for job_run_id in hung if not self._is_waiting(job_run_id)}
        if not (hung or lost):
            return {}
        lock = ledger.locks.acquire(trigger, str(uuid4()), ledger.leases.dispatch)
        if isinstance(lock, Held):
            return {}  # the new holder ends them before anything else
        try:
            runs = self._take_over(lock, (lock.abandoned & hung) | lost)
        except LeaseLost as error:
            self.logger.error("monitor superseded", extra={"reason": str(error)})
            return {}
        finally:
            ledger.locks.abandon(trigger)
        # After the lock is released: a consumer of the event may start the next run at once.
        return {job_run_id: self._complete(lock, run) for job_run_id, run in runs.items()}

    def _is_waiting(self, job_run_id: UUID) -> bool:
        """Whether a run waits for a service, and has asked for it not long ago.

        The lock of a run that is being completed is released, so no lease says that it is alive.
        """
        run = self.ledger.find_run(job_run_id)
        return run is not None and run.is_waiting and self.recovery.may_be_active(run)

    def _take_over(self, lock: Lock, runs: AbstractSet[UUID]) -> dict[UUID, Run | bool]:
        """Return the runs to be completed; for the other hung runs, whether they have ended."""
        recovery, taken = self.recovery, dict[UUID, Run | bool]()
        for job_run_id in sorted(runs):
            taken[job_run_id] = False
            with recovery.logged(job_run_id):
                was_known = self.ledger.find_run(job_run_id) is not None
                run = recovery.take_over(lock, job_run_id, _REASON)
                taken[job_run_id] = run or True
                if run is None and was_known:
                    del taken[job_run_id]  # it had ended, and only the lock still listed it
        return taken

    def _complete(self, lock: Lock, run: Run | bool) -> bool:
        if isinstance(run, bool):
            return run
        with self.recovery.logged(run.job_run_id):
            state = self.recovery.completion.complete_if_done(run, lock.claimant)
            return state in ("ended", "ended_by_another")
        return False
