"""Lives through the nights of many seeds, two for each: `make faults SEEDS=200 FIRST=0`.

Prints a table of what was injected and of what was found afterwards. A seed in which something was
found is printed with the command that replays it, which shows each fault and every log line.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from faults.brake import run_brake_seed
from faults.schedule import NIGHTLY
from faults.seeds import Verdict, run_seed
from support.aws import open_clients
from support.cluster import open_cluster

_PROCESSES = 2


def main() -> int:
    """Run the seeds that the command line names; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--trace", action="store_true", help="show each fault and every log line")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    verdicts = _run_all(seeds)
    _show(verdicts)
    if asked.trace:
        sys.stdout.writelines(verdict.log for verdict in verdicts)
    return int(any(verdict.violations for verdict in verdicts))


def _run_all(seeds: Sequence[int]) -> list[Verdict]:
    with ProcessPoolExecutor(_PROCESSES) as pool:
        parts = pool.map(_run, [seeds[n::_PROCESSES] for n in range(_PROCESSES)])
        return sorted((v for part in parts for v in part), key=lambda verdict: verdict.seed)


def _run(seeds: Iterable[int]) -> list[Verdict]:
    with (
        TemporaryDirectory() as folder,
        open_cluster(Path(folder)) as cluster,
        open_clients() as clients,
    ):
        return [run(seed, cluster, clients) for seed in seeds for run in (run_seed, run_brake_seed)]


def _show(verdicts: list[Verdict]) -> None:
    console = Console()
    injected = sum((v.counts for v in verdicts), Counter[tuple[str, str]]())
    table = Table("fault", "where", "times injected", "nights", "of these with a violation")
    for (fault, seam), times in sorted(injected.items(), key=lambda item: _row(*item[0])):
        hit = [v for v in verdicts if v.counts[fault, seam]]
        broken = sum(bool(v.violations) for v in hit)
        table.add_row(fault, seam, str(times), str(len(hit)), str(broken))
    console.print(table)
    for verdict in verdicts:
        for violation in verdict.violations:
            console.print(f"seed {verdict.seed}: {violation}", highlight=False, soft_wrap=True)
        if verdict.violations:
            console.print(f"  replay: make faults FIRST={verdict.seed} SEEDS=1 TRACE=--trace")
    broken = sum(bool(v.violations) for v in verdicts)
    console.print(f"{len(verdicts)} nights, {injected.total()} faults, {broken} with violations")


def _row(fault: str, seam: str) -> tuple[int, str]:
    return NIGHTLY.index(fault), seam


if __name__ == "__main__":
    sys.exit(main())
