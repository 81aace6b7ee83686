"""Gives each message of an SQS event to the worker."""

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
from mentor_pause.engine.page_worker import delivery_of
from mentor_pause.engine.requeue import OPERATOR_WAIT
from mentor_pause.errors import (
    ConfigurationError,
    MentorPauseError,
    TransientError,
    describe,
    origin,
)
from mentor_pause.retry import Remaining, time_limit

_LAST_SECONDS = 12.0
"""Reserved for requeuing the messages if the worker cannot be built."""

type Consumer = Callable[[SQSRecord, Remaining], None]
"""Handles one SQS record; see `PageWorker.__call__`."""


def take_pages(
    event: object,
    context: LambdaContext,
    consumer: Callable[[], Consumer],
    queue: Callable[[], WorkerQueue],
    logger: Logger,
) -> PartialItemFailureResponse:
    """Handle the messages of an SQS event; return the failed ones to SQS.

    `consumer` builds the worker. If that fails, for instance because its secret cannot be read, the
    function logs the failure and requeues each message, so no mentor counts as an error (R3). An
    event that is not an SQS batch is logged and dropped, because a repetition would not change it.
    """
    if not is_sqs_batch(event):
        logger.error("not an SQS batch; nothing was done", extra={"event_kind": kind_of(event)})
        return {"batchItemFailures": []}

    def take(record: SQSRecord) -> None:
        try:
            with time_limit(context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS):
                consume = consumer()
        except Exception as error:
            logger.error(
                "worker not started", extra={"reason": describe(error), "origin": origin(error)}
            )
            if isinstance(error, TransientError | ConfigurationError) and _requeue(record, queue):
                return
            raise
        consume(record, lambda: context.get_remaining_time_in_millis() / 1000)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    batch = cast("dict[str, Any]", event)
    return process_partial_response(batch, take, processor, context)


def _requeue(record: SQSRecord, queue: Callable[[], WorkerQueue]) -> bool:
    """Requeue a message; False: SQS delivers it again, and the delivery counts."""
    delivery = delivery_of(record)
    try:
        worker_queue = queue()
        if not worker_queue.reads(delivery) or worker_queue.is_dead_letter(delivery):
            return False
        worker_queue.requeue(delivery, OPERATOR_WAIT)
    except MentorPauseError:
        return False
    return True
