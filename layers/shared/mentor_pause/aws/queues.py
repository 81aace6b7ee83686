"""The SQS queues: the dispatcher sends pages, workers requeue them, waiting run requests come back.

SQS counts how often it delivered a message, and moves it to the dead-letter queue after five times.
A worker can therefore get a page again in two ways. `WorkerQueue.redeliver` makes the same message
visible again, and the delivery counts. `WorkerQueue.requeue` sends the body as a fresh message,
whose count starts at one, and the caller then acknowledges the old message. If the worker dies
before it acknowledges the old message, the queue has both messages. That is safe, because a page is
closed once and a trigger has one run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mentor_pause.aws.error_codes import error_code
from mentor_pause.domain.messages import DispatchRequest, MentorPage
from mentor_pause.errors import QueueUnavailable
from mentor_pause.retry import NO_RETRY, Retry

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""Messages in one SendMessageBatch, SQS's limit; ten pages of 500 mentors are under 256 KiB."""

LONGEST_DELAY = 900
"""Seconds for which SQS can delay a message."""


@dataclass(frozen=True, slots=True)
class PageQueues:
    """Sends pages to the queue of their job."""

    client: "SQSClient"
    url_by_job: Mapping[str, str]
    retry: Retry = NO_RETRY

    def send(self, job_name: str, pages: Sequence[MentorPage]) -> None:
        """Send at most `BATCH` pages. A retry sends only the pages that SQS refused.

        A message may still arrive twice. That is safe, because a page is closed once.

        Raises:
            QueueUnavailable: SQS did not accept some pages.
        """
        unsent: dict[str, SendMessageBatchRequestEntryTypeDef] = {
            str(page.page): {"Id": str(page.page), "MessageBody": page.model_dump_json()}
            for page in pages
        }
        self.retry(lambda: self._send_once(self.url_by_job[job_name], unsent))

    def _send_once(
        self, url: str, unsent: "dict[str, SendMessageBatchRequestEntryTypeDef]"
    ) -> None:
        try:
            answer = self.client.send_message_batch(QueueUrl=url, Entries=list(unsent.values()))
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailable(
                f"SQS did not accept pages {_join(unsent)}: {error_code(error)}"
            ) from error
        for entry in answer.get("Successful", []):
            del unsent[entry["Id"]]
        if unsent:
            codes = {entry["Code"] for entry in answer.get("Failed", [])}
            raise QueueUnavailable(f"SQS did not accept pages {_join(unsent)}: {_join(codes)}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as SQS delivered it."""

    queue_name: str
    receipt_handle: str
    receive_count: int
    body: str


@dataclass(frozen=True, slots=True)
class WorkerQueue:
    """The queue that a worker reads, and its dead-letter queue."""

    client: "SQSClient"
    url: str
    dead_letter_url: str
    retry: Retry = NO_RETRY

    def reads(self, delivery: Delivery) -> bool:
        """Whether the message comes from one of the two queues."""
        return delivery.queue_name in (_name(self.url), _name(self.dead_letter_url))

    def is_dead_letter(self, delivery: Delivery) -> bool:
        """Whether the message comes from the dead-letter queue."""
        return delivery.queue_name == _name(self.dead_letter_url)

    def redeliver(self, delivery: Delivery, seconds: int) -> None:
        """Make a message visible again in `seconds`, not after the queue's visibility time-out.

        Raises:
            QueueUnavailable: SQS did not change it; the message comes back after the queue's
                visibility time-out.
        """
        self.retry(lambda: self._change_visibility(delivery, seconds))

    def requeue(self, delivery: Delivery, seconds: int, body: str | None = None) -> None:
        """Send the message's body, or another one, as a fresh message for later.

        Raises:
            QueueUnavailable: SQS did not accept the message, or its answer was lost. The caller
                must not acknowledge the old message.
        """
        text = delivery.body if body is None else body
        self.retry(lambda: send_later(self.client, self._url_of(delivery), text, seconds))

    def _change_visibility(self, delivery: Delivery, seconds: int) -> None:
        try:
            self.client.change_message_visibility(
                QueueUrl=self._url_of(delivery),
                ReceiptHandle=delivery.receipt_handle,
                VisibilityTimeout=seconds,
            )
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailable(
                f"SQS did not change a message's visibility: {error_code(error)}"
            ) from error

    def _url_of(self, delivery: Delivery) -> str:
        return self.dead_letter_url if self.is_dead_letter(delivery) else self.url


@dataclass(frozen=True, slots=True)
class WaitingRequests:
    """The queue of run requests that cannot start yet and must not be lost."""

    client: "SQSClient"
    url: str
    retry: Retry = NO_RETRY

    def put(self, request: DispatchRequest, seconds: int) -> None:
        """Deliver the request to the dispatcher again in `seconds`.

        Raises:
            QueueUnavailable: SQS did not accept it.
        """
        body = request.model_dump_json(exclude_none=True)
        self.retry(lambda: send_later(self.client, self.url, body, seconds))


def send_later(client: "SQSClient", url: str, body: str, seconds: int) -> None:
    """Send one message, visible in `seconds`, at most `LONGEST_DELAY`.

    Raises:
        QueueUnavailable: SQS did not accept it.
    """
    try:
        client.send_message(
            QueueUrl=url, MessageBody=body, DelaySeconds=max(0, min(seconds, LONGEST_DELAY))
        )
    except (ClientError, BotoCoreError) as error:
        raise QueueUnavailable(f"SQS did not accept a message: {error_code(error)}") from error


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _join(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
