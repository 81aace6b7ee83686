"""Takes page messages off a job's queue, for every job: work, close the page, settle the run.

A message is acknowledged only when its page is closed and its run is settled. One that cannot be
done now is handed back, sooner than the queue's own time where that makes sense; one that never
can be ends in the dead-letter queue, where the same code closes its page with all its mentors as
errors (E8).
"""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from mentor_pause.completion import Clock, Completion
from mentor_pause.errors import (
    InvalidRequest,
    MentorPauseError,
    QueueUnavailable,
    TransientError,
    describe,
    origin,
)
from mentor_pause.events import MentorPage
from mentor_pause.ledger import Ledger
from mentor_pause.queues import Delivery, Inbox
from mentor_pause.retry import Remaining
from mentor_pause.runs import PageOutcome

type Work = Callable[[MentorPage, Remaining], PageOutcome]
"""What a job does with a page. May raise `HandBack` or `TransientError` to have it redelivered."""

_LONGEST_WAIT = 900
_FIRST_WAIT = 60


class HandBack(MentorPauseError):
    """The page is to come back in so many seconds."""

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(reason)
        self.seconds = seconds


class PageConsumer:
    """Handles one SQS record; whatever it raises puts the message back on the queue."""

    def __init__(
        self,
        job_name: str,
        org_id: UUID,
        work: Work,
        ledger: Ledger,
        completion: Completion,
        inbox: Inbox,
        clock: Clock,
        logger: Logger,
    ) -> None:
        """Work for one job and organisation; `inbox` is where the messages come from."""
        self._scope = (job_name, org_id)
        self._work = work
        self._ledger = ledger
        self._completion = completion
        self._inbox = inbox
        self._clock = clock
        self._logger = logger

    def __call__(self, record: SQSRecord, remaining: Remaining) -> None:
        """Do what the message asks for.

        Raises:
            MentorPauseError: it is to be delivered again, later or to the dead-letter queue.
        """
        delivery = Delivery(
            record.event_source_arn.rpartition(":")[2],
            record.receipt_handle,
            int(record.attributes.approximate_receive_count),
        )
        try:
            page = self._read(record.body)
            self._logger.append_keys(job_run_id=str(page.job_run_id), page=page.page)
            is_dead = self._inbox.is_dead(delivery)
            claimant = f"delivery {delivery.receive_count} of {record.message_id}"
            outcome_of = self._give_up if is_dead else lambda: self._work(page, remaining)
            self._close(page, outcome_of, claimant)
        except Exception as error:
            self._hand_back(delivery, error, record.message_id)
            raise
        finally:
            self._logger.remove_keys(["job_run_id", "page"])

    def _hand_back(self, delivery: Delivery, error: Exception, message_id: str) -> None:
        wait = _wait(error, delivery.receive_count)
        self._logger.error(
            "page not done",
            extra={
                "reason": describe(error),
                "origin": origin(error),
                "message_id": message_id,
                "again_in": wait,
            },
        )
        if wait is not None:
            with suppress(QueueUnavailable):  # then it comes back after the queue's own time
                self._inbox.hand_back(delivery, wait)

    def _read(self, body: str) -> MentorPage:
        page = MentorPage.parse(body)
        if (page.job_name, page.org_id) != self._scope:
            raise InvalidRequest(
                f"page {page.page} of run {page.job_run_id} is of another job or organisation"
            )
        return page

    def _close(
        self, page: MentorPage, outcome_of: Callable[[], PageOutcome], claimant: str
    ) -> None:
        known = self._ledger.find_page(page.job_run_id, page.page)
        if known is not None and known.outcome is not None:
            run = self._ledger.note_closed(page.job_run_id, page.page, self._clock())
            outcome = known.outcome
            named = {*outcome.done, *outcome.skipped, *outcome.errored}
        else:
            outcome = outcome_of()
            run = self._ledger.close_page(
                page.job_run_id, page.page, page.mentor_ids, outcome, self._clock()
            )
            named = set[UUID]()  # if the run has ended, its page was given up meanwhile
        if run is None:
            self._logger.warning("the ledger does not know this run; its page is done all the same")
            return
        settled = self._completion.settle(run, f"page {page.page}, {claimant}")
        if settled == "claimed":
            raise HandBack("another page is completing the run", _FIRST_WAIT)
        if run.status != "running" or settled == "overtaken":
            self._completion.tell_late(run, [m for m in page.mentor_ids if m not in named])

    def _give_up(self) -> PageOutcome:
        """No mentor is named in the outcome: each one on the page counts as an error."""
        self._logger.error("page given up; its mentors count as errors")
        return PageOutcome()


def _wait(error: Exception, receive_count: int) -> int | None:
    """Return the seconds until a page should come back; None: the queue's own time will do."""
    if isinstance(error, HandBack):
        return error.seconds
    if isinstance(error, InvalidRequest):
        return 0  # it will never be right: on to the dead-letter queue
    if isinstance(error, TransientError):
        return min(_FIRST_WAIT * 2 ** (receive_count - 1), _LONGEST_WAIT)
    return None
