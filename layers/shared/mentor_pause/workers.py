"""Puts a worker together from the environment, and gives it the messages of an SQS event."""

from collections.abc import Callable
from contextlib import closing
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

from mentor_pause import aws, config
from mentor_pause.errors import describe, origin
from mentor_pause.events import kind_of_event
from mentor_pause.pages import PageConsumer, Work
from mentor_pause.queues import WorkerQueue
from mentor_pause.retry import Remaining, Retry
from mentor_pause.supabase import Database
from mentor_pause.wiring import now, open_completion

type Consumer = Callable[[SQSRecord, Remaining], None]
"""What a worker does with an SQS record; see `PageConsumer.__call__`."""


def page_consumer(
    job_name: str, work: Work, database: Database, retry: Retry, logger: Logger
) -> Consumer:
    """Return what takes the pages of `job_name` off its queue and gives them to `work`.

    It closes the database's connection after each record. A warm function that has nothing to do
    would keep it for minutes, and where connections are few, another worker waits for it (R1).

    Raises:
        ConfigurationError: a setting is missing.
    """
    org, worker = config.OrgSettings.load(), config.WorkerSettings.load()
    ledger = aws.open_ledger(config.LedgerSettings.load())
    consumer = PageConsumer(
        job_name,
        org.hlf_org_id,
        work,
        ledger,
        open_completion(ledger, database, retry, logger),
        WorkerQueue(aws.sqs_client(), worker.queue_url, worker.dead_letter_queue_url),
        now,
        logger,
    )

    def consume(record: SQSRecord, remaining: Remaining) -> None:
        with closing(database):
            consumer(record, remaining)

    return consume


def take_pages(
    event: object,
    context: LambdaContext,
    consumer: Callable[[], Consumer],
    logger: Logger,
) -> PartialItemFailureResponse:
    """Work off the messages of an SQS event; those that are not done are returned as failures.

    A worker that cannot even be put together (its configuration is wrong) says so for each message.
    Any other event is logged and leaves nothing to do: it would be the same when repeated.
    """
    if (kind := kind_of_event(event)) != "aws:sqs":
        logger.error("not an SQS event; nothing was done", extra={"event_kind": kind})
        return {"batchItemFailures": []}

    def take(record: SQSRecord) -> None:
        try:
            ready = consumer()
        except Exception as error:
            logger.error(
                "worker not started", extra={"reason": describe(error), "origin": origin(error)}
            )
            raise
        ready(record, lambda: context.get_remaining_time_in_millis() / 1000)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    batch = cast("dict[str, Any]", event)
    return process_partial_response(batch, take, processor, context)
