"""Completes a run when all its pages are closed (E7, E8, E11), the same for every job.

A worker that closes a page calls `complete_if_done` before it acknowledges the page's message, and
the dispatcher calls it when paging has ended. One caller claims the completion. Each step can be
repeated, and the run is marked as ended last: after a crash anywhere in between, SQS delivers the
message again and the steps are repeated. The summary line is therefore logged at least once, and
twice only if its writer dies, or DynamoDB is away, between the line and the mark. The lock is
released before the event is published, because a consumer may start the next run at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.aws.event_bus import EventPublisher
from mentor_pause.database.client import Database
from mentor_pause.domain.messages import RunCompleted
from mentor_pause.domain.reasons import cut, describe_errors, join_notes
from mentor_pause.domain.runs import MentorResult, Page, Run
from mentor_pause.domain.summary import Summary, summarise_with_data
from mentor_pause.errors import (
    DatabaseError,
    EventBusUnavailable,
    MentorPauseError,
    RetryableDatabaseError,
    describe,
)
from mentor_pause.ledger.runs import Ledger

SUMMARY_MESSAGES = ("run completed", "run completed, more mentors")
"""The message of the summary line, and of the lines with the ids that do not fit in it."""

_IDS_PER_LINE = 4000
"""Lambda cuts a log line at 256 KB; an id takes 40 bytes there."""

_LONGEST_REMARK = 3800
"""The row's text ends at 4,000 characters; a late correction needs some of them."""

_LONGEST_RUN_ERROR = 800

_ERRORS_ROOM = 2400
"""Characters for about nine reasons with examples; the summary line has twenty."""

type CompletionState = Literal["open", "ended", "ended_by_another", "claimed_by_another"]
"""`open`: pages are missing. `ended`: the run has ended.

`ended_by_another`: another worker has just ended it. `claimed_by_another`: another worker is
completing it; check again later.
"""


@dataclass(frozen=True, slots=True)
class Completion:
    """Completes runs."""

    ledger: Ledger
    database: Database
    publisher: EventPublisher
    logger: Logger

    def complete_if_done(self, run: Run, claimant: str) -> CompletionState:
        """Complete the run if all its pages are closed; otherwise extend its lease.

        `claimant` names the caller's unit of work and stays the same when that is repeated.

        Raises:
            TransientError: a step failed; call again later.
        """
        if run.status != "running":
            return "ended"
        if not run.all_pages_closed:
            self.ledger.extend_lease(run)
            return "open"
        if not self.ledger.claim_completion(run.job_run_id, claimant):
            found = self.ledger.find_run(run.job_run_id)
            is_running = found is not None and found.status == "running"
            return "claimed_by_another" if is_running else "ended_by_another"
        self._complete(run)
        return "ended"

    def report_late_changes(self, run: Run, mentor_ids: Sequence[UUID]) -> None:
        """Report mentors that a worker processed after their page had been closed as failed.

        The run's log line, its event and the reasons in its row stay. The database corrects the
        row's counts and says so in the row's text, so that the row agrees with the history. The
        coordinators are notified.

        Raises:
            TransientError: the database is away; SQS delivers the page again.
        """
        if not mentor_ids:
            return
        results = results_in_database(run, mentor_ids, self.database)
        late = sorted(str(mentor) for mentor, result in results.items() if result == "applied")
        if late:
            self.logger.error("processed after the page had failed", extra={"mentor_ids": late})
            self.database.notify_coordinators(run.job_run_id)
            self.database.report_late_changes(run.job_run_id)

    def _complete(self, run: Run) -> None:
        pages = self.ledger.pages.list(run.job_run_id)
        summary = summary_of(run, pages, self.database)
        status = "failed" if run.error else "completed"
        unnotified = self._unless_refused(
            "notifications",
            lambda: self.database.notify_coordinators(run.job_run_id),
            is_optional=True,
        )
        remark = _remark(run, summary, pages, unnotified)
        self._unless_refused(
            "log row", lambda: self.database.finish_execution(summary, status, remark)
        )
        self.ledger.locks.release(run.trigger)
        self._publish(_event(run, summary, status, self._count_unsynced(run)))
        for message, line in _lines(run, summary, status):
            self.logger.info(message, extra=line)
        self.ledger.end_run(run.job_run_id, status, summary.errors)
        self.ledger.locks.remove_open_run(run.trigger, run.job_run_id)

    def _unless_refused(
        self, step: str, call: Callable[[], object], *, is_optional: bool = False
    ) -> str:
        """Do a step. A step that the database refuses does not keep the run open (E8).

        An optional step is also left out when it takes too long, or cannot be called although the
        database is there.

        Returns:
            Why the database refused the step; empty if it did not.

        Raises:
            TransientError: the step may succeed later.
        """
        try:
            call()
        except (DatabaseError, RetryableDatabaseError) as error:
            is_refused = isinstance(error, DatabaseError)
            if not (is_refused or (is_optional and _is_about_this_call(error))):
                raise
            self.logger.error(
                "run completed without a step",
                extra={"step": step, "sqlstate": error.sqlstate, "reason": describe(error)},
            )
            return f"{step} refused by the database: {describe(error)}"
        return ""

    def _count_unsynced(self, run: Run) -> int:
        """Count the mentors that a sync run left unsynced; the next sync run takes them (H4)."""
        if run.effect != "synced":
            return 0
        try:
            return self.database.count_unsynced_since_run(run.job_run_id)
        except MentorPauseError as error:
            self.logger.error("unsynced mentors not counted", extra={"reason": describe(error)})
            return 1  # one sync run too many is better than one too few

    def _publish(self, event: RunCompleted) -> None:
        """Publish the event. A failure does not keep the run open: consumers run nightly too."""
        try:
            self.publisher.publish(event)
        except EventBusUnavailable as error:
            self.logger.error(
                "run not announced",
                extra={"job_run_id": str(event.job_run_id), "reason": str(error)},
            )


