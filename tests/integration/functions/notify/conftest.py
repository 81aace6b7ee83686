"""A notifier with its own role, and mentors who are warned today."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from mentor_pause.database.pooled import PooledTransport
from support.cluster import Cluster
from support.faults import Plan
from support.post_office import Notifier, PostOffice
from support.roster import Roster
from support.transports import CountingTransport


@pytest.fixture
def plan() -> Plan:
    """Faults of the notifier's calls to the database and to SES."""
    return Plan()


@pytest.fixture
def notifier(cluster: Cluster, roster: Roster, plan: Plan) -> Iterator[Notifier]:
    """A notifier that logs in with its own role, at noon."""
    roster.make_it(12)
    with closing(PooledTransport(cluster.url(roster.db, "mentor_pause_notifier"))) as transport:
        yield Notifier(CountingTransport(transport, plan), PostOffice(), plan)
