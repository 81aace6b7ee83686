"""AWS clients for the Lambdas: short time-outs, one attempt, and a deadline for each call.

The SDK's time-outs limit single reads, so every call also has a deadline, which is never later than
the end of the invocation (R2). The SDK does not retry; each adapter does, with one `Retry` for a
call.
"""

from typing import TYPE_CHECKING, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from mentor_pause.retry import OutOfTime, call_within

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient

_CONFIG = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1}
)
_CALL_SECONDS = 6.0


class _ClientWithDeadline:
    """A client whose calls raise the SDK's `ReadTimeoutError` when their seconds are over."""

    def __init__(self, client: object, seconds: float) -> None:
        self._client = client
        self._seconds = seconds

    def __getattr__(self, name: str) -> object:
        attribute = getattr(self._client, name)
        if not callable(attribute):
            return attribute

        def call(*args: object, **kwargs: object) -> object:
            try:
                return call_within(self._seconds, lambda: attribute(*args, **kwargs))
            except OutOfTime as error:
                raise ReadTimeoutError(endpoint_url=name) from error

        return call


def with_deadline[T](client: T, seconds: float = _CALL_SECONDS) -> T:
    """Return the client with a deadline for each of its calls."""
    return cast("T", _ClientWithDeadline(client, seconds))


def sqs_client() -> "SQSClient":
    """Return a client for SQS."""
    return with_deadline(boto3.client("sqs", config=_CONFIG))


def events_client() -> "EventBridgeClient":
    """Return a client for EventBridge."""
    return with_deadline(boto3.client("events", config=_CONFIG))


def ses_client() -> "SESV2Client":
    """Return a client for SES v2. A call without an answer in time may have sent the e-mail."""
    return with_deadline(boto3.client("sesv2", config=_CONFIG))


def lambda_client(patience: float) -> "LambdaClient":
    """Return a client for Lambda that waits `patience` seconds for an answer.

    Its calls have no other deadline here; `DispatcherClient` sets one.
    """
    return boto3.client("lambda", config=_CONFIG.merge(Config(read_timeout=patience)))


def dynamodb_client() -> "DynamoDBClient":
    """Return a client for DynamoDB."""
    return with_deadline(boto3.client("dynamodb", config=_CONFIG))
