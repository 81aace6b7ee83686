"""The monitor over a night's database and ledger."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from aws_lambda_powertools import Metrics

from mentor_pause.config import OrgSettings
from mentor_pause.database.client import Database, OrgScope
from mentor_pause.ledger.clock import Clock, utc_now
from monitor.app import build_hung_runs
from monitor.check import Answer, Check
from monitor.nightly_check import NightlyCheck
from support.metrics import emitted
from support.night import LEASES, Night
from support.roster import ORG

RUN_LEASE = LEASES.run
PATIENCE = 600
"""Seconds after the end of a lease before the monitor calls a run hung."""


@dataclass(frozen=True)
class DatabaseAt(Database):
    """A database whose moment is a test's clock."""

    clock: Clock = utc_now

    def assert_org_scope(self, org_id: UUID, slug: str) -> OrgScope:
        """See `Database.assert_org_scope`."""
        scope = super().assert_org_scope(org_id, slug)
        return scope.model_copy(update={"moment": self.clock()})


class Monitor:
    """The monitor, built as its Lambda builds it."""

    def __init__(self, night: Night, capsys: pytest.CaptureFixture[str], slug: str = "hlf") -> None:
        """It uses the night's database, ledger and clock."""
        self.night = night
        self._capsys = capsys
        org = OrgSettings(hlf_org_id=ORG, hlf_org_slug=slug)
        database = DatabaseAt(night.transport, night.retry, night.clock)
        self.look = NightlyCheck(org, database, night.clock)
        self.hung = build_hung_runs(ORG, night.engine)

    def __call__(self) -> Answer:
        """Run the monitor once."""
        metrics = Metrics(namespace="tests", service="mentor-pause")
        return Check(lambda: self.look, lambda: self.hung, metrics, self.night.logger)()

    def emitted(self) -> dict[str, Any]:
        """Return the metrics that were written since the last call, by name."""
        return emitted(self._capsys)