def summary_of(run: Run, pages: Sequence[Page], database: Database) -> Summary:
    """Add up a run's pages; the database decides about mentors whose answer was lost."""
    summary = summarise_with_data(
        run, pages, lambda errored: results_in_database(run, errored, database)
    )
    if run.effect != "synced":
        return summary
    return replace(summary, renewed_count=database.count_run_renewals(run.job_run_id))


def results_in_database(
    run: Run, mentor_ids: Sequence[UUID], database: Database
) -> Mapping[UUID, MentorResult]:
    """Return what the database knows about a run's mentors; unchanged mentors are left out."""
    return database.list_run_outcomes(run.trigger.org_id, run.job_run_id, run.as_of, mentor_ids)


def _is_about_this_call(error: RetryableDatabaseError) -> bool:
    """Whether the database is there, and only this call takes too long or cannot be made."""
    return (error.sqlstate or "").startswith(("57014", "42", "0A", "PGRST202"))


def _remark(run: Run, summary: Summary, pages: Sequence[Page], unnotified: str) -> str | None:
    """Return the text of the run's row; None only if there are no errors.

    The run's own error comes first, then the mentors' errors, then everything else that fits.
    """
    notes = join_notes(*(page.outcome.note for page in pages if page.outcome))
    waited = f"pages had to wait: {run.wait_reason}" if run.wait_reason else ""
    error = cut(run.error or "", _LONGEST_RUN_ERROR)
    parts = (error, describe_errors(summary.errors, _ERRORS_ROOM), unnotified, notes, waited)
    return cut("; ".join(filter(None, parts)), _LONGEST_REMARK) or None


def _lines(run: Run, summary: Summary, status: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the summary line, and numbered lines with the ids that do not fit in it (E7)."""
    first, *more = summary.parts(_IDS_PER_LINE)
    yield (
        SUMMARY_MESSAGES[0],
        {
            **{name: value for name, value in summary.as_json().items() if name not in first},
            "job_name": run.trigger.job_name,
            "as_of": run.as_of.isoformat(),
            "dry_run": run.trigger.dry_run,
            "status": status,
            **({"redrive_of": str(run.trigger.redrive_of)} if run.trigger.redrive_of else {}),
            **({"error": run.error} if run.error else {}),
            **({"lines": 1 + len(more)} if more else {}),
            **first,
        },
    )
    for number, ids in enumerate(more, 2):
        yield (
            SUMMARY_MESSAGES[1],
            {"job_run_id": str(run.job_run_id), "line": number, "lines": 1 + len(more), **ids},
        )


def _event(
    run: Run, summary: Summary, status: Literal["completed", "failed"], left_count: int
) -> RunCompleted:
    counts = summary.counts()
    return RunCompleted(
        job_name=run.trigger.job_name,
        job_run_id=run.job_run_id,
        org_id=run.trigger.org_id,
        as_of=run.as_of,
        dry_run=run.trigger.dry_run,
        status=status,
        processed_count=summary.processed_count,
        paused_count=counts.get("paused_count", 0),
        synced_count=counts.get("synced_count", 0),
        skipped_count=len(summary.skipped),
        error_count=len(summary.errored),
        renewed_count=summary.renewed_count or 0,
        left_count=left_count,
        redrive_of=run.trigger.redrive_of,
    )
