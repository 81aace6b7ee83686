"""Completes a run when its set of pages is whole (E7, E8, E11), the same for every job.

Whoever closes a page calls this before the page's message is acknowledged; the dispatcher calls
it when paging has ended. One of them claims the completion. Each step can be repeated, and the
run is marked as ended last: after a crash anywhere in between the redelivered message does it all
again. So the summary line comes at least once, and again only if its writer dies, or the ledger is
away, between the line and the mark. The lock is given back before the run is announced: who listens
may want to start the next one at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.bus import Bus
from mentor_pause.errors import BusUnavailable, MentorPauseError, describe
from mentor_pause.events import RunCompleted
from mentor_pause.ledger import Ledger
from mentor_pause.retry import Retry
from mentor_pause.runs import Page, Run, Summary, summarise_with_history
from mentor_pause.supabase import Database

type Clock = Callable[[], datetime]
type Settled = Literal["open", "ended", "overtaken", "claimed"]
"""Pages are missing; the run has ended; it has, and somebody else did it just now; somebody else is
at it, look again later."""


class Completion:
    """Settles runs."""

    def __init__(
        self,
        ledger: Ledger,
        database: Database,
        bus: Bus,
        retry: Retry,
        clock: Clock,
        logger: Logger,
    ) -> None:
        """`retry` wraps every call, one by one."""
        self._ledger = ledger
        self._database = database
        self._bus = bus
        self._retry = retry
        self._clock = clock
        self._logger = logger

    def settle(self, run: Run, claimant: str) -> Settled:
        """Complete the run if its pages are all closed; else keep its lease alive.

        `claimant` names the caller's unit of work, the same when that is repeated.

        Raises:
            TransientError: a step failed; settle again later.
        """
        if run.status != "running":
            return "ended"
        if not run.is_whole:
            self._retry(lambda: self._ledger.keep_alive(run, self._clock()))
            return "open"
        job_run_id = run.job_run_id
        claim = self._ledger.claim_completion
        if not self._retry(lambda: claim(job_run_id, claimant, self._clock())):
            found = self._retry(lambda: self._ledger.find_run(job_run_id))
            return "claimed" if found and found.status == "running" else "overtaken"
        self._complete(run)
        return "ended"

    def tell_late(self, run: Run, mentor_ids: Sequence[UUID]) -> None:
        """Make known who of a page that was given up was done all the same, by the data.

        The run's line and row stay as they were said; its history has the truth.

        Raises:
            TransientError: the database is away; the page comes again.
        """
        changes = self._database.list_run_changes
        done = self._retry(lambda: changes(run.job_run_id, mentor_ids)) if mentor_ids else ()
        if done:
            self._logger.error(
                "done though its page was given up",
                extra={"mentor_ids": sorted(map(str, done))},
            )
            self._retry(lambda: self._database.notify_coordinators(run.job_run_id))

    def _complete(self, run: Run) -> None:
        pages = self._retry(lambda: self._ledger.pages(run.job_run_id))
        summary = summary_of(run, pages, self._database, self._retry)
        status = "failed" if run.error else "completed"
        self._retry(lambda: self._database.notify_coordinators(run.job_run_id))
        notes = (page.outcome.note for page in pages if page.outcome)
        remark = run.error or next(filter(None, notes), None)
        self._retry(lambda: self._database.finish_execution(summary, status, remark))
        self._retry(lambda: self._ledger.locks.release(run.firing, self._clock()))
        self._announce(_announcement(run, summary, status, self._left(run)))
        self._logger.info("run completed", extra=_line(run, summary, status))
        self._retry(lambda: self._ledger.end_run(run.job_run_id, status, self._clock()))
        self._retry(lambda: self._ledger.locks.forget(run.firing, run.job_run_id))

    def _left(self, run: Run) -> int:
        """Count whom a sync run left behind; from now on another one can take them (H4)."""
        if run.effect != "synced":
            return 0
        try:
            return self._retry(lambda: self._database.count_unsynced_since_run(run.job_run_id))
        except MentorPauseError as error:
            self._logger.error("who is left was not counted", extra={"reason": describe(error)})
            return 1  # one run too many is better than one too few

    def _announce(self, event: RunCompleted) -> None:
        """A bus that is down must not keep the run open; who listens runs every night as well."""
        try:
            self._retry(lambda: self._bus.announce(event))
        except BusUnavailable as error:
            self._logger.error(
                "run not announced",
                extra={"job_run_id": str(event.job_run_id), "reason": str(error)},
            )


def summary_of(run: Run, pages: Sequence[Page], database: Database, retry: Retry) -> Summary:
    """Return what a run's pages come to, by the data where an answer was lost."""
    job_run_id = run.job_run_id
    summary = summarise_with_history(
        run,
        pages,
        lambda errored: retry(lambda: database.list_run_changes(job_run_id, errored)),
    )
    if run.effect != "synced":
        return summary
    return replace(summary, renewed_count=retry(lambda: database.count_run_renewals(job_run_id)))


def _line(run: Run, summary: Summary, status: str) -> dict[str, object]:
    return {
        **summary.as_json(),
        "job_name": run.firing.job_name,
        "as_of": run.as_of.isoformat(),
        "dry_run": run.firing.dry_run,
        "status": status,
        **({"redrive_of": str(run.firing.redrive_of)} if run.firing.redrive_of else {}),
        **({"error": run.error} if run.error else {}),
    }


def _announcement(
    run: Run, summary: Summary, status: Literal["completed", "failed"], left_count: int
) -> RunCompleted:
    counts = summary.counts()
    return RunCompleted(
        job_name=run.firing.job_name,
        job_run_id=run.job_run_id,
        org_id=run.firing.org_id,
        as_of=run.as_of,
        dry_run=run.firing.dry_run,
        status=status,
        processed_count=summary.processed_count,
        paused_count=counts.get("paused_count", 0),
        synced_count=counts.get("synced_count", 0),
        skipped_count=len(summary.skipped),
        error_count=len(summary.errored),
        renewed_count=summary.renewed_count or 0,
        left_count=left_count,
        redrive_of=run.firing.redrive_of,
    )
