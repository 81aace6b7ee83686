"""The database client over each transport."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

import pytest

from local.rest_callers import SECRET_KEY
from local.supabase import postgrest
from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from support.cluster import Cluster
from support.pooler import pgbouncer
from support.roster import Roster


@pytest.fixture(params=["pooled", "pgbouncer", "rest"])
def database(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[Database]:
    """The database client over each transport; the pooled one also through PgBouncer."""
    with open_database(request.param, cluster.url(roster.db), owner_url(roster, cluster)) as found:
        yield found


@pytest.fixture(params=["pooled", "pgbouncer", "rest"])
def operator(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[Database]:
    """The same with an operator's rights; the transports of `database` have the job's rights."""
    url = owner_url(roster, cluster)
    with open_database(request.param, url, url) as found:
        yield found


def owner_url(roster: Roster, cluster: Cluster) -> str:
    """Return the URL of a test's database for its owner."""
    return cluster.server.url(str(roster.db.info.dbname))


@contextmanager
def open_database(kind: str, url: str, owner: str) -> Generator[Database]:
    """Open a client over one kind of transport; REST has the rights of its key."""
    if kind == "pooled":
        with closing(PooledTransport(url)) as pooled:
            yield Database(pooled)
    elif kind == "pgbouncer":
        with pgbouncer(url) as pooler, closing(PooledTransport(pooler.url)) as pooled:
            yield Database(pooled)
    else:
        with postgrest(owner) as rest, closing(RestTransport(rest, SECRET_KEY)) as transport:
            yield Database(transport)
