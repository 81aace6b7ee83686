"""Compares whole nights on the deployed local stack with pgbench, one client per worker."""

import os
import statistics
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from bench.numbered import numbered_database
from bench.stack import Component, Night, bench_stack, run_night
from local.template import load_template

SIZES = tuple(map(int, os.environ.get("NIGHTS", "500 5000 50000").split()))
ROUNDS = 3
COMPONENTS: tuple[Component, ...] = ("database", "workers", "dispatcher", "emulator")
_BENCHED = 5_000


def workers() -> int:
    """The number of expiry workers that run at the same time, as in the template."""
    events = load_template()["Resources"]["ExpiryWorker"]["Properties"]["Events"]
    pages = events["Pages"]["Properties"]
    return int(pages["ScalingConfig"]["MaximumConcurrency"])


def main(console: Console) -> None:
    """Measure the sizes in turns, and print the table."""
    clients = workers()
    nights: dict[int, list[Night]] = {size: [] for size in SIZES}
    limits: list[float] = []
    with bench_stack() as stack, numbered_database(_BENCHED * ROUNDS) as mentors:
        run_night(stack, SIZES[0])  # the workers start
        for _ in range(ROUNDS):
            limits.append(mentors.pgbench(_BENCHED, clients))
            for size in SIZES:
                nights[size].append(run_night(stack, size))
    limit = statistics.median(limits)
    table = Table(
        "mentors", "seconds", "mentors/s", f"of pgbench -c {clients}", "first page, s",
        "paging, s", "dispatcher, MiB",
    )  # fmt: skip
    processor = Table("mentors", *(f"{name}, ms" for name in COMPONENTS))
    for size, found in nights.items():
        rate = _median(found, lambda night: night.rate)
        table.add_row(
            f"{size:,}", f"{_median(found, lambda night: night.seconds):.1f}", f"{rate:.0f}",
            f"{rate / limit:.2f}", f"{_median(found, lambda night: night.first_page):.2f}",
            f"{_median(found, lambda night: night.paging):.1f}",
            f"{_median(found, lambda night: night.dispatcher_mib):.0f}",
        )  # fmt: skip
        processor.add_row(
            f"{size:,}", *(f"{_milliseconds(found, name):.2f}" for name in COMPONENTS)
        )  # fmt: skip
    console.print(f"{ROUNDS} nights each: medians; pgbench, {clients} clients: {limit:.0f}/s")
    console.print(table)
    console.print("processor time of each component, for one mentor")
    console.print(processor)


def _milliseconds(nights: Sequence[Night], component: Component) -> float:
    """Return the processor time of a component for one mentor."""
    return _median(nights, lambda night: night.processor[component] / night.mentors * 1000)


def _median(nights: Sequence[Night], value: Callable[[Night], float]) -> float:
    return statistics.median(map(value, nights))
