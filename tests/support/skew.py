"""A night in which the components' clocks differ, and DynamoDB sends the true time."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

import pytest

from expiry.pause import PausePage
from mentor_pause.config import OrgSettings
from mentor_pause.ledger.clock import Clock
from mentor_pause.ledger.table import Table
from monitor.app import build_hung_runs
from monitor.nightly_check import NightlyCheck
from support.aws import Clients
from support.monitor import Monitor
from support.night import Night
from support.roster import ORG

type Component = Literal["dispatcher", "worker", "monitor", "database"]


class DatedClient:
    """A DynamoDB client whose answers have a test's time."""

    def __init__(self, client: Any, clock: Clock) -> None:
        """`clock` is the true one."""
        self._client = client
        self._clock = clock

    def get_item(self, **request: Any) -> Any:
        """Read, and set the answer's `Date` header."""
        found = self._client.get_item(**request)
        date = format_datetime(self._clock().astimezone(UTC), usegmt=True)
        found["ResponseMetadata"]["HTTPHeaders"]["date"] = date
        return found


def ledger_clock(aws: Clients, night: Night, ahead: timedelta) -> Clock:
    """Return the ledger's clock on a machine whose own clock is ahead."""
    client: Any = DatedClient(aws.dynamodb, night.clock)
    name = night.ledger.table.name
    return Table(client, name, local_clock=lambda: night.clock() + ahead).now


def skew_worker(night: Night, clock: Clock) -> None:
    """Let the night's worker use this clock."""
    work = PausePage(night.database, night.logger, tuple)
    night.consume = night.consumer(work, night.engine_at(clock))


def skewed_monitor(night: Night, capsys: pytest.CaptureFixture[str], clock: Clock) -> Monitor:
    """Return a monitor that uses this clock, and the database's own moment."""
    monitor = Monitor(night, capsys)
    org = OrgSettings(hlf_org_id=ORG, hlf_org_slug="hlf")
    monitor.look = NightlyCheck(org, night.database, clock)
    monitor.hung = build_hung_runs(ORG, night.engine_at(clock))
    return monitor


def at(*moment: int) -> datetime:
    """Return a moment of March 2026."""
    day, hour, minute = moment
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)
