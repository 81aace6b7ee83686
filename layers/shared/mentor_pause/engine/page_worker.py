"""Handles page messages for every job: process the mentors, close the page, complete the run.

The worker acknowledges a message when its page is closed and, after the last page, its run is
completed. A page that an invocation could not finish goes back to the queue, and its progress stays
in the ledger:

- The worker processed at least one more mentor, or waits for a service (the database is away, the
  portal throttles): a fresh message, whose count of deliveries starts at one.
- Neither: the same message becomes visible again, and the delivery counts.

So only deliveries without progress count. After five of them SQS moves the message to the
dead-letter queue. The worker reads that queue too and closes the page: processed mentors keep their
results, and the others count as errors (E8, R1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from mentor_pause.aws.queues import Delivery, WorkerQueue
from mentor_pause.domain.error_reasons import (
    RequeueReason,
    join_notes,
    plain,
    reason_of_failed_page,
)
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import Page, PageOutcome, Run
from mentor_pause.engine.completion import Completion, CompletionState
from mentor_pause.engine.failed_delivery import FailedDelivery
from mentor_pause.engine.requeue import DeliveryFailed, PageResult, Requeue, Work
from mentor_pause.errors import InvalidRequest
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Remaining, time_limit

_COMPLETION_WAITS: Mapping[CompletionState, int] = {"claimed_by_another": 60, "unfinished": 0}
"""Seconds after which the page's message comes again, so that the run is completed."""

_LAST_SECOND = 1.0
"""Reserved for the answer to Lambda."""

_REQUEUE_SECONDS = 4.0
"""Reserved for the ledger and the queue, when the work on a page has failed."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The job whose queue a worker reads, and the organisation whose pages it accepts."""

    job_name: str
    org_id: UUID

    def has(self, message: MentorPage) -> bool:
        """Whether a page is within the scope."""
        job = JOBS.get(message.job_name)
        return job is not None and (job.worker, message.org_id) == (self.job_name, self.org_id)


