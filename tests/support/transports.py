"""The transports to a test's database, with counted calls and planned faults."""

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Literal

from local.rest_callers import SECRET_KEY
from local.supabase import postgrest
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from support.cluster import Cluster
from support.faults import POOLED, REST, FaultyHttp, Plan
from support.roster import Records


class CountingTransport:
    """A transport that counts the calls that reach the database, by function."""

    def __init__(self, transport: Any, plan: Plan) -> None:
        """`transport` makes the calls that the plan lets through."""
        self._transport = transport
        self._plan = plan
        self.calls: Counter[str] = Counter()

    def call(self, function: str, arguments: Mapping[str, object]) -> Any:
        """Count the call, and make it."""

        def reach() -> Any:
            self.calls[function] += 1
            return self._transport.call(function, arguments)

        return self._plan.around(reach, POOLED, function)

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()


type TransportKind = Literal["pooled", "REST"]


@contextmanager
def open_transport(
    kind: TransportKind, roster: Records, cluster: Cluster, plan: Plan
) -> Generator[CountingTransport]:
    """Open a transport to a test's database, with the plan's faults."""
    if kind == "pooled":
        with closing(PooledTransport(cluster.url(roster.db))) as transport:
            yield CountingTransport(transport, plan)
    else:
        with (
            postgrest(cluster.server.url(roster.db.info.dbname)) as url,
            closing(RestTransport(url, SECRET_KEY, FaultyHttp(plan, REST))) as transport,
        ):
            yield CountingTransport(transport, Plan())
