"""Pauses the expired mentors on one page of a run, or takes back such pauses (SQS)."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from expiry.pause import PausePage
from mentor_pause import config
from mentor_pause.aws.secrets import read_secret
from mentor_pause.bootstrap import open_worker, open_worker_queue
from mentor_pause.database.client import Database, open_transport
from mentor_pause.engine.sqs_batch import Consumer, take_pages
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.retry import Retry

RECONNECT = Retry(attempts=20, longest=0.8, on=DatabaseUnavailable, patience=5, least_seconds=3.5)
"""Where connections are few, another worker soon returns one. A call that had no answer for longer
than `patience` is not repeated."""

logger = Logger()


@cache
def _consumer() -> Consumer:
    transport = open_transport(config.load_database(read_secret))
    work = PausePage(Database(transport, RECONNECT), logger)
    return open_worker("certification_expiry", work, Database(transport, Retry()), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle the messages and return the failed ones."""
    return take_pages(event, context, _consumer, open_worker_queue, logger)
