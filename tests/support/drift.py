"""Measures the drift of a test's portal and database."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime

from aws_lambda_powertools import Logger, Metrics

from local.portal_tables import Row
from mentor_pause.config import PortalSourceSettings
from mentor_pause.portal.source import PortalSource
from portal_drift.measure import Drift, MeasureDrift
from portal_drift.record import RecordDrift
from portal_drift.report import Answer, Report
from portal_drift.waiting import CountWaiting
from support.portal import MENTORS
from support.roster import ORG
from support.sync import PortalRows, SyncNight

NOW = datetime(2100, 1, 1, tzinfo=UTC)


def measuring(night: SyncNight) -> MeasureDrift:
    """Return the comparison; its clock stands in the year 2100."""
    return MeasureDrift(ORG, night.drift_database, night.open_portal, lambda: NOW)


def measure(night: SyncNight) -> Drift:
    """Compare now."""
    return measuring(night)(lambda: 60)


def row_of(portal: PortalRows, key: object) -> Row:
    """Return a mentor's row in the portal."""
    rows = portal.portal.table(MENTORS).rows.values()
    return next(row for row in rows if row["hlf_mentornumber"] == str(key))


def report(
    night: SyncNight,
    measuring: Callable[[], MeasureDrift],
    switch: str = "on",
    record: Callable[[], RecordDrift] | None = None,
) -> tuple[Answer, list[dict[str, object]]]:
    """Make a report, and return the answer and the log lines."""
    output = io.StringIO()
    names = PortalSourceSettings(portal_switch="s", portal_mapping="m", portal_secret_id="x")
    source = PortalSource(names, lambda _: switch, lambda _: "")
    metrics = Metrics(namespace="tests", service="tests")
    logger = Logger(service=f"drift-{id(output)}", stream=output)
    count = CountWaiting(ORG, night.drift_database, lambda: datetime.now(UTC))
    store = record or (lambda: RecordDrift(ORG, night.drift_database))
    answer = Report(lambda: source, measuring, lambda: count, store, metrics, logger)(lambda: 60)
    return answer, [json.loads(line) for line in output.getvalue().splitlines()]
