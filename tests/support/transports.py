"""The transports to a test's database, with counted calls and planned faults."""

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Literal

from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from support.cluster import Cluster
from support.faults import POOLED, REST, FaultyTransport, Plan
from support.postgrest import SECRET_KEY, postgrest
from support.roster import Records


class CountingTransport:
    """A wire that counts the calls that reach the database, by function."""

    def __init__(self, wire: Any, plan: Plan) -> None:
        """`wire` does the work, when the plan lets a call reach it."""
        self._wire = wire
        self._plan = plan
        self.calls: Counter[str] = Counter()

    def call(self, function: str, arguments: Mapping[str, object]) -> Any:
        """Count, and call."""

        def reach() -> Any:
            self.calls[function] += 1
            return self._wire.call(function, arguments)

        return self._plan.around(reach, POOLED, function)

    def close(self) -> None:
        """Close the wire."""
        self._wire.close()


type TransportKind = Literal["pooled", "REST"]


@contextmanager
def open_transport(
    kind: TransportKind, roster: Records, cluster: Cluster, plan: Plan
) -> Generator[CountingTransport]:
    """Open a wire to a test's database, on which the plan's faults happen."""
    if kind == "pooled":
        with closing(PooledTransport(cluster.url(roster.db))) as wire:
            yield CountingTransport(wire, plan)
    else:
        with (
            postgrest(cluster.server.url(roster.db.info.dbname)) as url,
            closing(RestTransport(url, SECRET_KEY, FaultyTransport(plan, REST))) as wire,
        ):
            yield CountingTransport(wire, Plan())
