"""Completes a run when all its pages are closed (E7, E8, E11), the same for every job.

A worker that closes a page calls `complete_if_done` before it acknowledges the page's message, and
the dispatcher calls it when paging has ended. One caller claims the completion:

1. It releases the lock, because no page will change any more. The next run may begin.
2. It adds up the pages, some at a time, and logs lines with ids while they fill lines.
3. It writes the messages to coordinators and mentors, in batches, and the day's warnings (W1).
4. It ends the row in the execution log, publishes the event, and logs the summary line.
5. It marks the run as ended.

Each step can be repeated, and the run is marked as ended last: after a crash anywhere in between,
SQS delivers the message again and the steps are repeated. A line is therefore logged at least once,
and twice only if its writer dies, or DynamoDB is away, between the line and the next write. The two
long steps save their place in the ledger (`ledger.checkpoint`). If the time runs out, the caller is
told, and another process goes on from there. A step that the database refuses for good does not
keep the run open.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.aws.event_bus import EventPublisher
from mentor_pause.database.client import Database
from mentor_pause.domain.messages import RunCompleted
from mentor_pause.domain.run_report import completed_event, ids_line, log_row_text, summary_line
from mentor_pause.domain.runs import Page, PageOutcome, Run
from mentor_pause.domain.summary import settle
from mentor_pause.domain.tally import IDS_PER_LINE
from mentor_pause.engine.expiry_warnings import ExpiryWarnings
from mentor_pause.engine.notifications import MOST, TOO_LONG, Notifications
from mentor_pause.engine.outcomes import results_in_database, settle_in_database
from mentor_pause.engine.run_log import naming_run_in_log
from mentor_pause.errors import (
    DatabaseError,
    DatabaseUnavailable,
    EventBusUnavailable,
    MentorPauseError,
    RetryableDatabaseError,
    TransientError,
    describe,
)
from mentor_pause.ledger.checkpoint import Checkpoint
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Remaining, seconds_left

type CompletionState = Literal[
    "open", "ended", "ended_by_another", "claimed_by_another", "unfinished"
]
"""`open`: pages are missing. `ended`: this call ended the run, or it had ended before.

`ended_by_another`: it ended after this caller had read it as running. `claimed_by_another`: another
worker is completing it; check again later. `unfinished`: the time of this caller ran out; another
call goes on.
"""

_SAVED_EVERY = 15.0
"""Seconds after which the counts are saved. The claim of a completion lasts 40 s."""

_FRESH = timedelta(seconds=10)
"""A claim is not renewed before."""

_WORTH_SAVING = 5.0
"""Seconds of work that are saved when a service fails."""

_LAST_SECONDS = 12.0
"""No batch begins with less time left: a call to the database may take 8 s."""

_MESSAGES = ("notifications", "warnings")
"""Steps that write messages; the run's row says which of them were left out."""

_MOST_FAILURES = 5
"""Failed attempts after which the run completes without a step."""


class _Interrupted(Exception):
    """The completion stops here; its place is saved."""

    def __init__(self, state: CompletionState) -> None:
        super().__init__(state)
        self.state: CompletionState = state


@dataclass(frozen=True, slots=True)
class Batches:
    """How much of a run one step of its completion takes."""

    ids_per_line: int = IDS_PER_LINE
    pages: int = 500
    """Pages after which the counts are saved, if no line with ids was due before."""
    notified: int = MOST
    """Mentors in one call that notifies their coordinators."""
    kept_ids: int = 1000
    """So many ids the ledger keeps, so that a run of one line stays so."""


BATCHES = Batches()


@dataclass(slots=True)
class _Work:
    """The completion of one run by one caller."""

    run: Run
    claimant: str
    checkpoint: Checkpoint
    claimed_at: datetime
    """When the completion was claimed last, by the ledger's clock."""
    saved_at: float
    """When the counts were saved last, by `Completion.stopwatch`."""
    has_decided: bool = False
    """The database was asked about mentors who count as errors."""
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    """Why the database refused a step, by the step's name."""