@dataclass(frozen=True, slots=True)
class PageWorker:
    """Handles one SQS record. An exception leaves the message on the queue."""

    scope: Scope
    work: Work
    ledger: Ledger
    completion: Completion
    queue: WorkerQueue
    logger: Logger

    def __call__(self, record: SQSRecord, remaining: Remaining) -> None:
        """Handle the message; a normal return acknowledges it.

        Raises:
            MentorPauseError: SQS delivers it again, or moves it to the dead-letter queue.
        """
        delivery = delivery_of(record)
        self._refuse_unknown(delivery, record.message_id)
        seconds = remaining()
        try:
            with time_limit(seconds - _LAST_SECOND):
                self._take(delivery, record.message_id, remaining, seconds)
        finally:
            self.logger.remove_keys(["job_run_id", "page"])

    def _refuse_unknown(self, delivery: Delivery, message_id: str) -> None:
        """Accept only the worker's queue and its dead-letter queue (R5).

        A quarantined message that is sent here may be about a page already closed as failed.

        Raises:
            InvalidRequest: it is from neither the worker's queue nor its dead-letter queue.
        """
        if not self.queue.reads(delivery):
            reason = "the message is from a queue that this worker does not read"
            self.logger.error("page not done", extra={"reason": reason, "message_id": message_id})
            raise InvalidRequest(reason)

    def _take(
        self, delivery: Delivery, message_id: str, remaining: Remaining, seconds: float
    ) -> None:
        try:
            with time_limit(seconds - _LAST_SECOND - _REQUEUE_SECONDS):
                self._handle(delivery, message_id, remaining)
        except Exception as error:
            failed = FailedDelivery(delivery, error, self.ledger, self.queue)
            failed.log(self.logger, message_id)
            if not failed.bring_back():
                raise

    def _handle(self, delivery: Delivery, message_id: str, remaining: Remaining) -> None:
        message = self._read(delivery.body)
        self.logger.append_keys(job_run_id=str(message.job_run_id), page=message.page)
        page = self._find_planned(message)
        if message.copy_number < page.copy:
            self.logger.warning("older copy of a page dropped; a newer copy is on the queue")
            return
        closed_here = False
        if page.outcome is None:
            closed_here = self._process(message, page, delivery, remaining)
            if closed_here is None:
                return
        claimant = f"delivery {delivery.receive_count} of {message_id}"
        self._complete(message, delivery, claimant, closed_here=closed_here)

    def _read(self, body: str) -> MentorPage:
        """Read a message of this worker's queue and organisation.

        Raises:
            InvalidRequest: it is not a valid page, or it is of another job or organisation.
        """
        message = MentorPage.parse(body)
        if not self.scope.has(message):
            raise InvalidRequest(
                f"page {message.page} of run {message.job_run_id} is of another job or organisation"
            )
        return message

    def _find_planned(self, message: MentorPage) -> Page:
        """Compare the message with the ledger: a worker does nothing that no dispatcher planned.

        Raises:
            InvalidRequest: the ledger has no such page, or another one.
        """
        run = self.ledger.find_run(message.job_run_id)
        page = self.ledger.pages.find(message.job_run_id, message.page)
        if run is None or page is None:
            raise InvalidRequest(
                f"the ledger has no page {message.page} of run {message.job_run_id}"
            )
        trigger = run.trigger
        planned = (
            trigger.job_name, trigger.org_id, trigger.dry_run, run.as_of, page.mentor_ids
        )  # fmt: skip
        received = (
            message.job_name, message.org_id, message.dry_run, message.as_of, message.mentor_ids
        )  # fmt: skip
        if planned != received:
            raise InvalidRequest(
                f"page {message.page} is not as run {message.job_run_id} planned it"
            )
        return page

    def _process(
        self, message: MentorPage, page: Page, delivery: Delivery, remaining: Remaining
    ) -> bool | None:
        """Process an open page; None: it is on the queue again, with its progress saved.

        Returns:
            Whether this call closed it; False: another process did, perhaps without this work.

        Raises:
            DeliveryFailed: the page has no progress, and this delivery counts.
            TransientError: a service is away.
        """
        result = self._result(message, page, delivery, remaining)
        if result.requeue is None:
            outcome = page.processed | result.outcome
            return self.ledger.pages.close(
                message.job_run_id, page.number, message.mentor_ids, outcome
            )
        note = join_notes(page.processed.note, result.outcome.note)
        saved = self.ledger.pages.save_progress(
            message.job_run_id,
            page.number,
            replace(result.outcome, note=note),
            RequeueReason(plain(result.requeue.reason), delivery.receive_count),
        )
        if saved is None or saved.outcome is not None:
            return False
        self._requeue(message, saved, len(page.unprocessed), result.requeue, delivery)
        return None

    def _result(
        self, message: MentorPage, page: Page, delivery: Delivery, remaining: Remaining
    ) -> PageResult:
        if self.queue.is_dead_letter(delivery):
            reason = reason_of_failed_page(page.last_requeue)
            self.logger.error(
                "page failed; its unprocessed mentors count as errors", extra={"reason": reason}
            )
            # A page without unprocessed mentors can still carry the portal reading.
            is_note = page.last_requeue is not None and not page.unprocessed
            reasons = dict.fromkeys(page.unprocessed, reason)
            return PageResult(PageOutcome(reasons=reasons, note=reason if is_note else ""))
        rest = message.model_copy(update={"mentor_ids": page.unprocessed})
        return self.work(rest, remaining)

    def _requeue(
        self,
        message: MentorPage,
        page: Page,
        unprocessed_before: int,
        requeue: Requeue,
        delivery: Delivery,
    ) -> None:
        """Requeue a page: as a fresh message, unless this delivery has to count.

        Raises:
            DeliveryFailed: this delivery counts.
            QueueUnavailable: SQS did not accept the fresh message.
        """
        has_progress = len(page.unprocessed) < unprocessed_before
        self.logger.warning(
            "page requeued",
            extra={
                "reason": requeue.reason,
                "again_in": requeue.seconds,
                "has_progress": has_progress,
                "processed_count": len(page.mentor_ids) - len(page.unprocessed),
            },
        )
        self.ledger.record_requeue(message.job_run_id, requeue.wait_reason)
        if not (has_progress or requeue.is_waiting):
            raise DeliveryFailed(requeue.reason, requeue.seconds)
        self._send_copy(message, requeue.seconds, delivery)

    def _send_copy(self, message: MentorPage, seconds: int, delivery: Delivery) -> None:
        """Send the page again; workers then drop every older copy of its message.

        The ledger records the copy after SQS accepted it. A copy that was lost would otherwise make
        workers drop the old message as well.
        """
        copy = message.model_copy(update={"copy_number": message.copy_number + 1})
        self.queue.requeue(delivery, seconds, copy.model_dump_json())
        self.ledger.pages.record_copy(message.job_run_id, message.page, copy.copy_number)

    def _complete(
        self, message: MentorPage, delivery: Delivery, claimant: str, *, closed_here: bool
    ) -> None:
        """Mark the page as closed in its run, and complete the run if it was the last one.

        Raises:
            InvalidRequest: the ledger has no such run.
            DeliveryFailed: the run is not completed yet, and this message is a dead letter.
            TransientError: a service is away.
        """
        run = self.ledger.mark_page_closed(message.job_run_id, message.page)
        if run is None:
            raise InvalidRequest(f"the ledger has no run {message.job_run_id}")
        state = self.completion.complete_if_done(run, f"page {message.page}, {claimant}")
        again_in = _COMPLETION_WAITS.get(state)
        if again_in is not None and self.queue.is_dead_letter(delivery):
            raise DeliveryFailed(f"the completion of the run is {state}", again_in)
        if again_in is not None:
            self.queue.requeue(delivery, again_in)
        elif run.status != "running" or state == "ended_by_another":
            self._report_late_changes(run, message, is_late=True)
        elif state == "ended" and not closed_here:  # it went on with sums that lack this work
            self._report_late_changes(run, message, is_late=False)

    def _report_late_changes(self, run: Run, message: MentorPage, *, is_late: bool) -> None:
        """Report mentors that a worker processed after their page had been closed as failed."""
        page = self.ledger.pages.find(message.job_run_id, message.page)
        outcome = (page and page.outcome) or PageOutcome()
        counted = {*outcome.applied, *outcome.skipped}
        self.completion.report_late_changes(
            run,
            [mentor for mentor in message.mentor_ids if mentor not in counted],
            is_late=is_late,
        )


def delivery_of(record: SQSRecord) -> Delivery:
    """Read a record of Lambda's SQS event."""
    return Delivery(
        record.event_source_arn.rpartition(":")[2],
        record.receipt_handle,
        int(record.attributes.approximate_receive_count),
        record.body,
    )
