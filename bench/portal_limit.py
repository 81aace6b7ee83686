"""Syncs 50,000 changed mentors in virtual time with a portal that limits requests.

The portal takes 6,000 requests in five minutes, as Dataverse does, and answers 429 beyond that. The
worker's code is the product's (`tests/support/limited_sync.py`).
"""

from rich.console import Console
from rich.table import Table

from support.aws import open_clients
from support.limited_portal import Limit, LimitedPortal
from support.limited_sync import WORKERS, LimitedSync, Report
from support.virtual_time import VirtualTime

MENTORS = 50_000
LATENCIES = (0.012, 0.08)
"""Seconds that each answer of the portal takes."""
_ROWS = 1000
"""Certifications on a page of the portal's listing."""


def main(console: Console) -> None:
    """Let each page log in and learn of each wait alone, then together; print a table."""
    limit = Limit()
    table = Table(
        "an answer takes", "workers", "minutes", "at best", "requests", "429", "logins",
        "deliveries", "counted", "dead pages", "errors",
    )  # fmt: skip
    for latency in LATENCIES:
        for name, shares in (("alone", False), ("together", True)):
            report = _sync(limit, latency, shares=shares)
            table.add_row(
                f"{latency * 1000:.0f} ms", name, f"{report.minutes:.1f}",
                f"{_minutes_at_best(report.requests, limit, latency):.1f}",
                f"{report.requests:,}", f"{report.throttled:,}", f"{report.logins:,}",
                f"{report.invocations:,}", str(report.counted), str(report.dead_pages),
                str(report.errors),
            )  # fmt: skip
    console.print(f"{MENTORS:,} mentors; {limit.requests:,} requests in {limit.seconds:.0f} s")
    console.print(table)


def _minutes_at_best(requests: int, limit: Limit, latency: float) -> float:
    """Return how long workers take that do nothing but send, and never too early."""
    full_windows, rest = divmod(requests, limit.requests)
    return (full_windows * limit.seconds + rest * latency / WORKERS) / 60


def _sync(limit: Limit, latency: float, *, shares: bool) -> Report:
    portal = LimitedPortal(VirtualTime(), limit, latency, listing_pages=MENTORS // _ROWS)
    with open_clients() as clients:
        return LimitedSync(clients, portal, MENTORS, shares=shares).run()
