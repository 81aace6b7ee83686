"""Asks the database whether the night was all right, and ends runs that hang (EventBridge rule)."""

from datetime import datetime
from functools import cache

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from mentor_pause import config
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
from monitor.check import Answer, Check
from monitor.hung import EndHungRuns
from monitor.night import LookAtNight

LAST_SECONDS = 2.0
"""Kept for the answer."""

logger = Logger()
metrics = Metrics()


@cache
def _database() -> Database:
    return connect(config.load_database(read_secret))


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
def _night() -> LookAtNight:
    return LookAtNight(config.OrgSettings.load(), _database(), Retry(), _now)


@cache
def _hung() -> EndHungRuns:
    retry, ledger, org_id = Retry(), _ledger(), config.OrgSettings.load().hlf_org_id
    completion = open_completion(ledger, _database(), retry, logger)
    recovery = Recovery(_database(), ledger, completion, retry, ledger.now, logger)
    return EndHungRuns(org_id, ledger, _database(), recovery, retry, ledger.now, logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: object, context: LambdaContext) -> Answer:  # noqa: ARG001 - it asks for nothing
    """Look, write the metrics, and answer with what was found."""
    seconds = context.get_remaining_time_in_millis() / 1000 - LAST_SECONDS
    with time_limit(seconds), closing_if_made(_database):
        return Check(_night, _hung, metrics, logger)()
