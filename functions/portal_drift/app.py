"""Measures how far HLF's portal and the database differ (EventBridge rule, the command line)."""

from functools import cache

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from mentor_pause import config
from mentor_pause.aws.secrets import parameter_reader, read_secret
from mentor_pause.database.client import open_transport
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.ledger.clock import utc_now
from mentor_pause.portal.source import PortalSource
from mentor_pause.retry import Retry, time_limit
from portal_drift.measure import MeasureDrift
from portal_drift.record import RecordDrift
from portal_drift.report import Answer, Report
from portal_drift.waiting import CountWaiting

LAST_SECONDS = 2.0
"""Kept for the answer."""

logger = Logger()
metrics = Metrics()


@cache
def _source() -> PortalSource:
    names = config.PortalSourceSettings.load()
    return PortalSource(names, parameter_reader(), read_secret)


@cache
def _database() -> PortalDatabase:
    return PortalDatabase(open_transport(config.load_portal_database(read_secret)), Retry())


@cache
def _measure() -> MeasureDrift:
    org_id = config.OrgSettings.load().hlf_org_id
    return MeasureDrift(org_id, _database(), _source().connect, utc_now)


@cache
def _waiting() -> CountWaiting:
    return CountWaiting(config.OrgSettings.load().hlf_org_id, _database(), utc_now)


@cache
def _record() -> RecordDrift:
    return RecordDrift(config.OrgSettings.load().hlf_org_id, _database())


@logger.inject_lambda_context(clear_state=True)
def handler(event: object, context: LambdaContext) -> Answer:  # noqa: ARG001 - the event holds nothing
    """Measure, write the metrics, store the differences and return them."""
    report = Report(_source, _measure, _waiting, _record, metrics, logger)
    with time_limit(context.get_remaining_time_in_millis() / 1000 - LAST_SECONDS):
        return report(lambda: context.get_remaining_time_in_millis() / 1000)
