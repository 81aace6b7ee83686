"""Nights over a slow network, and nights with locked rows."""

import threading
from collections.abc import Callable

import psycopg

from support.deployed import Deployed
from support.proxy import running_proxy
from support.watch import Night, describe
from support.way import by_way_of, database_address, detour, locked_rows


def _latency(seconds: float, page_size: int) -> Callable[[Deployed], str]:
    def run(stack: Deployed) -> str:
        stack.local.seed(mentors=500, expired=500, seed=1)
        with (
            running_proxy(database_address(stack)) as proxy,
            detour(stack, by_way_of(proxy.port)),
            stack.page_size(page_size),
        ):
            proxy.delay = seconds / 2
            night = Night(stack)
            night.fire()
            summary = night.finish(600)
        return f"{seconds * 1000:.0f} ms, pages of {page_size}: {describe(night, summary)}"

    return run


def _locked_to_the_end(stack: Deployed) -> str:
    stack.local.seed(mentors=100, expired=100, seed=1)
    with locked_rows(stack, 20) as locked:
        night = Night(stack)
        night.fire()
        summary = night.finish(600)
    with psycopg.connect(stack.local.database_url()) as owner:
        (count, last), *_ = owner.execute(
            "select count(*), max(extract(epoch from changed_at)) from peer_mentor_status_history"
        ).fetchall()
    within = float(last) - night.starts("ExpiryWorker")[0]
    return (
        f"20 of 100 locked to the end: {describe(night, summary)}; {count} paused {within:.2f} s"
        " after the first invocation began; the errors are exactly the locked mentors:"
        f" {set(summary['mentor_ids_errored']) == set(locked)}"
    )


def _locked_for_20_s(stack: Deployed) -> str:
    stack.local.seed(mentors=100, expired=100, seed=1)
    with locked_rows(stack, 20):
        night = Night(stack)
        night.fire()
        threading.Event().wait(20)
    summary = night.finish(600)
    return f"20 of 100 locked for 20 s: {describe(night, summary)}"


SCENARIOS = {
    "latency-100": _latency(0.1, 500),
    "latency-300": _latency(0.3, 100),
    "locked": _locked_to_the_end,
    "locked-20": _locked_for_20_s,
}
