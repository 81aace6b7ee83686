"""The page queues: pages go out in batches, and a worker can hand a page back."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mentor_pause.errors import QueueUnavailable
from mentor_pause.events import MentorPage
from mentor_pause.retry import Retry

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""Messages in one SendMessageBatch, SQS's limit; ten pages of 500 mentors are under 256 KiB."""


class PageQueues:
    """Sends pages to the queue of their job."""

    def __init__(self, client: "SQSClient", url_by_job: Mapping[str, str], retry: Retry) -> None:
        """`client` is an SQS client."""
        self._client = client
        self._urls = url_by_job
        self._retry = retry

    def send(self, job_name: str, pages: Sequence[MentorPage]) -> None:
        """Put pages on their queue. What SQS refuses of a batch is sent again, and only that.

        A message may arrive twice all the same; a page is closed once.

        Raises:
            QueueUnavailable: some pages could not be sent in the end.
        """
        for batch in itertools.batched(pages, BATCH, strict=False):
            unsent: dict[str, SendMessageBatchRequestEntryTypeDef] = {
                str(page.page): {"Id": str(page.page), "MessageBody": page.model_dump_json()}
                for page in batch
            }
            self._retry(lambda unsent=unsent: self._send_once(self._urls[job_name], unsent))

    def _send_once(
        self, url: str, unsent: "dict[str, SendMessageBatchRequestEntryTypeDef]"
    ) -> None:
        try:
            answer = self._client.send_message_batch(QueueUrl=url, Entries=list(unsent.values()))
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailable(f"SQS did not take pages {_numbers(unsent)}: {error}") from error
        for entry in answer.get("Successful", []):
            del unsent[entry["Id"]]
        if unsent:
            codes = {entry["Code"] for entry in answer.get("Failed", [])}
            raise QueueUnavailable(f"SQS did not take pages {_numbers(unsent)}: {_numbers(codes)}")


class Inbox:
    """The queue that a worker reads."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """`client` is an SQS client."""
        self._client = client
        self._url = url

    def hand_back(self, receipt_handle: str, seconds: int) -> None:
        """Make a message visible again after so many seconds instead of the queue's own time.

        It is a courtesy: when SQS does not take it, the message comes back later.
        """
        try:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailable(f"SQS did not take a page back: {error}") from error


def _numbers(found: Iterable[str]) -> str:
    return ", ".join(sorted(found))
