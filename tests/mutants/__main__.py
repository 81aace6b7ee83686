"""Tries changes of the code: `make mutants MODULE=mentor_pause.ledger.lock`.

A module is an import name, a file or a folder; without one, the command tries all that
docs/mutants.md names. It prints the score of each file and every change that no test notices.
"""

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from local.places import ROOT
from mutants.plan import MODULES, plan
from mutants.runner import Result, Runner

TESTS = (
    "unit/aws", "unit/config", "unit/database", "unit/domain", "unit/engine", "unit/functions",
    "unit/ledger", "unit/portal", "unit/test_retry.py", "unit/test_retry_deadline.py",
    "integration/engine", "integration/functions", "integration/ledger", "integration/supabase",
    "integration/test_night.py", "contract/database", "contract/portal",
    "contract/portal_database",
)  # fmt: skip
LEFT_OUT = ("integration/supabase/adoption", "integration/supabase/test_schema_files.py",
    "integration/supabase/test_migrations.py", "integration/supabase/test_pg_cron.py",
    "integration/supabase/test_access_cost.py")  # fmt: skip
"""Tests of the schema files and of adopters' projects: they build databases of their own."""


def main() -> int:
    """Try the changes that the command line names; exit code 1 if no test notices one."""
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--numbers", help="only these changes of each file: 12,40")
    parser.add_argument("--seconds", type=float, default=30, help="of tests, for one change")
    parser.add_argument("--measured", action="store_true", help="only tests measured before")
    parser.add_argument("--results", type=Path, help="a file that gets a line for each change")
    asked = parser.parse_args()
    numbers = {int(n) for n in asked.numbers.split(",")} if asked.numbers else None
    files = [file for module in asked.modules for file in find_files(module)]
    # To compile 300 test files anew takes longer than to load them.
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(ROOT / ".tools/mutants/bytecode")
    report = Report(asked.results)
    runner = Runner(
        lambda store, cluster: plan(files, numbers, store, cluster),
        report.add,
        not asked.measured,
        asked.seconds,
    )
    arguments = [
        "-n0", "-q", "--capture=sys", "-p", "no:cacheprovider",
        f"--rootdir={ROOT}", *(f"{ROOT}/tests/{test}" for test in TESTS),
        *(f"--ignore={ROOT}/tests/{test}" for test in LEFT_OUT),
    ]  # fmt: skip
    code = pytest.main(arguments, plugins=[runner])
    report.show()
    return int(code) or int(report.has_survivors)


def find_files(module: str) -> list[Path]:
    """Return the files of an import name, a file or a folder."""
    path = ROOT / module
    if not path.exists():
        name = module.replace(".", "/")
        roots = (ROOT / "layers/shared", ROOT / "layers/text", ROOT / "functions")
        options = [root / f"{name}{end}" for root in roots for end in (".py", "")]
        path = next((each for each in options if each.exists()), path)
    if not path.exists():
        raise SystemExit(f"there is no module, file or folder {module}")
    if path.is_file():
        return [path]
    return sorted(f for f in path.rglob("*") if f.suffix in {".py", ".sql"})


class Report:
    """The results so far."""

    def __init__(self, file: Path | None) -> None:
        """`file` gets a line for each result."""
        self._file = file
        self._results: dict[Path, list[Result]] = defaultdict(list)
        self._began = time.monotonic()
        self._console = Console(highlight=False, soft_wrap=True, markup=False)

    def add(self, result: Result) -> None:
        """Record a result; print it if no test noticed the change."""
        self._results[result.mutant.file].append(result)
        if result.verdict in {"survived", "unreached"}:
            self._console.print(f"{result.verdict}: {result.mutant}")
        if self._file:
            with self._file.open("a") as lines:
                row = (result.mutant.name, result.verdict, f"{result.seconds:.2f}", result.by,
                    str(result.mutant))  # fmt: skip
                lines.write(json.dumps(row) + "\n")

    @property
    def has_survivors(self) -> bool:
        """Whether no test noticed some change."""
        return any(r.verdict in {"survived", "unreached"} for r in self._all())

    def show(self) -> None:
        """Print a table in Markdown: a row per file."""
        self._console.print("| module | mutants | noticed | survived | % | seconds |")
        self._console.print("| --- | --- | --- | --- | --- | --- |")
        for file, results in self._results.items():
            self._console.print(_row(str(file.relative_to(ROOT)), results))
        seconds = time.monotonic() - self._began
        self._console.print(f"{_row('all', list(self._all()))}\n{seconds:.0f} s")

    def _all(self) -> Iterable[Result]:
        return (result for results in self._results.values() for result in results)


def _row(name: str, results: Sequence[Result]) -> str:
    count = Counter(result.verdict for result in results)
    noticed = count["noticed"] + count["timed out"]
    survived = count["survived"] + count["unreached"]
    tried = noticed + survived
    percent = 100 * noticed / tried if tried else 0
    seconds = sum(result.seconds for result in results)
    return f"| {name} | {tried} | {noticed} | {survived} | {percent:.1f} | {seconds:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
