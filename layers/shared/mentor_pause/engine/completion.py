"""Completes a run when its set of pages is whole (E7, E8, E11), the same for every job.

Whoever closes a page calls this before the page's message is acknowledged; the dispatcher calls
it when paging has ended. One of them claims the completion. Each step can be repeated, and the
run is marked as ended last: after a crash anywhere in between the redelivered message does it all
again. So the summary line comes at least once, and again only if its writer dies, or the ledger is
away, between the line and the mark. The lock is given back before the run is announced: who listens
may want to start the next one at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.aws.events import Bus
from mentor_pause.database.client import Database
from mentor_pause.domain.messages import RunCompleted
from mentor_pause.domain.reasons import cut, join_notes, tell
from mentor_pause.domain.runs import MentorResult, Page, Run, Summary, summarise_with_data
from mentor_pause.errors import (
    BusUnavailable,
    DatabaseError,
    MentorPauseError,
    RetryableDatabaseError,
    describe,
)
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Retry

SUMMARY_MESSAGES = ("run completed", "run completed, more mentors")
"""The messages of a summary line, and of the lines that go on with its ids."""

_IDS_IN_A_LINE = 4000
"""Lambda cuts a log line at 256 KB; an id takes 40 bytes there."""

_LONGEST_REMARK = 3800
"""The row's text ends at 4,000 characters; a late correction needs some of them."""

_LONGEST_RUN_ERROR = 800

_REASONS_ROOM = 2400
"""Some nine reasons with examples; the summary line has twenty."""

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

    def report_late(self, run: Run, mentor_ids: Sequence[UUID]) -> None:
        """Report mentors that were settled after their page had been closed as failed.

        The run's line, its event and the reasons in its row stay as they were written. The database
        corrects the row's counts and adds to its text that it did, so that its last word agrees
        with the history. The coordinators are notified.

        Raises:
            TransientError: the database is away; the page comes again.
        """
        if not mentor_ids:
            return
        results = results_by_data(run, mentor_ids, self._database, self._retry)
        late = sorted(str(mentor) for mentor, result in results.items() if result == "done")
        if late:
            self._logger.error("settled after the page had failed", extra={"mentor_ids": late})
            self._retry(lambda: self._database.notify_coordinators(run.job_run_id))
            self._retry(lambda: self._database.report_late_changes(run.job_run_id))

    def _complete(self, run: Run) -> None:
        pages = self._retry(lambda: self._ledger.pages(run.job_run_id))
        summary = summary_of(run, pages, self._database, self._retry)
        status = "failed" if run.error else "completed"
        notify, finish = self._database.notify_coordinators, self._database.finish_execution
        unnotified = self._unless_refused(
            "notifications", lambda: notify(run.job_run_id), optional=True
        )
        remark = _remark(run, summary, pages, unnotified)
        self._unless_refused("log row", lambda: finish(summary, status, remark))
        self._retry(lambda: self._ledger.locks.release(run.firing, self._clock()))
        self._announce(_announcement(run, summary, status, self._left(run)))
        for message, line in _lines(run, summary, status):
            self._logger.info(message, extra=line)
        end_run = self._ledger.end_run
        self._retry(lambda: end_run(run.job_run_id, status, self._clock(), summary.errors))
        self._retry(lambda: self._ledger.locks.forget(run.firing, run.job_run_id))

    def _unless_refused(
        self, step: str, call: Callable[[], object], *, optional: bool = False
    ) -> str:
        """Do a step; return why the database refuses it for good, which keeps no run open (E8).

        An `optional` step is left out, too, when it takes too long or cannot be called at all while
        the database is there.

        Raises:
            TransientError: the step may succeed later.
        """
        try:
            self._retry(call)
        except (DatabaseError, RetryableDatabaseError) as error:
            if not (isinstance(error, DatabaseError) or (optional and _is_about_this_call(error))):
                raise
            self._logger.error(
                "run completed without a step",
                extra={"step": step, "sqlstate": error.sqlstate, "reason": describe(error)},
            )
            return f"{step} refused by the database: {describe(error)}"
        return ""

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
    summary = summarise_with_data(
        run, pages, lambda errored: results_by_data(run, errored, database, retry)
    )
    if run.effect != "synced":
        return summary
    return replace(
        summary, renewed_count=retry(lambda: database.count_run_renewals(run.job_run_id))
    )


def _is_about_this_call(error: RetryableDatabaseError) -> bool:
    """Whether the database is there, and this one call takes too long or cannot be made."""
    return (error.sqlstate or "").startswith(("57014", "42", "0A", "PGRST202"))


def results_by_data(
    run: Run, mentor_ids: Sequence[UUID], database: Database, retry: Retry
) -> Mapping[UUID, MentorResult]:
    """Return what the data says about mentors of a run; mentors that still need it are left out."""
    ask = database.list_run_outcomes
    return retry(lambda: ask(run.firing.org_id, run.job_run_id, run.as_of, mentor_ids))


def _remark(run: Run, summary: Summary, pages: Sequence[Page], unnotified: str) -> str | None:
    """Return what the run's row should say beside its counts; never nothing if there are errors.

    The run's own error comes first, then the reasons of the errors, then everything else that has
    room.
    """
    notes = join_notes(*(page.outcome.note for page in pages if page.outcome))
    waited = f"pages had to wait: {run.trouble}" if run.trouble else ""
    error = cut(run.error or "", _LONGEST_RUN_ERROR)
    said = (error, tell(summary.errors, _REASONS_ROOM), unnotified, notes, waited)
    return cut("; ".join(filter(None, said)), _LONGEST_REMARK) or None


def _lines(run: Run, summary: Summary, status: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the summary line, and numbered lines with the ids that it has no room for (E7)."""
    first, *more = summary.parts(_IDS_IN_A_LINE)
    yield (
        "run completed",
        {
            **{name: value for name, value in summary.as_json().items() if name not in first},
            "job_name": run.firing.job_name,
            "as_of": run.as_of.isoformat(),
            "dry_run": run.firing.dry_run,
            "status": status,
            **({"redrive_of": str(run.firing.redrive_of)} if run.firing.redrive_of else {}),
            **({"error": run.error} if run.error else {}),
            **({"lines": 1 + len(more)} if more else {}),
            **first,
        },
    )
    for number, ids in enumerate(more, 2):
        yield SUMMARY_MESSAGES[1], {
            "job_run_id": str(run.job_run_id), "line": number, "lines": 1 + len(more), **ids
        }  # fmt: skip


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
