"""Puts a worker together from the environment, and gives it the messages of an SQS event."""

from collections.abc import Callable
from typing import Any, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,  # pyright: ignore[reportUnknownVariableType]
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from mentor_pause.aws.lambda_events import is_sqs_batch, kind_of
from mentor_pause.aws.queues import WorkerQueue
from mentor_pause.engine.page_worker import OPERATOR_WAIT, delivery_of
from mentor_pause.errors import (
    ConfigurationError,
    MentorPauseError,
    TransientError,
    describe,
    origin,
)
from mentor_pause.retry import Remaining, time_limit

_LAST_SECONDS = 12.0
"""Kept of an invocation for the queue, when the worker cannot be put together."""

type Consumer = Callable[[SQSRecord, Remaining], None]
"""What a worker does with an SQS record; see `PageConsumer.__call__`."""


def take_pages(
    event: object,
    context: LambdaContext,
    consumer: Callable[[], Consumer],
    logger: Logger,
    queue: Callable[[], WorkerQueue],
) -> PartialItemFailureResponse:
    """Work off the messages of an SQS event; those that are not done are returned as failures.

    A worker that cannot even be put together (its secret cannot be read, for one) says so for each
    message and sends it again for later: no mentor is an error because of that (R3). Any other
    event is logged and leaves nothing to do: it would be the same when repeated.
    """
    if not is_sqs_batch(event):
        logger.error("not an SQS batch; nothing was done", extra={"event_kind": kind_of(event)})
        return {"batchItemFailures": []}

    def take(record: SQSRecord) -> None:
        try:
            with time_limit(context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS):
                ready = consumer()
        except Exception as error:
            logger.error(
                "worker not started", extra={"reason": describe(error), "origin": origin(error)}
            )
            if isinstance(error, TransientError | ConfigurationError) and _put_back(record, queue):
                return
            raise
        ready(record, lambda: context.get_remaining_time_in_millis() / 1000)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    batch = cast("dict[str, Any]", event)
    return process_partial_response(batch, take, processor, context)


def _put_back(record: SQSRecord, queue: Callable[[], WorkerQueue]) -> bool:
    """Send a message again for later; False: SQS is to deliver it again, and to count."""
    delivery = delivery_of(record)
    try:
        known = queue()
        if not known.knows(delivery) or known.is_dead(delivery):
            return False
        known.send_again(delivery, OPERATOR_WAIT)
    except MentorPauseError:
        return False
    return True
