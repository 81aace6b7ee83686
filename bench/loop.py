"""Compares the worker's loop with pgbench, one client each, on the same database."""

import statistics
import time
from collections.abc import Callable
from uuid import uuid4

from aws_lambda_powertools import Logger
from rich.console import Console
from rich.table import Table

from bench.numbered import AS_OF, ORG, Numbered, numbered_database
from expiry.pause import PausePage
from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.domain.messages import MentorPage
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.retry import Retry

MENTORS, PAGE, ROUNDS = 500, 500, 41
"""Short rounds: a noisy machine changes its speed every few seconds."""


def by_the_loop(mentors: Numbered) -> float:
    """Pause with the worker's own code, over the pooled transport; return mentors per second."""
    transport, run = PooledTransport(mentors.url), uuid4()
    database = Database(transport, Retry(on=DatabaseUnavailable))
    work = PausePage(database, Logger(service="bench"))
    pages = [
        MentorPage(
            job_name="certification_expiry", job_run_id=run, org_id=ORG, as_of=AS_OF,
            page=number, mentor_ids=tuple(mentors.take(PAGE)),
        )
        for number in range(1, MENTORS // PAGE + 1)
    ]  # fmt: skip
    database.assert_org_scope(ORG, "hlf")  # connect before the time starts
    began = time.perf_counter()
    done = sum(len(work(page, lambda: 60.0).outcome.applied) for page in pages)
    took = time.perf_counter() - began
    transport.close()
    if done != MENTORS:
        raise RuntimeError(f"{done} of {MENTORS} were paused")
    return MENTORS / took


CONTENDERS: dict[str, Callable[[Numbered], float]] = {
    "pgbench, extended protocol": lambda mentors: mentors.pgbench(MENTORS),
    "pgbench, simple protocol": lambda mentors: mentors.pgbench(MENTORS, protocol="simple"),
    "worker loop, pooled transport": by_the_loop,
}
"""The clients by name; each returns mentors per second. The ratios compare with the first."""


def main(console: Console) -> None:
    """Measure the clients in turns, and print the table."""
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with numbered_database(len(CONTENDERS) * MENTORS * ROUNDS) as mentors:
        for _ in range(ROUNDS):
            for name, rate in CONTENDERS.items():
                rates[name].append(rate(mentors))
    limit = next(iter(rates.values()))
    table = Table("one client", "mentors/s", "ratio", "from", "to")
    for name, found in rates.items():
        ratios = [one / best for one, best in zip(found, limit, strict=True)]
        table.add_row(
            name, f"{statistics.median(found):.0f}", f"{statistics.median(ratios):.2f}",
            f"{min(ratios):.2f}", f"{max(ratios):.2f}",
        )  # fmt: skip
    console.print(f"{ROUNDS} rounds of {MENTORS} mentors each: medians")
    console.print(table)
