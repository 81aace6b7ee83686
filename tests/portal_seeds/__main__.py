"""Runs many seeds of portal syncs: `make portal-seeds SEEDS=250 FIRST=0`.

For a seed with violations, it prints the command that replays the seed.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from portal_seeds.seed import run_seed
from support.aws import open_clients
from support.cluster import open_cluster

_PROCESSES = 2

type _Found = list[tuple[int, list[str]]]


def main() -> int:
    """Run the seeds that the command line names; exit code 1 if a seed has violations."""
    parser = argparse.ArgumentParser(prog="python -m portal_seeds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=250, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    began = time.monotonic()
    with ProcessPoolExecutor(_PROCESSES) as pool:
        parts = list(pool.map(_run, [seeds[n::_PROCESSES] for n in range(_PROCESSES)]))
    wrong = sorted(found for part in parts for found in part if found[1])
    console = Console()
    for seed, violations in wrong:
        for violation in violations:
            console.print(f"seed {seed}: {violation}", highlight=False, soft_wrap=True)
        console.print(f"  replay: make portal-seeds FIRST={seed} SEEDS=1")
    seconds = time.monotonic() - began
    console.print(f"{len(seeds)} seeds, {len(wrong)} with differences, {seconds:.0f} s")
    return int(bool(wrong))


def _run(seeds: Sequence[int]) -> _Found:
    with (
        TemporaryDirectory() as folder,
        open_cluster(Path(folder)) as cluster,
        open_clients() as clients,
    ):
        return [(seed, run_seed(seed, cluster, clients)) for seed in seeds]


if __name__ == "__main__":
    sys.exit(main())
