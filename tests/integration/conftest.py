"""A night, its monitor, and a project that has adopted mentor-pause, for the integration tests."""

from collections.abc import Iterator

import pytest

from support.adoption import VALLEY, Adoption, open_adoption
from support.aws import Clients
from support.cluster import Cluster
from support.monitor import Monitor
from support.night import Night, open_night
from support.roster import Roster


@pytest.fixture
def night(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[Night]:
    """Dispatcher, queue, worker, ledger and database, with pages of three mentors."""
    with open_night(aws, roster, cluster) as found:
        yield found


@pytest.fixture(scope="session")
def valley(cluster: Cluster) -> Iterator[Adoption]:
    """A project that has adopted mentor-pause. Change it in a transaction that is rolled back."""
    with open_adoption(cluster, VALLEY) as found:
        yield found


@pytest.fixture
def monitor(night: Night, capsys: pytest.CaptureFixture[str]) -> Monitor:
    """The monitor of a night."""
    return Monitor(night, capsys)
