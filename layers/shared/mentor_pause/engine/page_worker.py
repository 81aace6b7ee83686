"""Takes page messages off a job's queue, for every job: work, close the page, complete the run.

A message is acknowledged when its page is closed and its run is completed, if it was the last
page. A page that an invocation could not finish goes back to the queue, and its progress stays in
the ledger:

- The worker settled at least one more mentor, or waits for something around it (the database is
  away, the portal asks for patience): a fresh message, whose count of deliveries starts at one.
- Neither: the same message becomes visible again, and the delivery counts.

So only deliveries without progress count. After five of them SQS moves the message to the
dead-letter queue, where the same code closes the page: its settled mentors keep their outcome, and
the others count as errors (E8, R1).
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from mentor_pause.aws.queues import Delivery, WorkerQueue
from mentor_pause.database.failures import reason_of
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.reasons import PutBack, join_notes, plain, reason_of_failed_page
from mentor_pause.domain.runs import Page, PageOutcome, Run
from mentor_pause.engine.completion import Clock, Completion
from mentor_pause.errors import (
    DatabaseMisconfigured,
    DatabaseUnavailable,
    InvalidRequest,
    MentorPauseError,
    QueueUnavailable,
    TransientError,
    describe,
    origin,
)
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Remaining, time_limit

SYSTEM_WAIT = 15
"""Seconds until a page is tried again that waits for the database, the ledger or its like."""

OPERATOR_WAIT = 120
"""The same where an operator has to act: poolers lock out who shows a wrong password too often."""

_ANOTHER_COMPLETES = 60
_LAST_SECOND = 1.0
"""Kept for the answer to Lambda."""

_PUTTING_BACK_SECONDS = 4.0
"""Kept for the ledger and the queue, when the work on a page has failed."""


@dataclass(frozen=True, slots=True)
class Requeue:
    """Why some mentors of a page are not settled yet, and in how many seconds to try again."""

    reason: str
    seconds: int
    is_waiting: bool = False
    """The page waits for something around us: this delivery does not count as a failed one."""
    trouble: str | None = None
    """The fault that an operator has to put right; kept with the run."""


@dataclass(frozen=True, slots=True)
class PageResult:
    """What an invocation came to: the mentors it settled, and what becomes of the others."""

    outcome: PageOutcome
    requeue: Requeue | None = None
    """None: every mentor of the page is settled."""


def wait_for_database(error: DatabaseUnavailable) -> Requeue:
    """Return what has a page wait until the database can be used again (R3)."""
    seconds = OPERATOR_WAIT if isinstance(error, DatabaseMisconfigured) else SYSTEM_WAIT
    reason = describe(error)
    return Requeue(reason, seconds, is_waiting=True, trouble=reason)


type Work = Callable[[MentorPage, Remaining], PageResult]
"""A job's work on a page, whose `mentor_ids` are those that are not settled yet, perhaps none. It
may raise `TransientError` before it has settled anybody: the page waits."""


class HandedBack(MentorPauseError):
    """The message is not acknowledged: SQS delivers it again in so many seconds, and counts."""

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(reason)
        self.seconds = seconds


class PageConsumer:
    """Handles one SQS record; whatever it raises leaves the message on the queue."""

    def __init__(
        self,
        job_name: str,
        org_id: UUID,
        work: Work,
        ledger: Ledger,
        completion: Completion,
        queue: WorkerQueue,
        clock: Clock,
        logger: Logger,
    ) -> None:
        """Work for one job and organisation; `queue` is where the messages come from."""
        self._scope = (job_name, org_id)
        self._work = work
        self._ledger = ledger
        self._completion = completion
        self._queue = queue
        self._clock = clock
        self._logger = logger

    def __call__(self, record: SQSRecord, remaining: Remaining) -> None:
        """Do what the message asks for; a normal return acknowledges it.

        Raises:
            MentorPauseError: it is to be delivered again, or to go to the dead-letter queue.
        """
        delivery = delivery_of(record)
        self._refuse_unknown(delivery, record.message_id)
        seconds = remaining()
        try:
            with time_limit(seconds - _LAST_SECOND):
                self._take(delivery, record.message_id, remaining, seconds)
        finally:
            self._logger.remove_keys(["job_run_id", "page"])

    def _refuse_unknown(self, delivery: Delivery, message_id: str) -> None:
        """Refuse a message of any other queue: its page may be one that was already failed (R5).

        Raises:
            InvalidRequest: it is from neither the worker's queue nor its dead-letter queue.
        """
        if not self._queue.knows(delivery):
            reason = "the message is from a queue that this worker does not read"
            self._logger.error("page not done", extra={"reason": reason, "message_id": message_id})
            raise InvalidRequest(reason)

    def _take(
        self, delivery: Delivery, message_id: str, remaining: Remaining, seconds: float
    ) -> None:
        try:
            with time_limit(seconds - _LAST_SECOND - _PUTTING_BACK_SECONDS):
                self._handle(delivery, message_id, remaining)
        except Exception as error:
            self._log(error, message_id)
            is_back = isinstance(error, TransientError) and self._put_back(delivery, error)
            if not is_back:
                self._hand_back(delivery, _seconds_until_retry(error))
            self._keep_reason(delivery, error)
            if not is_back:
                raise

    def _handle(self, delivery: Delivery, message_id: str, remaining: Remaining) -> None:
        page = self._read(delivery.body)
        self._logger.append_keys(job_run_id=str(page.job_run_id), page=page.page)
        known = self._look_up(page)
        if page.copy_number < known.copy:
            self._logger.warning("older copy of a page dropped; a fresh one is on its way")
            return
        if known.outcome is None and not self._advance(page, known, delivery, remaining):
            return
        self._complete(page, delivery, f"delivery {delivery.receive_count} of {message_id}")

    def _read(self, body: str) -> MentorPage:
        page = MentorPage.parse(body)
        if (page.job_name, page.org_id) != self._scope:
            raise InvalidRequest(
                f"page {page.page} of run {page.job_run_id} is of another job or organisation"
            )
        return page

    def _look_up(self, page: MentorPage) -> Page:
        """Hold the message against the ledger: nothing is done that no dispatcher has planned.

        Raises:
            InvalidRequest: the ledger has no such page, or it says something else.
        """
        run = self._ledger.find_run(page.job_run_id)
        known = self._ledger.find_page(page.job_run_id, page.page)
        if run is None or known is None:
            raise InvalidRequest(f"the ledger knows no page {page.page} of run {page.job_run_id}")
        planned = (
            run.firing.job_name, run.firing.org_id, run.firing.dry_run, run.as_of, known.mentor_ids
        )  # fmt: skip
        said = (page.job_name, page.org_id, page.dry_run, page.as_of, page.mentor_ids)
        if planned != said:
            raise InvalidRequest(f"page {page.page} is not as run {page.job_run_id} planned it")
        return known

    def _advance(
        self, page: MentorPage, known: Page, delivery: Delivery, remaining: Remaining
    ) -> bool:
        """Work on a page that is not closed; False: it is back on the queue, with its progress."""
        result = self._result(page, known, delivery, remaining)
        if result.requeue is None:
            outcome = known.settled | result.outcome
            self._ledger.close_page(
                page.job_run_id, page.page, page.mentor_ids, outcome, self._clock()
            )
            return True
        outcome = replace(result.outcome, note=join_notes(known.settled.note, result.outcome.note))
        put_back = PutBack(plain(result.requeue.reason), delivery.receive_count)
        kept = self._ledger.keep_progress(
            page.job_run_id, page.page, outcome, self._clock(), put_back
        )
        if kept is None or kept.outcome is not None:
            return True  # closed meanwhile: the process that failed it may have missed our work
        self._requeue(page, known, kept, result.requeue, delivery)
        return False

    def _result(
        self, page: MentorPage, known: Page, delivery: Delivery, remaining: Remaining
    ) -> PageResult:
        if self._queue.is_dead(delivery):
            reason = reason_of_failed_page(known.put_back)
            self._logger.error(
                "page failed; its open mentors count as errors", extra={"reason": reason}
            )
            # Where nobody is open, the page had something else to do, such as a reading.
            is_note = known.put_back is not None and not known.unsettled
            reasons = dict.fromkeys(known.unsettled, reason)
            return PageResult(PageOutcome(reasons=reasons, note=reason if is_note else ""))
        rest = page.model_copy(update={"mentor_ids": known.unsettled})
        return self._work(rest, remaining)

    def _requeue(
        self, page: MentorPage, known: Page, kept: Page, requeue: Requeue, delivery: Delivery
    ) -> None:
        """Put a page back: as a fresh message if this delivery is not to count.

        Raises:
            HandedBack: this delivery counts.
            QueueUnavailable: SQS did not take the fresh message.
        """
        has_progress = len(kept.unsettled) < len(known.unsettled)
        self._logger.warning(
            "page put back",
            extra={
                "reason": requeue.reason,
                "again_in": requeue.seconds,
                "has_progress": has_progress,
                "settled_count": len(kept.mentor_ids) - len(kept.unsettled),
            },
        )
        self._ledger.note_put_back(page.job_run_id, requeue.trouble, self._clock())
        if not (has_progress or requeue.is_waiting):
            raise HandedBack(requeue.reason, requeue.seconds)
        self._send_copy(page, requeue.seconds, delivery)

    def _send_copy(self, page: MentorPage, seconds: int, delivery: Delivery) -> None:
        """Send the page again; from then on every older copy of its message is dropped.

        The ledger keeps the copy's number once the copy is sent: a copy that was lost must not make
        the old message void.
        """
        fresh = page.model_copy(update={"copy_number": page.copy_number + 1})
        self._queue.send_again(delivery, seconds, fresh.model_dump_json())
        self._ledger.note_copy(page.job_run_id, page.page, fresh.copy_number)

    def _complete(self, page: MentorPage, delivery: Delivery, claimant: str) -> None:
        """Note the closed page in its run, and complete the run if it was the last one."""
        run = self._ledger.note_closed(page.job_run_id, page.page, self._clock())
        if run is None:
            raise InvalidRequest(f"the ledger knows no run {page.job_run_id}")
        settled = self._completion.settle(run, f"page {page.page}, {claimant}")
        if settled == "claimed" and self._queue.is_dead(delivery):
            raise HandedBack("another page is completing the run", _ANOTHER_COMPLETES)
        if settled == "claimed":
            self._queue.send_again(delivery, _ANOTHER_COMPLETES)
        elif run.status != "running" or settled == "overtaken":
            self._report_late(run, page)

    def _report_late(self, run: Run, page: MentorPage) -> None:
        """Report mentors that a worker settled after their page had been closed as failed."""
        stored = self._ledger.find_page(page.job_run_id, page.page)
        outcome = (stored and stored.outcome) or PageOutcome()
        counted = {*outcome.done, *outcome.skipped}
        self._completion.report_late(run, [m for m in page.mentor_ids if m not in counted])

    def _put_back(self, delivery: Delivery, error: TransientError) -> bool:
        """Let a page wait for the database, the ledger or the like; False: this delivery counts.

        A failed page keeps its place in the dead-letter queue, and with it its count. SQS may have
        taken a message whose answer is lost. So no second one is sent, and copies do not multiply.
        """
        if self._queue.is_dead(delivery) or isinstance(error, QueueUnavailable):
            return False
        requeue = _wait_for(error)
        with suppress(TransientError, InvalidRequest):
            page = MentorPage.parse(delivery.body)
            self._ledger.note_put_back(page.job_run_id, requeue.trouble, self._clock())
        try:
            self._queue.send_again(delivery, requeue.seconds)
        except QueueUnavailable:
            return False
        return True

    def _keep_reason(self, delivery: Delivery, error: Exception) -> None:
        """Write down why this delivery failed: its page may have no other.

        A page in the dead-letter queue has its reason already, and so has one that was put back.
        """
        if self._queue.is_dead(delivery) or isinstance(error, (HandedBack, InvalidRequest)):
            return
        with suppress(TransientError, InvalidRequest):
            page = MentorPage.parse(delivery.body)
            put_back = PutBack(reason_of(error), delivery.receive_count)
            self._ledger.keep_progress(
                page.job_run_id, page.page, PageOutcome(), self._clock(), put_back
            )

    def _hand_back(self, delivery: Delivery, seconds: int | None) -> None:
        if seconds is not None:
            with suppress(QueueUnavailable):  # then it comes back after the queue's own time
                self._queue.hand_back(delivery, seconds)

    def _log(self, error: Exception, message_id: str) -> None:
        self._logger.error(
            "page not done",
            extra={
                "reason": describe(error),
                "origin": origin(error),
                "message_id": message_id,
                "again_in": _seconds_until_retry(error),
            },
        )


def delivery_of(record: SQSRecord) -> Delivery:
    """Return a record of Lambda's event as the queue's delivery that it is."""
    return Delivery(
        record.event_source_arn.rpartition(":")[2],
        record.receipt_handle,
        int(record.attributes.approximate_receive_count),
        record.body,
    )


def _seconds_until_retry(error: Exception) -> int | None:
    """Return in how many seconds a page should come back; None: the queue's own time will do."""
    if isinstance(error, HandedBack):
        return error.seconds
    if isinstance(error, InvalidRequest):
        return 0  # it will never be right: on to the dead-letter queue
    return _wait_for(error).seconds if isinstance(error, TransientError) else None


def _wait_for(error: TransientError) -> Requeue:
    if isinstance(error, DatabaseUnavailable):
        return wait_for_database(error)
    return Requeue(describe(error), SYSTEM_WAIT, is_waiting=True)
