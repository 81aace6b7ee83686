"""Changes the ledger, the lock, the rules of a run and the pause loop, and sees which tests notice.

`python -m local.mutants [NAME...]` runs mutmut on a copy below `.tools/`, where modules lie as they
are imported, which mutmut needs. It prints the score and every change that no test noticed. Names
are patterns of mutants, like `mentor_pause.ledger.lock.*`.
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
    "src/mentor_pause/engine/page_worker.py", "src/expiry/pause.py",
]
also_copy = ["local", "cli", "supabase", "docs", "template.yaml"]
pytest_add_cli_args = ["-n0", "-x", "-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = [
    "tests/unit/test_runs.py", "tests/unit/test_pause.py", "tests/integration/test_lock.py",
    "tests/integration/test_night.py", "tests/integration/test_night_failures.py",
    "tests/integration/test_redrive.py", "tests/integration/test_monitor.py",
]
timeout_constant = 30.0
"""


def lay_out() -> None:
    """Copy the project so that each module lies where its name says."""
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
    found = '[".", "functions", "layers/shared", "tests"]\nxfail_strict'
    if found not in project:
        raise StackError("pyproject.toml says in another way where pytest finds the modules")
    project = project.replace(found, '[".", "src", "tests"]\nxfail_strict')
    (_TREE / "pyproject.toml").write_text(project + _CONFIG)


def main() -> int:
    """Lay the tree out, let mutmut work, and print what survived; arguments are mutants' names."""
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
