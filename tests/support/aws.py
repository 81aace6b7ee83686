"""AWS inside the test's process: moto's clients, and stand-ins that record calls."""

import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

from local.template import load_template
from mentor_pause.ledger.clock import Clock as LedgerClock
from mentor_pause.ledger.table import Table
from support.dynamodb import answer_without_http

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

type Message = Mapping[str, Any]
"""A message as SQS returns it."""


class RecordingEvents:
    """An EventBridge client that records its events."""

    def __init__(self) -> None:
        """Start without events."""
        self.details: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Record the entries."""
        self.details += [json.loads(entry["Detail"]) for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": [{} for _ in Entries]}


class ImpatientQueue:
    """An SQS client that delivers delayed messages at once, and records the delays."""

    def __init__(self, client: Any) -> None:
        """`client` is the real one, or moto's."""
        self._client = client
        self.delays: list[int] = []
        """The delays of messages, in seconds."""
        self.handed_back: list[int] = []
        """The visibility time-outs that were set, in seconds."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send_message(self, DelaySeconds: int = 0, **request: Any) -> Any:
        """Send the message at once, and record its delay."""
        assert 0 <= DelaySeconds <= 900, "SQS's own limit"
        self.delays.append(DelaySeconds)
        return self._client.send_message(**request)

    def change_message_visibility(self, VisibilityTimeout: int, **request: Any) -> Any:
        """Record the new visibility time-out. Only 0 makes the message visible again."""
        assert 0 <= VisibilityTimeout <= 43200, "SQS's own limit"
        self.handed_back.append(VisibilityTimeout)
        seconds = VisibilityTimeout and 43000
        return self._client.change_message_visibility(VisibilityTimeout=seconds, **request)


@dataclass(frozen=True, slots=True)
class Clients:
    """AWS clients, shared by nights that each have their own table and queues."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"


@contextmanager
def open_clients() -> Generator[Clients]:
    """Open moto's clients in this process, without the environment's AWS settings."""
    real = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    try:
        with mock_aws():
            session = boto3.Session(region_name="eu-north-1")
            dynamodb = session.client("dynamodb")
            answer_without_http(dynamodb)
            yield Clients(dynamodb, session.client("sqs"))
    finally:
        del os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        os.environ |= real


@cache
def _defined_ledger() -> dict[str, Any]:
    """Return the template's ledger table; reading the template takes 0.07 s."""
    return load_template()["Resources"]["Ledger"]["Properties"]


def create_ledger_table(
    client: "DynamoDBClient", name: str, clock: LedgerClock | None = None
) -> Table:
    """Create a table as in the template. Without `clock`, DynamoDB's time counts."""
    defined = _defined_ledger()
    client.create_table(
        TableName=name,
        KeySchema=defined["KeySchema"],
        AttributeDefinitions=defined["AttributeDefinitions"],
        BillingMode=defined["BillingMode"],
    )
    return Table(client, name, clock=clock)


def sqs_record(message: Message, queue: str, receive_count: int) -> dict[str, Any]:
    """Return a message as Lambda's event source mapping passes it on."""
    return {
        "messageId": message.get("MessageId", "m-1"),
        "receiptHandle": message.get("ReceiptHandle", "r-1"),
        "body": message["Body"],
        "attributes": {"ApproximateReceiveCount": str(receive_count)},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-north-1:123456789012:{queue}",
    }