@dataclass(frozen=True, slots=True)
class Completion:
    """Completes runs."""

    ledger: Ledger
    database: Database
    publisher: EventPublisher
    logger: Logger
    seconds_left: Remaining = seconds_left
    """Returns the seconds until the caller's work must have ended."""
    batches: Batches = BATCHES
    stopwatch: Callable[[], float] = time.monotonic
    """Returns seconds that only grow."""

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
        with naming_run_in_log(self.logger, run.job_run_id):
            return self._complete_once(run, claimant)

    def _complete_once(self, run: Run, claimant: str) -> CompletionState:
        if not self.ledger.claim_completion(run, claimant):
            latest = self.ledger.find_run(run.job_run_id)
            is_running = latest is not None and latest.status == "running"
            return "claimed_by_another" if is_running else "ended_by_another"
        self.ledger.locks.release(run.trigger)
        checkpoint = self.ledger.checkpoints.find(run.job_run_id)
        try:
            self._complete(_Work(run, claimant, checkpoint, self.ledger.now(), self.stopwatch()))
        except _Interrupted as interrupted:
            self.ledger.return_claim(run.job_run_id, claimant)
            return interrupted.state
        except TransientError:
            with suppress(TransientError):  # then the claim runs out
                self.ledger.return_claim(run.job_run_id, claimant)
            raise
        return "ended"

    def report_late_changes(
        self, run: Run, mentor_ids: Sequence[UUID], *, is_late: bool = True
    ) -> None:
        """Report mentors that a worker processed after their page had been closed as failed.

        The run's log line, its event and the reasons in its row are not changed. The database
        corrects the row's counts and says so in the row's text, so that the row agrees with the
        history. The coordinators are notified. `is_late`: the run had ended before; otherwise it
        is late only if the row's counts are wrong.

        Raises:
            TransientError: the database is away; SQS delivers the page again.
        """
        if not mentor_ids:
            return
        results = results_in_database(run, mentor_ids, self.database)
        late = sorted(mentor for mentor, result in results.items() if result == "applied")
        if late:
            Notifications(self.database).add_some(run.job_run_id, mentor_ids)
            is_corrected = self.database.report_late_changes(run.job_run_id)
            if is_late or is_corrected:
                named = [str(mentor) for mentor in late]
                self.logger.error(
                    "processed after the page had failed", extra={"mentor_ids": named}
                )

    def _complete(self, work: _Work) -> None:
        run, tally = work.run, work.checkpoint.tally
        self._add_pages(work)
        self._keep_decisions(work)
        self._unless_refused(work, "notifications", lambda: self._notify(work))
        self._unless_refused(work, "warnings", lambda: self._warn(work))
        totals = tally.totals(run, self._count_renewed(work))
        status = "failed" if run.error else "completed"
        left_out = [work.left_out[step] for step in _MESSAGES if step in work.left_out]
        remark = log_row_text(run, totals, tally.notes, left_out)
        self._assert_claimed(work)
        finished = self._unless_refused(
            work, "log row", lambda: self.database.finish_execution(totals, status, remark)
        )
        totals = replace(totals, brake=finished and finished.brake)
        left_count = self._count_unsynced(run)
        self._assert_claimed(work)
        self._publish(completed_event(run, totals, status, left_count))
        message, line = summary_line(run, totals, tally, status)
        self.logger.info(message, extra=line)
        self.ledger.end_run(run.job_run_id, status, totals.errors)
        self.ledger.locks.remove_open_run(run.trigger, run.job_run_id)

    def _add_pages(self, work: _Work) -> None:
        run, tally = work.run, work.checkpoint.tally
        total = run.pages_total or 0
        try:
            for page in self.ledger.pages.read(run.job_run_id, range(tally.page + 1, total + 1)):
                tally.add(page.number, self._settle(work, page))
                if page.number < total and self._is_due(work):
                    self._renew_claim(work)
                    self._save_tally(work)
                    self._assert_time()
        except TransientError:
            if self.stopwatch() - work.saved_at > _WORTH_SAVING:
                with suppress(TransientError):
                    self._save_tally(work)
            raise

    def _is_due(self, work: _Work) -> bool:
        """Whether the counts are to be saved: a line is full, or many pages or seconds passed."""
        tally = work.checkpoint.tally
        return (
            tally.fills_a_line(self.batches.ids_per_line)
            or tally.page % self.batches.pages == 0
            or self.seconds_left() < _LAST_SECONDS
            or self.stopwatch() - work.saved_at > _SAVED_EVERY
        )

    def _save_tally(self, work: _Work) -> None:
        """Log the ids that no line has yet, and save the counts."""
        run, tally = work.run, work.checkpoint.tally
        if tally.unlogged:
            tally.lines += 1
            message, line = ids_line(run, tally)
            self.logger.info(message, extra=line)
            tally.forget_ids()
        self.ledger.checkpoints.save_tally(run.job_run_id, tally)
        work.saved_at = self.stopwatch()

    def _keep_decisions(self, work: _Work) -> None:
        """Save the counts if the database decided about errors.

        The lock is free, so another run may change these mentors. If this caller dies, the next one
        must not decide again: its line would not agree with the row.
        """
        run, tally = work.run, work.checkpoint.tally
        if not work.has_decided:
            return
        if tally.unlogged > self.batches.kept_ids:
            self._save_tally(work)
        else:
            self.ledger.checkpoints.save_tally(run.job_run_id, tally)

    def _settle(self, work: _Work, page: Page) -> PageOutcome:
        """Give every mentor of a page one result; the database decides about errors, if it can."""
        recorded = settle(work.run, page)
        if not recorded.errored:
            return recorded
        work.has_decided = True
        settled = self._unless_refused(
            work, "outcomes", lambda: settle_in_database(work.run, page, self.database)
        )
        return settled or recorded

    def _notify(self, work: _Work) -> None:
        notifications = Notifications(self.database, self.batches.notified)
        for last in notifications.add(work.run.job_run_id, work.checkpoint.notified_after):
            self._renew_claim(work)
            self.ledger.checkpoints.save_notified(work.run.job_run_id, last)
            self._assert_time()

    def _warn(self, work: _Work) -> None:
        for _ in ExpiryWarnings(self.database, self.ledger.now).write(work.run):
            self._renew_claim(work)
            self._assert_time()

    def _assert_time(self) -> None:
        """Raise `_Interrupted` if no other batch may begin."""
        if self.seconds_left() < _LAST_SECONDS:
            raise _Interrupted("unfinished")

    def _assert_claimed(self, work: _Work) -> None:
        """Renew the claim if it is not fresh, before a step that no two callers should do."""
        if self.ledger.now() - work.claimed_at > _FRESH:
            self._renew_claim(work)

    def _renew_claim(self, work: _Work) -> None:
        """Raise `_Interrupted` if another caller has the claim; otherwise renew it."""
        if not self.ledger.claim_completion(work.run, work.claimant):
            raise _Interrupted("claimed_by_another")
        work.claimed_at = self.ledger.now()

    def _unless_refused[T](self, work: _Work, step: str, call: Callable[[], T]) -> T | None:
        """Do a step. A step that the database refuses for good does not keep the run open (E8).

        Returns:
            What `call` returns; None: the database refuses the step, which is left out from now on.

        Raises:
            TransientError: the step may succeed later.
        """
        if step in work.left_out:
            return None
        try:
            return call()
        except (DatabaseError, RetryableDatabaseError) as error:
            if not self._is_refused(work, step, error):
                raise
            work.left_out[step] = f"{step} refused by the database: {describe(error)}"
            self.logger.error(
                "run completed without a step",
                extra={"step": step, "sqlstate": error.sqlstate, "reason": describe(error)},
            )
        return None

    def _is_refused(
        self, work: _Work, step: str, error: DatabaseError | RetryableDatabaseError
    ) -> bool:
        """Whether the database refuses a step for good.

        A refusal is for good at once, and so is the smallest batch of messages that takes too long.
        Other failures count while the database answers something else, until the next part
        of the completion is saved.
        """
        if isinstance(error, DatabaseError):
            return True
        if step in _MESSAGES and error.sqlstate == TOO_LONG:
            return True
        if isinstance(error, DatabaseUnavailable) and error.sqlstate != TOO_LONG:
            if self.seconds_left() < _LAST_SECONDS:
                return False  # the end of the invocation may have cut the call off
            trigger = work.run.trigger
            try:
                self.database.once().get_run_freshness(trigger.org_id, trigger.job_name)
            except (DatabaseError, RetryableDatabaseError):
                return False
        return self.ledger.checkpoints.count_failure(work.run.job_run_id, step) >= _MOST_FAILURES

    def _count_renewed(self, work: _Work) -> int | None:
        """Count the mentors that a sync run renewed; None: not a sync run, or not counted."""
        if work.run.effect != "synced":
            return None
        return self._unless_refused(
            work, "renewals", lambda: self.database.count_run_renewals(work.run.job_run_id)
        )

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
