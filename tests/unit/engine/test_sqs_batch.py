"""The workers' common entry logs a line for every failure."""

import io
import json
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from mentor_pause.aws.queues import WorkerQueue
from mentor_pause.bootstrap import open_worker_queue
from mentor_pause.engine.sqs_batch import take_pages
from mentor_pause.errors import ConfigurationError
from mentor_pause.retry import seconds_left

_names = count()
RECORD = {
    "messageId": "m-1",
    "receiptHandle": "r-1",
    "body": "{}",
    "attributes": {"ApproximateReceiveCount": "1"},
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:eu-north-1:123456789012:pages",
}
EVENT = {"Records": [RECORD]}


class Sent:
    """An SQS client that records the bodies that were sent."""

    def __init__(self) -> None:
        """Start without messages."""
        self.bodies: list[str] = []

    def send_message(self, MessageBody: str, **_: object) -> None:
        """Record it."""
        self.bodies.append(MessageBody)


def take(
    consumer: Any, event: object = EVENT, queue: Callable[[], WorkerQueue] = open_worker_queue
) -> tuple[Any, list[dict[str, Any]]]:
    """Pass an event in; return the answer and the log lines."""
    output = io.StringIO()
    logger = Logger(service=f"worker-{next(_names)}", stream=output)
    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    answer = take_pages(event, context, consumer, queue, logger)
    return answer, [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_worker_that_is_configured_wrongly_says_so_and_keeps_the_page() -> None:
    """The page is delivered again, and processed once the configuration is right."""

    def consumer() -> Any:
        raise ConfigurationError("LEDGER_TABLE is not set")

    answer, (line,) = take(consumer)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert (line["message"], line["reason"]) == ("worker not started", "LEDGER_TABLE is not set")


def test_a_worker_that_cannot_start_sends_no_message_of_another_queue_again() -> None:
    """R5: such a message stays on its queue. A message of the worker's own queue is requeued."""

    def consumer() -> Any:
        raise ConfigurationError("LEDGER_TABLE is not set")

    failed = [{"itemIdentifier": "m-1"}]
    for name, dead, failures in (
        ("pages", "dead", []), ("others", "dead", failed), ("others", "pages", failed),
    ):  # fmt: skip
        sqs = Sent()
        queue = WorkerQueue(sqs, f"https://q/1/{name}", f"https://q/1/{dead}")  # type: ignore[arg-type]
        answer, _ = take(consumer, queue=lambda queue=queue: queue)
        assert answer == {"batchItemFailures": failures}
        assert sqs.bodies == (["{}"] if name == "pages" else [])


def test_a_mistake_of_ours_is_not_acknowledged() -> None:
    """R3: the message stays, and counts; so does one whose queue cannot be asked."""

    def consumer() -> Any:
        raise ValueError("a mistake")

    answer, (line,) = take(consumer)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert (line["message"], line["reason"]) == ("worker not started", "ValueError")


def test_building_a_worker_leaves_twelve_seconds_for_the_queue() -> None:
    """R2: otherwise Lambda would end the invocation before the message is requeued."""
    left: list[float] = []

    def consumer() -> Any:
        left.append(seconds_left())
        raise ConfigurationError("LEDGER_TABLE is not set")

    take(consumer)
    assert 47.0 < left[0] <= 48.0


def test_a_page_that_is_done_is_acknowledged_and_knows_the_time_left() -> None:
    """The time is in seconds."""
    seen: list[float] = []

    def consume(_record: object, remaining: Callable[[], float]) -> None:
        seen.append(remaining())

    answer, lines = take(lambda: consume)
    assert (answer, lines, seen) == ({"batchItemFailures": []}, [], [60.0])


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (None, "a JSON NoneType"),
        ("text", "a JSON str"),
        ({"Records": []}, "a batch of records"),
        ({"Records": [7]}, "a batch of records"),
        ({"Records": [{"eventSource": "aws:s3"}]}, "an S3 event"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "an SQS batch"),
        ({"Records": [RECORD | {"attributes": None}]}, "an SQS batch"),
        ({"Records": [RECORD | {"body": None}]}, "an SQS batch"),
        ({"Records": [RECORD | {"eventSource": "kari@example.org"}]}, "a batch of records"),
        ({"detail-type": "Scheduled Event"}, "an EventBridge event"),
        (
            {"job_name": "certification_expiry"},
            "a dispatcher's request or a page of mentors",
        ),
    ],
)
def test_an_event_that_is_not_an_sqs_batch_is_logged_in_one_line(event: object, kind: str) -> None:
    """R6: nothing is repeated, because the result would be the same."""

    def consumer() -> Any:
        raise AssertionError("not asked")

    answer, (line,) = take(consumer, event)
    assert answer == {"batchItemFailures": []}
    assert (line["message"], line["event_kind"]) == ("not an SQS batch; nothing was done", kind)
