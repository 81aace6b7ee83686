"""The monitor over a night's database and ledger."""

from typing import Any

import pytest
from aws_lambda_powertools import Metrics

from mentor_pause.config import OrgSettings
from monitor.check import Answer, Check
from monitor.hung import EndHungRuns
from monitor.night import LookAtNight
from support.metrics import emitted
from support.night import Night
from support.roster import ORG


class Monitor:
    """A monitor, put together as its Lambda puts it together."""

    def __init__(self, night: Night, capsys: pytest.CaptureFixture[str], slug: str = "hlf") -> None:
        """It looks at the night's database and ledger by the night's clock."""
        self.night = night
        self._capsys = capsys
        org = OrgSettings(hlf_org_id=ORG, hlf_org_slug=slug)
        self.look = LookAtNight(org, night.database, night.retry, night.clock)
        self.hung = EndHungRuns(
            ORG, night.ledger, night.recovery, night.retry, night.clock, night.logger
        )

    def __call__(self) -> Answer:
        """Look once."""
        metrics = Metrics(namespace="tests", service="mentor-pause")
        return Check(lambda: self.look, lambda: self.hung, metrics, self.night.logger)()

    def emitted(self) -> dict[str, Any]:
        """Return the metrics that were written since the last call, by name."""
        return emitted(self._capsys)
