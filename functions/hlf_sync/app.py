"""Syncs HLF's portal and the database for one page of a run (SQS)."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from hlf_sync.pull import pull_certifications
from hlf_sync.push import PushMentors
from hlf_sync.sync import SyncPage
from mentor_pause import config
from mentor_pause.aws.clients import dynamodb_client
from mentor_pause.aws.secrets import parameter_reader, read_secret
from mentor_pause.bootstrap import open_worker, open_worker_queue
from mentor_pause.database.client import Database, open_transport
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.engine.sqs_batch import Consumer, take_pages
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.ledger.clock import utc_now
from mentor_pause.ledger.portal_gate import PortalGate
from mentor_pause.ledger.table import Table
from mentor_pause.portal.source import PortalSource
from mentor_pause.retry import NO_RETRY, Retry

logger = Logger()


@cache
def _consumer() -> Consumer:
    transport = open_transport(config.load_portal_database(read_secret))
    database = PortalDatabase(transport, Retry(on=DatabaseUnavailable))
    ledger = Table(dynamodb_client(), config.LedgerSettings.load().ledger_table, NO_RETRY)
    source = PortalSource(
        config.PortalSourceSettings.load(), parameter_reader(), read_secret, PortalGate(ledger)
    )
    work = SyncPage(
        source.open,
        pull_certifications(database, logger, utc_now),
        PushMentors(database, logger),
        logger,
    )
    return open_worker("hlf_sync", work, Database(transport, Retry()), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Process the messages; return those that are not finished as failures."""
    return take_pages(event, context, _consumer, open_worker_queue, logger)
