"""The portal sync's database client over both transports."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from local.rest_callers import SECRET_KEY
from local.supabase import postgrest
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.rest import RestTransport
from support.cluster import Cluster
from support.roster import Roster


@pytest.fixture(params=["pooled", "rest"])
def database(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[PortalDatabase]:
    """Yield the client: over the pooler with the role portal_sync, and over REST."""
    with postgrest(cluster.server.url(str(roster.db.info.dbname))) as url:
        transport = (
            PooledTransport(cluster.url(roster.db, "portal_sync"))
            if request.param == "pooled"
            else RestTransport(url, SECRET_KEY)
        )
        with closing(transport):
            yield PortalDatabase(transport)
