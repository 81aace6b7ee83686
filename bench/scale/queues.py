"""A stand-in for SQS in virtual time: queues, delays, visibility time-outs, dead letters.

It holds SQS's published limits that concern us: a batch of ten messages and 1 MiB, and a delay of
900 s. It holds a message to 256 KiB, which was SQS's limit until August 2025 (now 1 MiB).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any, cast

from bench.scale.ledger import Refused

LONGEST_MESSAGE = 256 * 1024
LARGEST_BATCH = 1024 * 1024
MOST_MESSAGES = 10
LONGEST_DELAY = 900

type Request = Mapping[str, Any]


@dataclass(slots=True)
class Message:
    """A message on a queue."""

    number: int
    body: str
    visible_at: float
    receive_count: int = 0


@dataclass(slots=True)
class Queue:
    """A queue of the template."""

    name: str
    visibility: float
    most_receives: int
    """Deliveries before the message moves to the dead letters; 0: it stays."""
    dead_letters: "Queue | None" = None
    in_flight: dict[str, Message] = field(default_factory=dict[str, Message])
    _visible: list[tuple[float, int, Message]] = field(
        default_factory=list[tuple[float, int, Message]]
    )

    def __len__(self) -> int:
        return len(self._visible)

    def put(self, message: Message) -> None:
        """Add a message, which is visible from its moment."""
        heappush(self._visible, (message.visible_at, message.number, message))

    @property
    def next_at(self) -> float | None:
        """When the next message is visible; None: the queue has none."""
        return self._visible[0][0] if self._visible else None

    def receive(self, at: float) -> Message | None:
        """Take the next message; None: it moved to the dead letters instead."""
        *_, message = heappop(self._visible)
        if self.dead_letters is not None and message.receive_count >= self.most_receives:
            self.dead_letters.put(Message(message.number, message.body, at))
            return None
        message.receive_count += 1
        message.visible_at = at + self.visibility
        self.in_flight[str(message.number)] = message
        return message

    def finish(self, message: Message, *, acknowledged: bool) -> None:
        """End a delivery; a message that is not acknowledged comes again."""
        del self.in_flight[str(message.number)]
        if not acknowledged:
            self.put(message)


@dataclass(slots=True)
class Queues:
    """All queues, as the client of SQS reaches them."""

    by_name: dict[str, Queue]
    requests: Counter[str] = field(default_factory=Counter[str])
    largest_message: int = 0
    largest_batch: int = 0
    longest_queue: int = 0
    _numbers: "count[int]" = field(default_factory=count)

    def answer(self, operation: str, request: Request, at: float) -> dict[str, Any]:
        """Carry out a request.

        Raises:
            Refused: it exceeds a limit of SQS.
        """
        self.requests[operation] += 1
        queue = self.by_name[request["QueueUrl"].rpartition("/")[2]]
        if operation == "ChangeMessageVisibility":
            queue.in_flight[request["ReceiptHandle"]].visible_at = at + request["VisibilityTimeout"]
            return {}
        if operation == "SendMessage":
            return {"MessageId": self._put(queue, request, at)}
        if operation != "SendMessageBatch":
            raise Refused("InvalidAction", operation)
        entries = request["Entries"]
        size = sum(len(entry["MessageBody"].encode()) for entry in entries)
        self.largest_batch = max(self.largest_batch, size)
        if len(entries) > MOST_MESSAGES or size > LARGEST_BATCH:
            raise Refused("AWS.SimpleQueueService.BatchRequestTooLong", f"{size} bytes")
        sent = [{"Id": e["Id"], "MessageId": self._put(queue, e, at)} for e in entries]
        return {"Successful": sent, "Failed": []}

    def _put(self, queue: Queue, request: Request, at: float) -> str:
        body, delay = request["MessageBody"], request.get("DelaySeconds", 0)
        size = len(body.encode())
        self.largest_message = max(self.largest_message, size)
        if size > LONGEST_MESSAGE or not 0 <= delay <= LONGEST_DELAY:
            raise Refused("InvalidParameterValue", f"{size} bytes, delay {delay} s")
        message = Message(next(self._numbers), body, at + delay)
        queue.put(message)
        self.longest_queue = max(self.longest_queue, len(queue))
        return str(message.number)


def open_queues(template: Mapping[str, Any]) -> Queues:
    """Return the queues of the template; `template` is what `load_template` returns."""
    resources = template["Resources"]
    found = {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    queues: dict[str, Queue] = {}
    for name, properties in found.items():
        redrive = properties.get("RedrivePolicy", {})
        queues[name] = Queue(
            name, properties.get("VisibilityTimeout", 30), redrive.get("maxReceiveCount", 0)
        )
    for name, properties in found.items():
        if "RedrivePolicy" in properties:
            target = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
            queues[name].dead_letters = queues[target]
    return Queues(queues)


def sqs_event(queue: str, message: Message) -> dict[str, Any]:
    """Return the event that Lambda's event source mapping makes of a message."""
    record = {
        "messageId": f"message-{message.number}",
        "receiptHandle": str(message.number),
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receive_count)},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-north-1:123456789012:{queue}",
    }
    return {"Records": [record]}


def is_acknowledged(answer: object) -> bool:
    """Whether a function's answer acknowledges the only message of its event."""
    if not isinstance(answer, dict):
        return False
    return not cast("dict[str, object]", answer).get("batchItemFailures")
