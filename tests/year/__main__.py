"""Lives through simulated nights: `make year NIGHTS=400 SEED=0`.

Prints how many nights and comparisons there were, and what differed between the product and the
oracle, with the command that replays it up to that night. `--trace` shows every step.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from support.aws import open_clients
from support.faked_clock import NOTICE, find_library, open_faked_cluster
from year.events import EVERYTHING
from year.harness import FIRST, Report, live_through


def main() -> int:
    """Live through the nights that the command line asks for; 0: nothing differed."""
    parser = argparse.ArgumentParser(prog="python -m year", description=__doc__)
    parser.add_argument("--nights", type=int, default=400, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="what happens is drawn from it")
    parser.add_argument("--first", type=date.fromisoformat, default=FIRST, help="the first day")
    parser.add_argument("--only", action="append", default=[], help="confine events to a kind")
    parser.add_argument("--trace", action="store_true", help="show every step")
    asked = parser.parse_args()
    if find_library() is None:
        sys.stderr.write(f"{NOTICE}; install it: apt-get install faketime\n")
        return 2
    drawn = replace(EVERYTHING, only=frozenset(asked.only))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    with (
        TemporaryDirectory() as folder,
        open_faked_cluster(Path(folder)) as faked,
        open_clients() as clients,
    ):
        trace = console.print if asked.trace else _nothing
        report = live_through(faked, clients, asked.seed, asked.nights, asked.first, drawn, trace)
    for line in _lines(report, asked):
        console.print(line)
    return int(bool(report.differences))


def _nothing(_text: str) -> None:
    pass


def _lines(report: Report, asked: argparse.Namespace) -> Iterator[str]:
    for difference in report.differences:
        yield f"seed {asked.seed}, {difference}"
    if report.differences:
        first = "" if asked.first == FIRST else f" FROM={asked.first}"
        words = [f'--only "{name}"' for name in asked.only]
        kinds = f" KINDS='{' '.join(words)}'" if words else ""
        yield f"  replay: make year SEED={asked.seed} NIGHTS={report.nights}{first}{kinds}"
    yield (
        f"{report.nights} nights, {report.looks} looks, {len(report.differences)} differences,"
        f" {report.seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
