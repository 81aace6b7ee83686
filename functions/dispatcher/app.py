"""Starts the runs of every job (EventBridge rules, the command line)."""

from datetime import datetime
from functools import cache
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from dispatcher.dispatch import Dispatch
from dispatcher.ending import Ending
from dispatcher.reception import Answer, Reception
from dispatcher.sources import Sources
from mentor_pause import config
from mentor_pause.aws import clients
from mentor_pause.aws.queues import PageQueues, WaitingRequests
from mentor_pause.aws.secrets import read_secret
from mentor_pause.bootstrap import (
    closing_if_made,
    now,
    open_completion,
    open_ledger,
)
from mentor_pause.database.client import Database, connect
from mentor_pause.engine.recovery import Recovery
from mentor_pause.errors import ConfigurationError
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Retry, time_limit

RETRY = Retry(attempts=5, base=0.5, longest=5)
LAST_SECONDS = 2.0
"""Kept for the answer."""

logger = Logger()


@cache
def _database() -> Database:
    return connect(config.load_database(read_secret))


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
        return now()


@cache
def _dispatch() -> Dispatch:
    org, pages = config.OrgSettings.load(), config.QueueSettings.load()
    ledger = _ledger()
    completion = open_completion(ledger, _database(), RETRY, logger)
    queues = PageQueues(clients.sqs_client(), pages.url_by_job(), RETRY)
    recovery = Recovery(_database(), ledger, completion, RETRY, ledger.now, logger)
    ending = Ending(_database(), ledger, completion, recovery, RETRY, ledger.now)
    sources = Sources(_database(), ledger, pages.page_size, RETRY)
    return Dispatch(org, sources, _database(), ledger, queues, ending, RETRY, ledger.now, logger)


@cache
def _waiting() -> WaitingRequests:
    return WaitingRequests(clients.sqs_client(), config.QueueSettings.load().waiting_runs_queue_url)


@logger.inject_lambda_context(clear_state=True)
def handler(event: object, context: LambdaContext) -> Answer:
    """Start a run; the event is a `DispatchRequest`, or such requests that have waited (SQS)."""
    reception = Reception(_dispatch, _database, _waiting, _org_id, RETRY, _now, logger)
    seconds = context.get_remaining_time_in_millis() / 1000 - LAST_SECONDS
    with time_limit(seconds), closing_if_made(_database):
        return reception(event, context.aws_request_id)
