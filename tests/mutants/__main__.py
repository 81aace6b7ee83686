"""Tries changes of the code: `make mutants MODULE=mentor_pause.ledger.lock`.

A module is an import name, a file or a folder; without one, the command tries all that
docs/mutants.md names. It prints the score of each file and every change that no test notices.

With `--results FILE`, the results stay in a file. The same command again tries only the changes
that the file has no result of, and those that survived: after a new test, or with more `--seconds`.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from local.places import ROOT
from mutants.changes import SURVIVED, Mutant, Verdict
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
    parser.add_argument("--seconds", type=float, default=30, help="of tests, for one change")
    parser.add_argument("--measured", action="store_true", help="only tests measured before")
    parser.add_argument("--results", type=Path, help="a file of results")
    parser.add_argument("--first", nargs="+", default=(), help="words of tests to try first")
    asked = parser.parse_args()
    files = [file for module in asked.modules for file in find_files(module)]
    # To compile 300 test files anew takes longer than to load them.
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(ROOT / ".tools/mutants/bytecode")
    report = Report(asked.results)
    runner = Runner(
        lambda store, cluster: plan(files, report.is_open, store, cluster),
        report.add,
        not asked.measured,
        asked.seconds,
        asked.first,
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
    """The results so far, by what each change is."""

    def __init__(self, file: Path | None) -> None:
        """`file` gets a line for each result, and may have lines of an earlier run."""
        self._file = file
        self._results: dict[str, tuple[Verdict, float]] = {}
        self._console = Console(highlight=False, soft_wrap=True, markup=False)
        if file and file.exists():
            for line in file.read_text().splitlines():
                change, verdict, seconds, _ = json.loads(line)
                self._results[change] = verdict, seconds

    def is_open(self, mutant: Mutant) -> bool:
        """Whether a change was not tried yet, or survived."""
        verdict, _ = self._results.get(str(mutant), ("unreached", 0))
        return verdict in SURVIVED

    def add(self, result: Result) -> None:
        """Record a result; print it if no test noticed the change."""
        self._results[str(result.mutant)] = result.verdict, result.seconds
        if result.verdict in SURVIVED:
            self._console.print(f"{result.verdict}: {result.mutant}")
        if self._file:
            with self._file.open("a") as lines:
                row = (str(result.mutant), result.verdict, round(result.seconds, 2), result.by)
                lines.write(json.dumps(row) + "\n")

    @property
    def has_survivors(self) -> bool:
        """Whether no test noticed some change."""
        return any(verdict in SURVIVED for verdict, _ in self._results.values())

    def show(self) -> None:
        """Print a table in Markdown: a row per file."""
        self._console.print("| module | mutants | noticed | survived | % | seconds |")
        self._console.print("| --- | --- | --- | --- | --- | --- |")
        files = defaultdict[str, list[tuple[Verdict, float]]](list)
        for change, result in self._results.items():
            files[change.partition("#")[0]].append(result)
        for file, results in files.items():
            self._console.print(_row(file, results))
        self._console.print(_row("all", list(self._results.values())))


def _row(name: str, results: Sequence[tuple[Verdict, float]]) -> str:
    count = Counter(verdict for verdict, _ in results)
    noticed = count["noticed"] + count["timed out"]
    survived = sum(count[verdict] for verdict in SURVIVED)
    tried = noticed + survived
    percent = 100 * noticed / tried if tried else 0
    seconds = sum(seconds for _, seconds in results)
    return f"| {name} | {tried} | {noticed} | {survived} | {percent:.1f} | {seconds:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
