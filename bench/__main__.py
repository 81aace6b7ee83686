"""Runs all benches, or the named ones, and prints their tables (O8): `make bench`."""

import sys
from collections.abc import Callable

from rich.console import Console

from bench import (
    access,
    code,
    cost,
    imports,
    latency,
    loop,
    messages,
    nights,
    plan,
    portal_limit,
    rest,
    rest_cpu,
    sizes,
    standing,
    sync,
)
from bench.scale import deployed
from local.scratch import run_command

BENCHES: dict[str, Callable[[Console], None]] = {
    "loop": loop.main,
    "nights": nights.main,
    "sync": sync.main,
    "portal_limit": portal_limit.main,
    "rest": rest.main,
    "rest_cpu": rest_cpu.main,
    "latency": latency.main,
    "imports": imports.main,
    "sizes": sizes.main,
    "cost": cost.main,
    "standing": standing.main,
    "messages": messages.main,
    "plan": plan.main,
    "scale": deployed.main,
    "access": access.main,
    "code": code.main,
}


def main() -> int:
    """Run the benches. An unknown name is an error before the first bench starts."""
    wanted = sys.argv[1:] or list(BENCHES)
    if unknown := set(wanted) - BENCHES.keys():
        sys.stderr.write(f"unknown bench: {', '.join(unknown)}; known: {', '.join(BENCHES)}\n")
        return 2
    console = Console(width=120)
    for name in wanted:
        console.rule(name)
        BENCHES[name](console)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
