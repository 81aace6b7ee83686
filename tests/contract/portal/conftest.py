"""HLF's portal, and the real client for it."""

from collections.abc import Iterator

import pytest

from local.portal import serving
from local.portal_tables import Portal
from mentor_pause.portal.dataverse import Dataverse
from support.portal import MENTORS, Time, connected, example_portal
from support.stand_in import Reader


@pytest.fixture
def portal() -> Portal:
    """The example's portal, with one active mentor."""
    made = example_portal()
    made.put(MENTORS, hlf_mentornumber="1017", hlf_status=100000000)
    return made


@pytest.fixture
def time() -> Time:
    """50 seconds until the runtime kills the invocation."""
    return Time()


@pytest.fixture
def dataverse(portal: Portal, time: Time) -> Iterator[Dataverse]:
    """The real client."""
    with connected(portal, time) as found:
        yield found


@pytest.fixture
def reader(portal: Portal) -> Iterator[Reader]:
    """A reader that has logged in."""
    with serving(portal) as url:
        found = Reader(url)
        yield found
        found.http.close()
