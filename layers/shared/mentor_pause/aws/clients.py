"""AWS clients as the Lambdas use them: short time-outs, bounded retries by the SDK, and a deadline.

The SDK's time-outs limit single reads, and its retries add up. So every call has a deadline of its
own as well, which is never later than the end of the invocation (R2).
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
    from mypy_boto3_sqs import SQSClient

SDK_CONFIG = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
_CALL_SECONDS = 10.0
"""For one call with all its retries."""


class _Bounded:
    """Stands before a client; a call that has no answer in time raises the SDK's own time-out."""

    def __init__(self, client: object, seconds: float) -> None:
        self._client = client
        self._seconds = seconds

    def __getattr__(self, name: str) -> object:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*args: object, **kwargs: object) -> object:
            try:
                return call_within(self._seconds, lambda: found(*args, **kwargs))
            except OutOfTime as error:
                raise ReadTimeoutError(endpoint_url=name) from error

        return call


def bounded[T](client: T, seconds: float = _CALL_SECONDS) -> T:
    """Return the client with a deadline for each of its calls."""
    return cast("T", _Bounded(client, seconds))


def sqs_client() -> "SQSClient":
    """Return a client for SQS."""
    return bounded(boto3.client("sqs", config=SDK_CONFIG))


def events_client() -> "EventBridgeClient":
    """Return a client for EventBridge."""
    return bounded(boto3.client("events", config=SDK_CONFIG))


def lambda_client(patience: float) -> "LambdaClient":
    """Return a client for Lambda that waits so many seconds for an answer, and asks once.

    `Dispatcher` bounds its calls.
    """
    once = Config(
        connect_timeout=3,
        read_timeout=patience,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return boto3.client("lambda", config=once)


def dynamodb_client() -> "DynamoDBClient":
    """Return a client for DynamoDB."""
    return bounded(boto3.client("dynamodb", config=SDK_CONFIG))
