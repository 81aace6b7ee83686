"""Completes a run when all its pages are closed (E7, E8, E11), the same for every job.

A worker that closes a page calls `complete_if_done` before it acknowledges the page's message, and
the dispatcher calls it when paging has ended. One caller claims the completion. Each step can be
repeated, and the run is marked as ended last: after a crash anywhere in between, SQS delivers the
message again and the steps are repeated. The summary line is therefore logged at least once, and
twice only if its writer dies, or DynamoDB is away, between the line and the mark. The lock is
released before the event is published, because a consumer may start the next run at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.aws.event_bus import EventPublisher
from mentor_pause.database.client import Database
from mentor_pause.domain.messages import RunCompleted
from mentor_pause.domain.run_report import completed_event, log_row_text, summary_lines
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

type CompletionState = Literal["open", "ended", "ended_by_another", "claimed_by_another"]
"""`open`: pages are missing. `ended`: this call ended the run, or it had ended before.

`ended_by_another`: it ended after this caller had read it as running. `claimed_by_another`: another
worker is completing it; check again later.
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
            latest = self.ledger.find_run(run.job_run_id)
            is_running = latest is not None and latest.status == "running"
            return "claimed_by_another" if is_running else "ended_by_another"
        self._complete(run)
        return "ended"

    def report_late_changes(self, run: Run, mentor_ids: Sequence[UUID]) -> None:
        """Report mentors that a worker processed after their page had been closed as failed.

        The run's log line, its event and the reasons in its row are not changed. The database
        corrects the row's counts and says so in the row's text, so that the row agrees with the
        history. The coordinators are notified.

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
        remark = log_row_text(run, summary, pages, unnotified)
        self._unless_refused(
            "log row", lambda: self.database.finish_execution(summary, status, remark)
        )
        self.ledger.locks.release(run.trigger)
        self._publish(completed_event(run, summary, status, self._count_unsynced(run)))
        for message, line in summary_lines(run, summary, status):
            self.logger.info(message, extra=line)
        self.ledger.end_run(run.job_run_id, status, summary.errors)
        self.ledger.locks.remove_open_run(run.trigger, run.job_run_id)

    def _unless_refused(
        self, step: str, call: Callable[[], object], *, is_optional: bool = False
    ) -> str:
        """Do a step. A step that the database refuses does not keep the run open (E8).

        The run also completes without an optional step that takes too long, or that cannot be
        called although the database answers.

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
        """Publish the event. A failure does not keep the run open: consumers also run nightly."""
        try:
            self.publisher.publish(event)
        except EventBusUnavailable as error:
            self.logger.error(
                "event not published",
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
    """Whether the database answers, and only this call takes too long or cannot be made."""
    return (error.sqlstate or "").startswith(("57014", "42", "0A", "PGRST202"))
