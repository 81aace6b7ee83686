"""The database client over each transport."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from support.cluster import Cluster
from support.pooler import pgbouncer
from support.postgrest import SECRET_KEY, postgrest
from support.roster import Roster


@pytest.fixture(params=["pooled", "pgbouncer", "rest"])
def database(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[Database]:
    """The database client over each transport; the pooled one also through PgBouncer."""
    if request.param == "pooled":
        with closing(PooledTransport(cluster.url(roster.db))) as pooled:
            yield Database(pooled)
    elif request.param == "pgbouncer":
        with (
            pgbouncer(cluster.url(roster.db)) as pooler,
            closing(PooledTransport(pooler.url)) as pooled,
        ):
            yield Database(pooled)
    else:
        owner_url = cluster.server.url(str(roster.db.info.dbname))
        with postgrest(owner_url) as url, closing(RestTransport(url, SECRET_KEY)) as transport:
            yield Database(transport)
