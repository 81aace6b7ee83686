"""Simulates nights of many mentors in virtual time (O8): `make scale`.

Each night runs the product's own handlers over stand-ins (`night.py`). `docs/scale.md` says what
is simulated and what is not.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise
from uuid import UUID

from rich.console import Console

from bench.scale.database import ORG
from bench.scale.figures import Figures, figures_of, figures_table, too_large
from bench.scale.function import Latencies
from bench.scale.night import Simulation
from bench.scale.template import Template, default
from local.scratch import run_command
from local.template import load_template
from mentor_pause.domain.runs import run_id_of

JOB = "certification_expiry"
SIZES = (10_000, 100_000, 1_000_000)
HOUR, HALF_AN_HOUR = 3600, 1800
MOST_LOOKS = 48
"""Checks of the monitor after which a hung run that has not ended is a failure."""

_TRIGGER = "night-1"
_REQUEST = {"job_name": JOB, "trigger": "schedule", "trigger_id": _TRIGGER}


def simulate_night(template: Template, mentors: int, latencies: Latencies) -> Figures:
    """Run one night to its end, and return its figures.

    Raises:
        RuntimeError: the run did not complete, or it did not pause every mentor.
    """
    night = Simulation(template, mentors, latencies)
    try:
        night.invoke("Dispatcher", _REQUEST, 0)
        night.run()
    finally:
        night.close()
    _assert_ended(night, status="completed", paused=mentors)
    return figures_of(night)


def simulate_hung_run(template: Template, mentors: int, latencies: Latencies) -> str:
    """Let all workers vanish when half of the pages are closed; describe how the run ends.

    Raises:
        RuntimeError: the monitor did not end the run.
    """
    night = Simulation(template, mentors, latencies)
    workers, monitor = night.invocations["ExpiryWorker"], night.invocations["Monitor"]
    half = max(1, -(-mentors // int(default(template, "PageSize"))) // 2)
    try:
        night.invoke("Dispatcher", _REQUEST, 0)
        night.run(stop=lambda: workers.count >= half)
        night.close("ExpiryWorker")
        night.run()
        stopped, written = night.now, night.ledger.usage.write_units
        look = stopped - stopped % HOUR + HALF_AN_HOUR
        while run_id() not in night.log.finished and monitor.count < MOST_LOOKS:
            night.invoke("Monitor", {}, look)
            night.run()
            look += HOUR
    finally:
        night.close()
    _assert_ended(night, status="failed")
    return (
        f"{mentors:,} mentors, {half:,} pages closed when the workers vanished: the monitor ended "
        f"the run in {monitor.count} checks of {monitor.longest:.1f} s or less, {monitor.killed} "
        f"of them ended by Lambda; {monitor.peak_mib:.0f} MiB, or "
        f"{monitor.completion_mib:.0f} MiB with the completion; "
        f"{night.ledger.usage.write_units - written:,.0f} write units"
    )


def run_id() -> UUID:
    """Return the id of the simulated run."""
    return run_id_of(JOB, ORG, _TRIGGER)


def _assert_ended(night: Simulation, *, status: str, paused: int | None = None) -> None:
    row = night.log.finished.get(run_id())
    if row is None:
        raise RuntimeError(f"the run of {night.mentors} mentors has not ended by {night.now:.0f} s")
    counted, changed = row["p_processed_count"], row["p_paused_count"]
    if row["p_status"] != status or counted != night.mentors or paused not in (None, changed):
        raise RuntimeError(f"{night.mentors} mentors, but the row says {dict(row)}")


def main() -> int:
    """Simulate the sizes, and print the tables; 1: a figure grows too much."""
    parser = argparse.ArgumentParser(prog="make scale", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES), metavar="MENTORS")
    parser.add_argument("--call-ms", type=float, default=12, help="a call of the database")
    parser.add_argument("--hung", action="store_true", help="also let the workers vanish halfway")
    options = parser.parse_args()
    console, template = Console(width=140), load_template()
    latencies = replace(Latencies(), database=options.call_ms / 1000)
    calls = ", ".join(
        f"{one.name} {getattr(latencies, one.name) * 1000:g} ms"
        for one in fields(latencies)
        if one.name != "per_byte"
    )
    console.print(f"a call takes: {calls}")
    nights: list[Figures] = []
    for mentors in sorted(options.sizes):
        began = time.perf_counter()
        nights.append(simulate_night(template, mentors, latencies))
        console.print(f"{mentors:,} mentors: simulated in {time.perf_counter() - began:.0f} s")
        console.print(figures_table(nights))
    if options.hung:
        for mentors in sorted(options.sizes):
            console.print(simulate_hung_run(template, mentors, latencies))
    return _report(console, nights)


def _report(console: Console, nights: Sequence[Figures]) -> int:
    grown = [(after.mentors, too_large(before, after)) for before, after in pairwise(nights)]
    for mentors, names in grown:
        if names:
            console.print(f"{mentors:,} mentors: more than 20 % of growth: {', '.join(names)}")
    return int(any(names for _, names in grown))


if __name__ == "__main__":
    sys.exit(run_command(main))
