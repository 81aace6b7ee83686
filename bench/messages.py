"""Measures the messages of a night: the warnings, the digests, their requests and what they cost.

The certifications are spread evenly over two years, so each day has the same number of pauses and
of warnings at each stage. The database is real; SES is a stand-in that answers at once. On AWS the
account's sending rate decides how long the notifier works.
"""

import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from rich.console import Console
from rich.table import Table

from local.seed import load_roster, make_roster
from mentor_pause.database.pooled import PooledTransport
from support.cluster import Cluster, open_cluster
from support.faults import Plan
from support.post_office import Notifier, PostOffice
from support.roster import ORG
from support.transports import CountingTransport

SIZES = (500, 100_000)
_DAYS = 730
"""How long a certification lasts."""
_RATE = 14.0
"""E-mails per second that SES takes from an account which has left the sandbox; some get more."""
_MEMORY_GB = 0.5
_PRICES = {"SES, e-mails": 0.10e-3, "Lambda, GB-seconds": 0.0000166667}
"""In USD, as in `bench.cost`. SES bills an e-mail to one recipient."""


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages of one night."""

    name: str
    warnings: int
    warning_seconds: float
    """Seconds of the one call that writes them."""
    digests: int
    seconds: float
    """Seconds of the notifier, without waits for the rate."""
    calls: int
    """The notifier's calls to the database."""

    @property
    def usd(self) -> float:
        """What AWS bills for the e-mails and for the notifier's time at the usual rate."""
        gb_seconds = max(self.seconds, self.digests / _RATE) * _MEMORY_GB
        return self.digests * _PRICES["SES, e-mails"] + gb_seconds * _PRICES["Lambda, GB-seconds"]


@contextmanager
def _database(cluster: Cluster, mentors: int) -> Generator[psycopg.Connection]:
    with cluster.database() as db:
        roster = make_roster(ORG, mentors, 0, 1, datetime.now(UTC).date())
        load_roster(cluster.server.url(db.info.dbname), roster, "hlf")
        db.execute("delete from certifications")
        db.execute(
            "insert into certifications (mentor_id, expires_on)"
            " select id, private.org_today(org_id) + (row_number() over (order by id) %% %s)::int"
            " from peer_mentors",
            (_DAYS,),
        )
        db.execute("update peer_mentors set status = 'active'")
        db.execute("analyze")
        yield db


def _timed[T](call: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    return call(), time.perf_counter() - began


def _night(cluster: Cluster, db: psycopg.Connection, name: str) -> Messages:
    def warn() -> int:
        row = db.execute("select write_warnings(%s, private.org_today(%s))", (ORG, ORG)).fetchone()
        return row[0] if row else 0

    warnings, warning_seconds = _timed(warn)
    db.execute("select run_certification_expiry(%s)", (ORG,))
    url = cluster.url(db, "mentor_pause_notifier")
    with closing(PooledTransport(url)) as pooled:
        transport = CountingTransport(pooled, Plan())
        office = PostOffice(per_second=1e9, per_day=-1)
        report, seconds = _timed(Notifier(transport, office).send)
    return Messages(name, warnings, warning_seconds, report.sent, seconds, transport.calls.total())


def _nights(cluster: Cluster, mentors: int) -> list[Messages]:
    with _database(cluster, mentors) as db:
        first = _night(cluster, db, f"{mentors:,} mentors, the first night")
    with _database(cluster, mentors) as db:
        # As if the night before had warned everybody who was due then.
        db.execute("select write_warnings(%s, private.org_today(%s) - 1)", (ORG, ORG))
        db.execute("truncate messages, digests")
        usual = _night(cluster, db, f"{mentors:,} mentors, a usual night")
    return [first, usual]


def main(console: Console) -> None:
    """Measure the first and a usual night of each size, and print the table."""
    with TemporaryDirectory() as folder, open_cluster(Path(folder)) as cluster:
        nights = [night for size in SIZES for night in _nights(cluster, size)]
    table = Table("", "warnings", "s", "e-mails", "s", "ms each", "database calls", "USD")
    for night in nights:
        table.add_row(
            night.name,
            f"{night.warnings:,}",
            f"{night.warning_seconds:.2f}",
            f"{night.digests:,}",
            f"{night.seconds:.1f}",
            f"{night.seconds * 1000 / max(1, night.digests):.1f}",
            f"{night.calls:,}",
            f"{night.usd:.4f}",
        )
    console.print(table)
