"""Lives through many histories: `make histories HISTORIES=10000 FIRST=0`.

For a history in which the product and the oracle differ, it prints the command that replays it.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from histories.history import live
from support.cluster import open_cluster
from support.roster import Roster

_PROCESSES = 2

type _Found = tuple[Counter[str], dict[int, str]]


def main() -> int:
    """Live through the histories that the command line names; exit code 1 if one differs."""
    parser = argparse.ArgumentParser(prog="python -m histories", description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first of them")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.histories)
    began = time.monotonic()
    with ProcessPoolExecutor(_PROCESSES) as pool:
        parts = list(pool.map(_run, [seeds[n::_PROCESSES] for n in range(_PROCESSES)]))
    console = Console(highlight=False, soft_wrap=True)
    for what, times in sorted(sum((counts for counts, _ in parts), Counter[str]()).items()):
        console.print(f"{times:10,} {what}")
    wrong = {seed: said for _, found in parts for seed, said in found.items()}
    for seed, said in sorted(wrong.items()):
        console.print(f"seed {seed}: {said}\n  replay: make histories FIRST={seed} HISTORIES=1")
    seconds = time.monotonic() - began
    console.print(f"{len(seeds):,} histories, {len(wrong)} with differences, {seconds:.0f} s")
    return int(bool(wrong))


def _run(seeds: Sequence[int]) -> _Found:
    counts, wrong = Counter[str](), dict[int, str]()
    with (
        TemporaryDirectory() as folder,
        open_cluster(Path(folder)) as cluster,
        cluster.database(with_organisation=True) as db,
    ):
        Roster(db).make_it(12)
        for seed in seeds:
            try:
                counts += live(seed, db)
            except AssertionError as error:
                wrong[seed] = str(error)
    return counts, wrong


if __name__ == "__main__":
    sys.exit(main())
