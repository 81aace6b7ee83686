"""Decides how a page comes back after a worker failed at its message.

If the page waits for a service, its message is requeued as a fresh message, so this delivery does
not count. Otherwise SQS delivers the same message again, and the delivery counts.
"""

from contextlib import suppress
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from mentor_pause.aws.queues import Delivery, WorkerQueue
from mentor_pause.database.error_classification import reason_of
from mentor_pause.domain.error_reasons import RequeueReason
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.requeue import DeliveryFailed, seconds_until_retry, wait_for
from mentor_pause.errors import InvalidRequest, QueueUnavailable, TransientError, describe, origin
from mentor_pause.ledger.runs import Ledger


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A delivery at which a worker failed."""

    delivery: Delivery
    error: Exception
    ledger: Ledger
    queue: WorkerQueue

    def bring_back(self) -> bool:
        """Requeue the page, or make SQS deliver the message again.

        Returns:
            Whether a fresh message is on the queue, so that the old one can be acknowledged.
        """
        is_requeued = self._requeue()
        if not is_requeued:
            self._redeliver()
        self._save_reason()
        return is_requeued

    def log(self, logger: Logger, message_id: str) -> None:
        """Log the failure."""
        logger.error(
            "page not done",
            extra={
                "reason": describe(self.error),
                "origin": origin(self.error),
                "message_id": message_id,
                "again_in": seconds_until_retry(self.error),
            },
        )

    def _requeue(self) -> bool:
        """Requeue a page that waits for a service; False: this delivery counts.

        A message in the dead-letter queue stays there and keeps its count. After `QueueUnavailable`
        SQS may have accepted a message whose answer was lost, so no second message is sent, and
        copies do not multiply.
        """
        if not isinstance(self.error, TransientError) or isinstance(self.error, QueueUnavailable):
            return False
        if self.queue.is_dead_letter(self.delivery):
            return False
        requeue = wait_for(self.error)
        with suppress(TransientError, InvalidRequest):
            message = MentorPage.parse(self.delivery.body)
            self.ledger.record_requeue(message.job_run_id, requeue.wait_reason)
        try:
            self.queue.requeue(self.delivery, requeue.seconds)
        except QueueUnavailable:
            return False
        return True

    def _redeliver(self) -> None:
        seconds = seconds_until_retry(self.error)
        if seconds is not None:
            with suppress(QueueUnavailable):  # it comes back after the queue's visibility time-out
                self.queue.redeliver(self.delivery, seconds)

    def _save_reason(self) -> None:
        """Save why this delivery failed: the reason of the page's errors if the page fails.

        A page that was requeued, or that is in the dead-letter queue, has its reason already.
        """
        has_reason = isinstance(self.error, (DeliveryFailed, InvalidRequest))
        if has_reason or self.queue.is_dead_letter(self.delivery):
            return
        with suppress(TransientError, InvalidRequest):
            message = MentorPage.parse(self.delivery.body)
            reason = RequeueReason(reason_of(self.error), self.delivery.receive_count)
            self.ledger.pages.save_progress(message.job_run_id, message.page, PageOutcome(), reason)
