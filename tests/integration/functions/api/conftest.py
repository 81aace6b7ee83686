"""The HTTP entry over a night, and tokens for its callers."""

from collections.abc import Iterator

import pytest

from support.cluster import Cluster
from support.http import Http, add_member, open_http
from support.identity import token_of
from support.night import Night
from support.roster import Roster


@pytest.fixture
def http(night: Night, roster: Roster, cluster: Cluster) -> Iterator[Http]:
    """The HTTP entry, with three expired mentors who are active."""
    roster.add_mentors(3)
    with open_http(night, roster, cluster) as found:
        yield found


@pytest.fixture
def coordinator(http: Http, roster: Roster) -> str:
    """A coordinator's token."""
    return token_of(add_member(roster, "coordinator"))


@pytest.fixture
def admin(http: Http, roster: Roster) -> str:
    """An administrator's token."""
    return token_of(add_member(roster, "admin"))
