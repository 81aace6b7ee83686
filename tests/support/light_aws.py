"""DynamoDB and SQS without botocore and moto, for long storms.

A night of the storm takes a quarter of the CPU time that it takes with moto. The tables are those
of `bench.scale`. `tests/unit/bench/scale/test_ledger.py` and `tests/unit/support/test_light_aws.py`
compare tables and queues with moto's; `tests/faults/test_seeds.py` runs the storm with moto.
"""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, cast

from botocore import xform_name
from botocore.exceptions import ClientError

from bench.scale.ledger import LedgerTable, Refused
from support.aws import Clients

_OPERATIONS = ("GetItem", "BatchGetItem", "Query", "UpdateItem", "TransactWriteItems")


class LightTables:
    """The calls of a DynamoDB client that the ledger makes."""

    def __init__(self) -> None:
        """Start without tables."""
        self._tables: dict[str, LedgerTable] = {}
        self._calls = {xform_name(name): self._call(name) for name in _OPERATIONS}

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        if name.startswith("_") or name not in self._calls:
            raise AttributeError(name)
        return self._calls[name]

    def create_table(self, TableName: str, **_definition: Any) -> None:
        """Create an empty table."""
        self._tables[TableName] = LedgerTable()

    def _call(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            try:
                return self._tables[_table(request)].answer(operation, request, 0)
            except Refused as refused:
                raise ClientError(cast("Any", refused.answer), operation) from None

        return call


def _table(request: Mapping[str, Any]) -> str:
    if "RequestItems" in request:
        return next(iter(request["RequestItems"]))
    part = next(iter(request["TransactItems"][0].values())) if "TransactItems" in request else None
    return (part or request)["TableName"]


class LightQueues:
    """The calls of an SQS client that a night makes, and those of its test. Nothing is deleted."""

    def __init__(self) -> None:
        """Start without queues."""
        self._visible: dict[str, deque[tuple[str, str]]] = {}
        self._received: dict[str, tuple[str, str]] = {}
        """The id and body of each message in flight, by its receipt."""
        self._numbers = count()

    def create_queue(self, QueueName: str) -> dict[str, str]:
        """Create an empty queue, unless it exists."""
        url = f"https://sqs/{QueueName}"
        self._visible.setdefault(url, deque())
        return {"QueueUrl": url}

    def send_message(self, QueueUrl: str, MessageBody: str) -> dict[str, str]:
        """Put a message on a queue."""
        message_id = f"m-{next(self._numbers)}"
        self._queue(QueueUrl, "SendMessage").append((message_id, MessageBody))
        return {"MessageId": message_id}

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Put at most ten messages on a queue."""
        assert 0 < len(Entries) <= 10, "SQS's own limit"
        for entry in Entries:
            self.send_message(QueueUrl, entry["MessageBody"])
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def receive_message(
        self, QueueUrl: str, MaxNumberOfMessages: int, VisibilityTimeout: int
    ) -> dict[str, list[dict[str, str]]]:
        """Deliver the oldest messages. They stay in flight until their visibility is 0."""
        assert VisibilityTimeout, "a message that is visible at once would come again and again"
        found, visible = list[dict[str, str]](), self._queue(QueueUrl, "ReceiveMessage")
        while visible and len(found) < MaxNumberOfMessages:
            message_id, body = visible.popleft()
            receipt = f"r-{next(self._numbers)}"
            self._received[receipt] = message_id, body
            found.append({"MessageId": message_id, "ReceiptHandle": receipt, "Body": body})
        return {"Messages": found} if found else {}

    def change_message_visibility(
        self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int
    ) -> None:
        """Make a message in flight visible, if the time is 0."""
        queue = self._queue(QueueUrl, "ChangeMessageVisibility")
        if not VisibilityTimeout and ReceiptHandle in self._received:
            queue.append(self._received.pop(ReceiptHandle))

    def _queue(self, url: str, operation: str) -> deque[tuple[str, str]]:
        if url not in self._visible:
            code = "AWS.SimpleQueueService.NonExistentQueue"
            raise ClientError({"Error": {"Code": code, "Message": url}}, operation)
        return self._visible[url]


def light_clients() -> Clients:
    """Return clients without tables and queues."""
    return Clients(cast("Any", LightTables()), cast("Any", LightQueues()))
