"""Lives through the nights of many seeds, two for each: `make faults SEEDS=200 FIRST=0`.

With `--nights`, each seed is so many nights in a row: `make faults-month SEEDS=10 FIRST=0`.

Prints a table of what was injected and of what was found afterwards. A seed in which something was
found is printed with the command that replays it, which shows each fault and every log line.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from faults.brake import run_brake_seed
from faults.month import run_month
from faults.schedule import NIGHTLY
from faults.seeds import Verdict, run_seed
from support.cluster import open_cluster
from support.faked_clock import NOTICE, find_library, open_faked_cluster
from support.light_aws import light_clients

_PROCESSES = 3
"""Three for two cores, because a night waits for PostgreSQL a part of its time."""


def main() -> int:
    """Run the seeds that the command line names; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--nights", type=int, default=0, help="nights in a row; 0: single ones")
    parser.add_argument("--trace", action="store_true", help="show each fault and every log line")
    asked = parser.parse_args()
    if asked.nights and find_library() is None:
        sys.stderr.write(f"{NOTICE}\n")
        return 2
    seeds = range(asked.first, asked.first + asked.seeds)
    verdicts = _run_all(seeds, asked.nights)
    _show(verdicts, asked.nights)
    if asked.trace:
        sys.stdout.writelines(verdict.log for verdict in verdicts)
    return int(any(verdict.violations for verdict in verdicts))


def _run_all(seeds: Sequence[int], nights: int) -> list[Verdict]:
    run = partial(_run_months, nights) if nights else _run
    with ProcessPoolExecutor(_PROCESSES) as pool:
        parts = pool.map(run, [seeds[n::_PROCESSES] for n in range(_PROCESSES)])
        return sorted((v for part in parts for v in part), key=lambda verdict: verdict.seed)


def _run(seeds: Iterable[int]) -> list[Verdict]:
    with TemporaryDirectory() as folder, open_cluster(Path(folder)) as cluster:
        return [
            run(seed, cluster, light_clients())
            for seed in seeds
            for run in (run_seed, run_brake_seed)
        ]


def _run_months(nights: int, seeds: Iterable[int]) -> list[Verdict]:
    with TemporaryDirectory() as folder, open_faked_cluster(Path(folder)) as faked:
        return [run_month(seed, faked, light_clients(), nights) for seed in seeds]


def _show(verdicts: list[Verdict], nights: int) -> None:
    console = Console()
    injected = sum((v.counts for v in verdicts), Counter[tuple[str, str]]())
    table = Table(
        "fault",
        "where",
        "times injected",
        "seeds" if nights else "nights",
        "of these with a violation",
    )
    for (fault, seam), times in sorted(injected.items(), key=lambda item: _row(*item[0])):
        hit = [v for v in verdicts if v.counts[fault, seam]]
        broken = sum(bool(v.violations) for v in hit)
        table.add_row(fault, seam, str(times), str(len(hit)), str(broken))
    console.print(table)
    for verdict in verdicts:
        for violation in verdict.violations:
            console.print(f"seed {verdict.seed}: {violation}", highlight=False, soft_wrap=True)
        if verdict.violations:
            name = f"faults-month NIGHTS={nights}" if nights else "faults"
            console.print(f"  replay: make {name} FIRST={verdict.seed} SEEDS=1 TRACE=--trace")
    broken = sum(bool(v.violations) for v in verdicts)
    lived = len(verdicts) * (nights or 1)
    console.print(f"{lived} nights, {injected.total()} faults, {broken} with violations")


def _row(fault: str, seam: str) -> tuple[int, str]:
    return NIGHTLY.index(fault), seam


if __name__ == "__main__":
    sys.exit(main())
