"""The monitor of a night."""

from datetime import UTC, datetime

import pytest

from support.monitor import Monitor
from support.night import Night


@pytest.fixture
def monitor(night: Night, capsys: pytest.CaptureFixture[str]) -> Monitor:
    """The monitor of a night, at half past two."""
    night.clock.now = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
    return Monitor(night, capsys)
