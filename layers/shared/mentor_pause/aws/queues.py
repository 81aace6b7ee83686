"""The queues: pages go out in batches, a worker puts a page back, a refused firing waits.

SQS counts how often a message was received, and moves it to the dead-letter queue after five times.
So a message goes back in one of two ways. `hand_back` makes the same message visible again, and the
delivery counts. `send_again` sends its body as a fresh message, whose count starts at one; the
caller then acknowledges the old one. Between the two a crash leaves both, which is safe: a page is
closed once, and a trigger has one run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mentor_pause.aws.error_codes import error_code
from mentor_pause.domain.messages import DispatchRequest, MentorPage
from mentor_pause.errors import QueueUnavailable
from mentor_pause.retry import Retry

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""Messages in one SendMessageBatch, SQS's limit; ten pages of 500 mentors are under 256 KiB."""

LONGEST_DELAY = 900
"""Seconds that SQS can keep a message back."""


class PageQueues:
    """Sends pages to the queue of their job."""

    def __init__(self, client: "SQSClient", url_by_job: Mapping[str, str], retry: Retry) -> None:
        """`client` is an SQS client."""
        self._client = client
        self._urls = url_by_job
        self._retry = retry

    def send(self, job_name: str, pages: Sequence[MentorPage]) -> None:
        """Put at most `BATCH` pages on their queue. Of what SQS refuses only that is sent again.

        A message may still arrive twice; a page is closed once.

        Raises:
            QueueUnavailable: some pages could not be sent in the end.
        """
        unsent: dict[str, SendMessageBatchRequestEntryTypeDef] = {
            str(page.page): {"Id": str(page.page), "MessageBody": page.model_dump_json()}
            for page in pages
        }
        self._retry(lambda: self._send_once(self._urls[job_name], unsent))

    def _send_once(
        self, url: str, unsent: "dict[str, SendMessageBatchRequestEntryTypeDef]"
    ) -> None:
        try:
            answer = self._client.send_message_batch(QueueUrl=url, Entries=list(unsent.values()))
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailable(
                f"SQS did not take pages {_numbers(unsent)}: {error_code(error)}"
            ) from error
        for entry in answer.get("Successful", []):
            del unsent[entry["Id"]]
        if unsent:
            codes = {entry["Code"] for entry in answer.get("Failed", [])}
            raise QueueUnavailable(f"SQS did not take pages {_numbers(unsent)}: {_numbers(codes)}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it was delivered."""

    queue_name: str
    receipt_handle: str
    receive_count: int
    body: str


class WorkerQueue:
    """The queue that a worker reads, and the dead-letter queue behind it."""

    def __init__(self, client: "SQSClient", url: str, dead_letter_url: str) -> None:
        """`client` is an SQS client."""
        self._client = client
        self._urls = {_name(url): url, _name(dead_letter_url): dead_letter_url}
        self._dead_letters = _name(dead_letter_url)

    def knows(self, delivery: Delivery) -> bool:
        """Whether the message comes from one of the two queues."""
        return delivery.queue_name in self._urls

    def is_dead(self, delivery: Delivery) -> bool:
        """Whether the message comes from the dead-letter queue."""
        return delivery.queue_name == self._dead_letters

    def hand_back(self, delivery: Delivery, seconds: int) -> None:
        """Make a message visible again after so many seconds instead of the queue's own time.

        Raises:
            QueueUnavailable: SQS did not do it; the message comes back after the queue's own time.
        """
        try:
            self._client.change_message_visibility(
                QueueUrl=self._urls[delivery.queue_name],
                ReceiptHandle=delivery.receipt_handle,
                VisibilityTimeout=seconds,
            )
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailable(f"SQS did not take a page back: {error_code(error)}") from error

    def send_again(self, delivery: Delivery, seconds: int, body: str | None = None) -> None:
        """Send the message's body, or another one, as a fresh message for later.

        Raises:
            QueueUnavailable: SQS did not take it, or only its answer is lost; do not acknowledge
            the old message.
        """
        url = self._urls[delivery.queue_name]
        send_later(self._client, url, delivery.body if body is None else body, seconds)


class WaitingRequests:
    """The queue of run requests that nobody may forget, and that cannot start yet."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """`client` is an SQS client."""
        self._client = client
        self._url = url

    def put(self, request: DispatchRequest, seconds: int) -> None:
        """Have the dispatcher see the request again after so many seconds.

        Raises:
            QueueUnavailable: SQS did not take it.
        """
        body = request.model_dump_json(exclude_none=True)
        send_later(self._client, self._url, body, seconds)


def send_later(client: "SQSClient", url: str, body: str, seconds: int) -> None:
    """Send one message, visible after so many seconds, at most `LONGEST_DELAY`.

    Raises:
        QueueUnavailable: SQS did not take it.
    """
    try:
        client.send_message(
            QueueUrl=url, MessageBody=body, DelaySeconds=max(0, min(seconds, LONGEST_DELAY))
        )
    except (ClientError, BotoCoreError) as error:
        raise QueueUnavailable(f"SQS did not take a message: {error_code(error)}") from error


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _numbers(found: Iterable[str]) -> str:
    return ", ".join(sorted(found))
