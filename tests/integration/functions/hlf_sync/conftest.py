"""A portal sync over the stand-in portal."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from support.aws import Clients
from support.cluster import Cluster
from support.roster import Roster
from support.sync import PortalRows, SyncNight, open_sync, pause


@pytest.fixture
def night(
    request: pytest.FixtureRequest, aws: Clients, roster: Roster, cluster: Cluster
) -> Iterator[SyncNight]:
    """Pages of as many mentors as the test file says (`PAGE_SIZE`), or of three."""
    size = getattr(request.module, "PAGE_SIZE", 3)
    with open_sync(aws, roster, cluster, page_size=size) as found:
        yield found


@pytest.fixture
def portal(night: SyncNight) -> PortalRows:
    """The portal's rows, as people see and edit them."""
    return PortalRows(night.portal)


@pytest.fixture
def mentors(roster: Roster, portal: PortalRows) -> list[UUID]:
    """Five mentors who are paused here, and that no sync has sent yet."""
    found = roster.add_mentors(5)
    portal.add(*found)
    pause(roster, *found)
    return found
