"""Mutation tests of the ledger, the lock, the rules of a run and the pause loop.

`python -m local.mutants [NAME...]` runs mutmut on a copy in `.tools/`. In the copy each module has
the path of its import name, because mutmut needs that. The command prints the score and every
mutant that survived. Names are patterns of mutants, such as `mentor_pause.ledger.lock.*`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from local.errors import StackError
from local.scratch import run_command
from local.template import ROOT

_TREE = ROOT / ".tools/mutation"
_PROGRAM = ROOT / ".tools/mutants/bin/mutmut"
_COPIED = ("tests", "local", "cli", "supabase", "docs")
_CHILDREN = 2
_CONFIG = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = [
    "src/mentor_pause/ledger/runs.py", "src/mentor_pause/ledger/lock.py",
    "src/mentor_pause/domain/runs.py",
    "src/mentor_pause/engine/page_worker.py", "src/mentor_pause/engine/failed_delivery.py",
    "src/expiry/pause.py",
]
also_copy = ["local", "cli", "supabase", "docs", "template.yaml"]
pytest_add_cli_args = ["-n0", "-x", "-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = [
    "tests/unit/domain/test_runs.py", "tests/unit/domain/test_summary.py",
    "tests/unit/functions/expiry/test_pause.py", "tests/integration/test_night.py",
    "tests/integration/ledger", "tests/integration/engine",
    "tests/integration/functions/dispatcher", "tests/integration/functions/expiry",
    "tests/integration/functions/monitor",
]
timeout_constant = 30.0
"""


def lay_out() -> None:
    """Copy the project so that each module has the path of its import name."""
    shutil.rmtree(_TREE, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in _COPIED:
        shutil.copytree(ROOT / name, _TREE / name, ignore=ignored)
    shutil.copy(ROOT / "template.yaml", _TREE)
    sources = [
        ROOT / "layers/shared/mentor_pause", *filter(Path.is_dir, (ROOT / "functions").iterdir())
    ]  # fmt: skip
    for source in sources:
        shutil.copytree(source, _TREE / "src" / source.name, ignore=ignored)
    project = (ROOT / "pyproject.toml").read_text()
    paths = '[".", "functions", "layers/shared", "tests"]\nxfail_strict'
    if paths not in project:
        raise StackError("pyproject.toml has other paths for pytest; correct local/mutants.py")
    project = project.replace(paths, '[".", "src", "tests"]\nxfail_strict')
    (_TREE / "pyproject.toml").write_text(project + _CONFIG)


def main() -> int:
    """Copy the project, run mutmut, and print the surviving mutants."""
    if not _PROGRAM.exists():
        raise StackError(f"mutmut is not installed in {_PROGRAM.parent}; run make mutants")
    lay_out()
    run = [_PROGRAM, "run", f"--max-children={_CHILDREN}", *sys.argv[1:]]
    code = subprocess.run(run, cwd=_TREE, check=False).returncode
    results = subprocess.run(
        [_PROGRAM, "results"], cwd=_TREE, check=False, capture_output=True, text=True
    ).stdout
    for line in results.splitlines():
        name, _, state = line.strip().partition(": ")
        sys.stdout.write(f"{name}: {state}\n")
        if state == "survived":
            subprocess.run([_PROGRAM, "show", name], cwd=_TREE, check=False)
    return code


if __name__ == "__main__":
    sys.exit(run_command(main))
