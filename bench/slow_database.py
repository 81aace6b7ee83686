"""Runs nights while the database is slow, locked, down or misconfigured: `make slow-database`.

Each scenario runs on the deployed local stack and prints one line. All of them take about half an
hour. Name some to run only those: make slow-database SLOW="latency pooler-paused".
"""

import sys
from collections.abc import Callable

from rich.console import Console

from bench import slow_firings, slow_network, slow_pooler, slow_system
from bench.stack import bench_stack
from local.scratch import run_command
from support.deployed import Deployed

type Scenario = Callable[[Deployed], str]

SCENARIOS: dict[str, Scenario] = (
    slow_network.SCENARIOS | slow_pooler.SCENARIOS | slow_firings.SCENARIOS | slow_system.SCENARIOS
)


def main() -> int:
    """Run the scenarios. An unknown name is an error before the first scenario starts."""
    wanted = sys.argv[1:] or list(SCENARIOS)
    if unknown := set(wanted) - SCENARIOS.keys():
        sys.stderr.write(f"unknown scenario: {', '.join(unknown)}; known: {', '.join(SCENARIOS)}\n")
        return 2
    console = Console(width=160, soft_wrap=True)
    with bench_stack() as stack:
        for name in wanted:
            console.print(f"{name}: {SCENARIOS[name](stack)}", highlight=False, markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
