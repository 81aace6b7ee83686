"""Measures a sync of 500 changed mentors on the local stack: requests to the portal, seconds."""

import time
from collections import Counter
from uuid import uuid4

import psycopg
from rich.console import Console
from rich.table import Table

from bench.stack import bench_stack
from local import portal_server
from support.deployed import Deployed

_MENTORS = 500


def main(console: Console) -> None:
    """Sync with a portal that answers at once, then with one that takes 50 ms; print a table."""
    table = Table("each answer takes", "synced", "seconds", "invocations", "requests of the portal")
    with bench_stack() as stack:
        for name, is_slow in (("no time", False), ("50 ms", True)):
            table.add_row(name, *_sync(stack, is_slow=is_slow))
    console.print(table)


def _sync(stack: Deployed, *, is_slow: bool) -> tuple[str, ...]:
    """Sync all mentors; return the synced mentors, the seconds, and the portal's requests."""
    stack.local.seed(mentors=_MENTORS, expired=0, seed=1)
    port = stack.local.require().portal_port
    portal_server.switch_manner(port, "slow answers", on=is_slow)
    with psycopg.connect(stack.local.database_url()) as db:
        db.execute("delete from public.portal_sync_state")
    before = len(portal_server.read_requests(port))
    began = time.perf_counter()
    started = stack.fire(str(uuid4()), job_name="hlf_sync")
    _, summary = stack.finish(started["job_run_id"], 300)
    seconds = time.perf_counter() - began
    asked = portal_server.read_requests(port)[before:]
    if summary["synced_count"] != _MENTORS:
        raise RuntimeError(f"{summary['synced_count']} of {_MENTORS} were synced")
    kinds = Counter(map(_kind, asked))
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return str(summary["synced_count"]), f"{seconds:.1f}", str(kinds["logins"]), told


def _kind(request: tuple[str, str]) -> str:
    method, path = request
    if method == "POST":
        return "logins"
    return "updates" if method == "PATCH" else "listings" if "$orderby" in path else "other"
