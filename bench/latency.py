"""Measures how long the HTTP entry and the console take to answer, on the deployed local stack.

The functions are warm. Emulator, function and database share this machine. The requests take turns,
so all of them meet the same other work.
"""

import statistics
import time
from collections.abc import Callable

import httpx
from rich.console import Console
from rich.table import Table

from bench.stack import bench_stack
from local.seed import find_member
from support.deployed import Deployed, mentor_pause

ROUNDS, MENTORS = 40, 500

type Ask = Callable[[], httpx.Response]


def _requests(stack: Deployed, client: httpx.Client) -> dict[str, Ask]:
    url = stack.local.database_url()
    admin, coordinator = find_member(url, "admin"), find_member(url, "coordinator")
    if admin is None or coordinator is None:
        raise RuntimeError("the roster has no administrator or no coordinator")
    root = stack.stack.outputs["ApiUrl"]
    session = {"Cookie": f"__Host-session={stack.local.token(admin)}"}
    theirs = {"Cookie": f"__Host-session={stack.local.token(coordinator)}"}
    machine = mentor_pause("local", "token", "machine").stdout.strip()
    bearer = {"Authorization": f"Bearer {machine}"}
    return {
        "HTTP entry, refused without a credential": lambda: client.get(f"{root}/runs"),
        "HTTP entry, list of runs": lambda: client.get(f"{root}/runs", headers=bearer),
        "console, sign-in page": lambda: client.get(f"{root}/console/sign-in"),
        "console, tonight (administrator)": lambda: client.get(f"{root}/console", headers=session),
        "console, mentors (coordinator)": lambda: client.get(
            f"{root}/console/mentors", headers=theirs
        ),
        "console, checks (administrator)": lambda: client.get(
            f"{root}/console/checks", headers=session
        ),
    }


def main(console: Console) -> None:
    """Send the requests in turns, and print the table."""
    with bench_stack() as stack, httpx.Client(timeout=60, trust_env=False) as client:
        stack.local.seed(mentors=MENTORS, expired=60, seed=1)
        mentor_pause("run", "certification_expiry", "--json")
        asks = _requests(stack, client)
        statuses = {name: ask().status_code for name, ask in asks.items()}  # the functions start
        times: dict[str, list[float]] = {name: [] for name in asks}
        for _ in range(ROUNDS):
            for name, ask in asks.items():
                began = time.perf_counter()
                ask()
                times[name].append((time.perf_counter() - began) * 1000)
    table = Table("request", "status", "median, ms", "least, ms", "19 of 20 at most, ms")
    for name, found in times.items():
        table.add_row(
            name, str(statuses[name]), f"{statistics.median(found):.0f}", f"{min(found):.0f}",
            f"{statistics.quantiles(found, n=20)[-1]:.0f}",
        )  # fmt: skip
    console.print(f"{ROUNDS} requests each, {MENTORS} mentors")
    console.print(table)
