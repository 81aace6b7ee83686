"""A portal sync whose drift is measured."""

from collections.abc import Iterator

import pytest

from support.aws import Clients
from support.cluster import Cluster
from support.roster import Roster
from support.sync import PortalRows, SyncNight, open_sync


@pytest.fixture
def night(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[SyncNight]:
    """A sync with large pages."""
    with open_sync(aws, roster, cluster, page_size=100) as found:
        yield found


@pytest.fixture
def portal(night: SyncNight) -> PortalRows:
    """The portal's rows, as people see and edit them."""
    return PortalRows(night.portal)
