"""The whole product behind the verbs of the oracle.

One PostgreSQL, one ledger, a queue for each job, the stand-in portal over HTTP; dispatcher,
workers, monitor and drift measurement as their Lambdas put them together.
"""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from local.portal import serving
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.ledger.runs import Leases, Ledger
from mentor_pause.ledger.table import Table
from support.aws import Clients
from support.cluster import Cluster
from support.faked_clock import ServerClock
from support.faults import Plan
from support.night import Night
from support.portal import example_portal
from support.roster import Roster
from support.sync import PortalRows, SyncNight
from support.transports import CountingTransport
from year.jobs import Jobs
from year.people import People
from year.portal_hands import PortalHands
from year.sight import Sight

PAGE_SIZE = 4


class _SyncNight(SyncNight):
    """A sync over the ledger that an expiry night has: the dispatcher has one for all jobs."""

    def __init__(self, ledger: Ledger, *parts: Any) -> None:
        """`parts` are those of any sync."""
        self._shared = ledger
        super().__init__(*parts)

    def ledger_class(self, table: Table, leases: Leases, shard: int) -> Ledger:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Return the shared ledger."""
        return self._shared


@dataclass(frozen=True)
class Product:
    """People, portal and jobs, each with verbs of their own."""

    people: People
    portal: PortalHands
    jobs: Jobs
    sight: Sight
    server: ServerClock

    def set_clock(self, moment: datetime) -> None:
        """Let it be that moment everywhere: in the database, in AWS, in the portal."""
        self.server.set(moment)
        self.jobs.expiry.clock.now = self.jobs.syncs.clock.now = moment

    def do(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        """Do what the verb says; return what the oracle's verb returns."""
        part = next(p for p in (self.people, self.portal, self.jobs) if hasattr(p, verb))
        return getattr(part, verb)(**arguments)

    def state(self) -> dict[str, Mapping[Any, Any]]:
        """Return all that can be seen, by section."""
        return self.sight.state() | {"portal": self.portal.shown()}

    def settle(self, *, again: bool = False) -> None:
        """Leave the present rows out of later states; `again`: show all rows again."""
        self.sight.settle(again=again)


@contextmanager
def open_product(
    clients: Clients, db: psycopg.Connection, cluster: Cluster, server: ServerClock, seed: int
) -> Generator[Product]:
    """Put the product together over a fresh database."""
    portal, roster = example_portal(), Roster(db)
    with ExitStack() as stack:
        transports = [
            CountingTransport(
                stack.enter_context(closing(PooledTransport(cluster.url(db, role)))), Plan()
            )
            for role in ("mentor_pause_job", "portal_sync")
        ]
        url = stack.enter_context(serving(portal))
        expiry = Night(clients, transports[0], Plan(), PAGE_SIZE)
        syncs = _SyncNight(
            expiry.ledger, clients, tuple(transports), Plan(), portal, url, PAGE_SIZE
        )
        portal.clock = lambda: syncs.clock.now
        sight = Sight(roster, seed)
        yield Product(
            People(roster, cluster, sight),
            PortalHands(PortalRows(portal), sight),
            Jobs(expiry, syncs, sight, clients.dynamodb),
            sight,
            server,
        )
