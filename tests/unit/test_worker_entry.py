"""The workers' common entry: nothing fails without a line in the log."""

import io
import json
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from mentor_pause.errors import ConfigurationError
from mentor_pause.workers import take_pages

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


def take(consumer: Any, event: object = EVENT) -> tuple[Any, list[dict[str, Any]]]:
    """Let an event in; return the answer and the log lines."""
    output = io.StringIO()
    logger = Logger(service=f"worker-{next(_names)}", stream=output)
    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    answer = take_pages(event, context, consumer, logger)
    return answer, [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_worker_that_is_configured_wrongly_says_so_and_keeps_the_page() -> None:
    """It comes back, and is done when the configuration is right."""

    def consumer() -> Any:
        raise ConfigurationError("LEDGER_TABLE is not set")

    answer, (line,) = take(consumer)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert (line["message"], line["reason"]) == ("worker not started", "LEDGER_TABLE is not set")


def test_a_page_that_is_done_is_acknowledged_and_knows_the_time_left() -> None:
    """In seconds."""
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
def test_an_event_that_is_no_sqs_batch_leaves_one_line_that_says_what_came(
    event: object, kind: str
) -> None:
    """R6: and nothing to repeat, since it would be the same again."""

    def consumer() -> Any:
        raise AssertionError("not asked")

    answer, (line,) = take(consumer, event)
    assert answer == {"batchItemFailures": []}
    assert (line["message"], line["event_kind"]) == ("not an SQS batch; nothing was done", kind)
