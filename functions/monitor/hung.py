"""Ends runs that hang: they have not ended, and nobody has a lease on their lock (O2, E8)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from mentor_pause.errors import LeaseLost
from mentor_pause.jobs import JOBS
from mentor_pause.ledger import Ledger
from mentor_pause.lock import Held, Lock
from mentor_pause.recovery import Recovery
from mentor_pause.retry import Retry
from mentor_pause.runs import Firing, Run

_PATIENCE = timedelta(minutes=10)
"""Lambda repeats a dispatcher's failed delivery after one minute and after two more: who only lost
a lease is resumed before we come, and has its night."""

_REASON = "hung; ended by the monitor"


class EndHungRuns:
    """Takes the lock of each job that has hung runs, for as long as it takes to end them."""

    def __init__(
        self,
        org_id: UUID,
        ledger: Ledger,
        recovery: Recovery,
        retry: Retry,
        clock: Callable[[], datetime],
        logger: Logger,
    ) -> None:
        """`retry` wraps the calls to the ledger."""
        self._org_id = org_id
        self._ledger = ledger
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
        for job_name in sorted(JOBS):
            for dry_run in (False, True):  # each has a lock of its own
                found |= self._end(job_name, dry_run=dry_run)
        return found

    def _end(self, job_name: str, *, dry_run: bool) -> dict[UUID, bool]:
        trigger_id = f"monitor-{uuid4()}"
        firing = Firing(job_name, self._org_id, "event", trigger_id, "monitor", dry_run=dry_run)
        since = self._clock() - _PATIENCE
        if not self._retry(lambda: self._ledger.locks.find_hung(firing, since)):
            return {}
        holder, lease = str(uuid4()), self._ledger.leases.dispatch
        lock = self._retry(lambda: self._ledger.locks.acquire(firing, holder, self._clock(), lease))
        if isinstance(lock, Held):
            return {}  # somebody was faster, and ends them before anything else
        try:
            found = self._take_over(lock)
        except LeaseLost as error:
            self._logger.error("monitor superseded", extra={"reason": str(error)})
            return {}
        finally:
            self._recovery.let_go(firing)
        # Without the lock: who hears that a run has ended may want to start the next one at once.
        return {job_run_id: self._settle(lock, run) for job_run_id, run in found.items()}

    def _take_over(self, lock: Lock) -> dict[UUID, Run | bool]:
        """Return the runs that are still to be settled; of others that hung, whether they ended."""
        found: dict[UUID, Run | bool] = {}
        for job_run_id in sorted(lock.abandoned):
            found[job_run_id] = False
            with self._recovery.logged(job_run_id):
                began = self._retry(lambda id_=job_run_id: self._ledger.find_run(id_)) is not None
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
