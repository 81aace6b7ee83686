"""Starts the runs of every job (EventBridge rules, the command line, the HTTP entry)."""

from datetime import datetime
from functools import cache
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from dispatcher.dispatch import Dispatch
from dispatcher.handle_request import Answer, RequestHandler
from dispatcher.paging import Paging
from mentor_pause import config
from mentor_pause.aws.queues import PageQueues
from mentor_pause.aws.secrets import read_secret
from mentor_pause.bootstrap import (
    Engine,
    closing_if_opened,
    open_engine,
    open_ledger,
    open_page_queues,
    open_waiting_requests,
)
from mentor_pause.database.client import Database, connect
from mentor_pause.errors import ConfigurationError
from mentor_pause.ledger.clock import utc_now
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Retry, time_limit

RETRY = Retry(attempts=5, base=0.5, longest=5)
LAST_SECONDS = 2.0
"""Reserved for the answer."""

logger = Logger()


@cache
def _database() -> Database:
    return connect(config.load_database(read_secret), RETRY)


@cache
def _org_id() -> UUID | None:
    try:
        return config.OrgSettings.load().hlf_org_id
    except ConfigurationError:
        return None


@cache
def _ledger() -> Ledger:
    return open_ledger()


def _now() -> datetime:
    """Return the moment by the ledger's clock; by this machine's if no ledger is configured."""
    try:
        return _ledger().now()
    except ConfigurationError:
        return utc_now()


def build_dispatch(
    org: config.OrgSettings, engine: Engine, queues: PageQueues, page_size: int
) -> Dispatch:
    """Build the dispatcher from its parts; tests build it the same way."""
    paging = Paging(engine.ledger, engine.database, queues, page_size, engine.seconds_left)
    return Dispatch(org, engine.ledger, engine.database, engine.recovery, paging, engine.logger)


@cache
def _dispatch() -> Dispatch:
    org, queues = config.OrgSettings.load(), config.QueueSettings.load()
    engine = open_engine(_ledger(), _database(), logger)
    return build_dispatch(org, engine, open_page_queues(queues), queues.page_size)


@logger.inject_lambda_context(clear_state=True)
def handler(event: object, context: LambdaContext) -> Answer:
    """Start a run. The event is a `DispatchRequest`, or an SQS batch of waiting requests."""
    handle = RequestHandler(_dispatch, _database, open_waiting_requests, _org_id, _now, logger)
    seconds = context.get_remaining_time_in_millis() / 1000
    with time_limit(seconds - min(LAST_SECONDS, seconds / 8)), closing_if_opened(_database):
        return handle(event, context.aws_request_id)
