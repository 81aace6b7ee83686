"""Pauses the expired mentors on one page of a run (SQS)."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from expiry.pause import PausePage
from mentor_pause import aws, config
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.pages import PageConsumer
from mentor_pause.retry import Retry
from mentor_pause.supabase import connect
from mentor_pause.workers import page_consumer, take_pages

logger = Logger()


@cache
def _consumer() -> PageConsumer:
    database = connect(config.load_database(aws.read_secret))
    work = PausePage(database, Retry(attempts=2, on=DatabaseUnavailable), logger)
    return page_consumer("certification_expiry", work, database, Retry(), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Work off the messages; those that are not done are returned as failures."""
    return take_pages(event, context, _consumer, logger)
