"""Brings HLF's portal in line for one page of a run (SQS)."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from hlf_sync.pull import PullCertifications
from hlf_sync.push import PushMentors
from hlf_sync.sync import SyncPage
from mentor_pause import aws, config
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.portal.source import PortalSource
from mentor_pause.retry import Retry
from mentor_pause.supabase import Database, open_wire
from mentor_pause.supabase.portal import PortalDatabase
from mentor_pause.wiring import now
from mentor_pause.workers import Consumer, page_consumer, take_pages

logger = Logger()


@cache
def _consumer() -> Consumer:
    wire = open_wire(config.load_portal_database(aws.read_secret))
    database, reconnect = PortalDatabase(wire), Retry(on=DatabaseUnavailable)
    pull = PullCertifications(database, reconnect, logger, now)
    push = PushMentors(database, reconnect, logger)
    names = config.PortalSourceSettings.load()
    source = PortalSource(names, aws.parameter_reader(), aws.read_secret)
    work = SyncPage(source.open, pull, push, logger)
    return page_consumer("hlf_sync", work, Database(wire), Retry(), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Work off the messages; those that are not done are returned as failures."""
    return take_pages(event, context, _consumer, logger)
