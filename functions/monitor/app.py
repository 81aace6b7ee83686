"""Asks the database whether the night was complete, and ends hung runs (EventBridge rule)."""

from datetime import datetime
from functools import cache
from uuid import UUID

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from mentor_pause import config
from mentor_pause.aws.secrets import read_secret
from mentor_pause.bootstrap import Engine, closing_if_opened, open_engine, open_ledger
from mentor_pause.database.client import Database, connect
from mentor_pause.errors import ConfigurationError
from mentor_pause.ledger.clock import utc_now
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Retry, time_limit
from monitor.check import Answer, Check
from monitor.hung_runs import EndHungRuns
from monitor.nightly_check import NightlyCheck

LAST_SECONDS = 2.0
"""Reserved for the answer."""

logger = Logger()
metrics = Metrics()


@cache
def _database() -> Database:
    return connect(config.load_database(read_secret), Retry())


@cache
def _ledger() -> Ledger:
    return open_ledger()


def _now() -> datetime:
    """Return the moment by the ledger's clock; by this machine's if no ledger is configured."""
    try:
        return _ledger().now()
    except ConfigurationError:
        return utc_now()


@cache
def _night() -> NightlyCheck:
    return NightlyCheck(config.OrgSettings.load(), _database(), _now)


def build_hung_runs(org_id: UUID, engine: Engine) -> EndHungRuns:
    """Build the check for hung runs from its parts; tests build it the same way."""
    return EndHungRuns(org_id, engine.ledger, engine.database, engine.recovery, engine.logger)


@cache
def _hung_runs() -> EndHungRuns:
    org_id = config.OrgSettings.load().hlf_org_id
    return build_hung_runs(org_id, open_engine(_ledger(), _database(), logger))


@logger.inject_lambda_context(clear_state=True)
def handler(event: object, context: LambdaContext) -> Answer:  # noqa: ARG001 - always the same
    """Check the night, write the metrics, and answer with the findings."""
    seconds = context.get_remaining_time_in_millis() / 1000 - LAST_SECONDS
    with time_limit(seconds), closing_if_opened(_database):
        return Check(_night, _hung_runs, metrics, logger)()
