"""The workers' common entry: nothing fails without a line in the log."""

import io
import json
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

from aws_lambda_powertools import Logger

from mentor_pause.errors import ConfigurationError
from mentor_pause.workers import take_pages

_names = count()
EVENT = {"Records": [{"messageId": "m-1", "eventSource": "aws:sqs", "body": "{}"}]}


def take(consumer: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Let an event in; return the answer and the log lines."""
    output = io.StringIO()
    logger = Logger(service=f"worker-{next(_names)}", stream=output)
    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    answer = take_pages(EVENT, context, consumer, logger)
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
