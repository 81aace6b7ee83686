"""Pauses the expired mentors on one page of a run (SQS)."""

from functools import cache
from typing import Any

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
from mentor_pause.pages import PageConsumer
from mentor_pause.retry import Retry
from mentor_pause.supabase import connect
from mentor_pause.wiring import page_consumer

from expiry.pause import PausePage

logger = Logger()
processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def _consumer() -> PageConsumer:
    database, retry = connect(config.load_database(aws.read_secret)), Retry()
    return page_consumer(
        "certification_expiry", PausePage(database, retry, logger), database, retry, logger
    )


def _page(record: SQSRecord, lambda_context: LambdaContext) -> None:
    _consumer()(record, lambda: lambda_context.get_remaining_time_in_millis() / 1000)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Work off the messages; those that are not done are returned as failures."""
    return process_partial_response(event, _page, processor, context)
