"""Ends runs that hang: they have not ended, and nobody has a lease on their lock (O2, E8).

A run that the log calls running for long, and that the ledger does not know, hangs as well: the
ledger has lost it.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from mentor_pause.database.client import Database, Execution
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.runs import Firing, Run
from mentor_pause.engine.recovery import WAITING_PATIENCE, Recovery
from mentor_pause.errors import LeaseLost, MentorPauseError, describe
from mentor_pause.ledger.lock import Held, Lock
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Retry

_PATIENCE = timedelta(minutes=10)
"""Lambda repeats a dispatcher's failed delivery after one minute and after two more: who only lost
a lease is resumed before we come, and has its night."""

_LOST_MINUTES = 60
"""A run that the ledger knows is in it within seconds after its row was begun."""

_LOST_AT_ONCE = 100
"""Rows that one look takes; the next look takes the others."""

_REASON = "hung; ended by the monitor"


class EndHungRuns:
    """Takes the lock of each job that has hung runs, for as long as it takes to end them."""

    def __init__(
        self,
        org_id: UUID,
        ledger: Ledger,
        database: Database,
        recovery: Recovery,
        retry: Retry,
        clock: Callable[[], datetime],
        logger: Logger,
    ) -> None:
        """`retry` wraps the calls to ledger and database."""
        self._org_id = org_id
        self._ledger = ledger
        self._database = database
        self._recovery = recovery
        self._retry = retry
        self._clock = clock
        self._logger = logger

    def __call__(self) -> dict[UUID, bool]:
        """Return the runs that hung, and of each whether it has ended now.

        One whose workers may still be at it, or that could not be ended, is for the next look.

        Raises:
            LedgerUnavailable: the ledger could not be asked.
        """
        found: dict[UUID, bool] = {}
        lost = self._find_lost()
        for job_name in sorted(JOBS):
            for dry_run in (False, True):  # each has a lock of its own
                of_job = {
                    e.job_run_id for e in lost if (e.job_name, e.dry_run) == (job_name, dry_run)
                }
                found |= self._end(job_name, of_job, dry_run=dry_run)
        return found

    def _find_lost(self) -> list[Execution]:
        """Return the log's running rows that the ledger does not know; none if it cannot be asked.

        A database that is away must not keep the runs open that the ledger knows.
        """
        ask = self._database.list_running_executions
        try:
            rows = ask(self._org_id, _LOST_MINUTES, _LOST_AT_ONCE)  # the next look asks again
        except MentorPauseError as error:
            self._logger.error("lost runs not looked for", extra={"reason": describe(error)})
            return []
        return [row for row in rows if self._find_run(row.job_run_id) is None]

    def _find_run(self, job_run_id: UUID) -> Run | None:
        return self._retry(lambda: self._ledger.find_run(job_run_id))

    def _end(self, job_name: str, lost: set[UUID], *, dry_run: bool) -> dict[UUID, bool]:
        trigger_id = f"monitor-{uuid4()}"
        firing = Firing(job_name, self._org_id, "event", trigger_id, "monitor", dry_run=dry_run)
        since, kept_since = self._clock() - _PATIENCE, self._clock() - WAITING_PATIENCE
        find = self._ledger.locks.find_hung
        hung = self._retry(lambda: find(firing, since, kept_since))
        if not (hung or lost):
            return {}
        holder, lease = str(uuid4()), self._ledger.leases.dispatch
        lock = self._retry(lambda: self._ledger.locks.acquire(firing, holder, self._clock(), lease))
        if isinstance(lock, Held):
            return {}  # somebody was faster, and ends them before anything else
        try:
            found = self._take_over(lock, (lock.abandoned & hung) | lost)
        except LeaseLost as error:
            self._logger.error("monitor superseded", extra={"reason": str(error)})
            return {}
        finally:
            self._recovery.let_go(firing)
        # Without the lock: who hears that a run has ended may want to start the next one at once.
        return {job_run_id: self._settle(lock, run) for job_run_id, run in found.items()}

    def _take_over(self, lock: Lock, runs: AbstractSet[UUID]) -> dict[UUID, Run | bool]:
        """Return the runs that are still to be settled; of others that hung, whether they ended."""
        found: dict[UUID, Run | bool] = {}
        for job_run_id in sorted(runs):
            found[job_run_id] = False
            with self._recovery.logged(job_run_id):
                began = self._find_run(job_run_id) is not None
                run = self._recovery.take_over(lock, job_run_id, _REASON)
                found[job_run_id] = run or True
                if run is None and began:
                    del found[job_run_id]  # it had ended, and only its mark was left
        return found

    def _settle(self, lock: Lock, run: Run | bool) -> bool:
        if isinstance(run, bool):
            return run
        with self._recovery.logged(run.job_run_id):
            return self._recovery.settle(lock, run) in ("ended", "overtaken")
        return False
