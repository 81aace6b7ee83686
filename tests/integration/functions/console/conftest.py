"""A console over a database with every kind of person."""

from collections.abc import Iterator

import pytest

from support.cluster import Cluster
from support.console_world import World, open_world
from support.roster import Roster


@pytest.fixture
def world(cluster: Cluster, roster: Roster) -> Iterator[World]:
    """The people, their mentors and two nights."""
    with open_world(cluster, roster) as found:
        yield found
