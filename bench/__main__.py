"""Runs the benches, all or those that are named, and prints their tables: `make bench`."""

import sys
from collections.abc import Callable

from rich.console import Console

from bench import access, cost, imports, loop, nights, rest, sizes, sync
from local.scratch import told

BENCHES: dict[str, Callable[[Console], None]] = {
    "loop": loop.main,
    "nights": nights.main,
    "sync": sync.main,
    "rest": rest.main,
    "imports": imports.main,
    "sizes": sizes.main,
    "cost": cost.main,
    "access": access.main,
}


def main() -> int:
    """Run them; what is not known is refused before anything is measured."""
    wanted = sys.argv[1:] or list(BENCHES)
    if unknown := set(wanted) - BENCHES.keys():
        sys.stderr.write(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}\n")
        return 2
    console = Console(width=120)
    for name in wanted:
        console.rule(name)
        BENCHES[name](console)
    return 0


if __name__ == "__main__":
    sys.exit(told(main))
