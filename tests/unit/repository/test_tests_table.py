"""tests/README.md names the tests of every module of the layer and of the functions."""

import ast
import re
from pathlib import Path

import pytest

from local.places import ROOT

TESTS = ROOT / "tests"
LAYER, FUNCTIONS = ROOT / "layers/shared/mentor_pause", ROOT / "functions"
KINDS = (Path("unit"), Path("integration"), Path("contract"))
_ROW = re.compile(r"^\| \[[^]]+\]\(\.\./(?P<module>[^)]+\.py)\) \| (?P<tests>.+) \|$", re.MULTILINE)
ROWS = {
    row["module"]: re.findall(r"\]\(([^)]+)\)", row["tests"])
    for row in _ROW.finditer((TESTS / "README.md").read_text())
}


def has_code(file: Path) -> bool:
    """Whether a module holds more than a docstring."""
    return len(ast.parse(file.read_text()).body) > 1


MODULES = [
    file.relative_to(ROOT).as_posix()
    for folder in (LAYER, FUNCTIONS)
    for file in sorted(folder.rglob("*.py"))
    if has_code(file)
]


def test_the_table_names_every_module() -> None:
    """No module is missing, and each row's module exists."""
    assert sorted(ROWS) == sorted(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_a_row_names_test_files_that_exist(module: str) -> None:
    """At least one, and none twice."""
    files = ROWS[module]
    assert files
    assert len(files) == len(set(files))
    assert [file for file in files if not (TESTS / file).is_file()] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_row_names_the_files_that_are_named_after_its_module(module: str) -> None:
    """A file in the mirrored folder, as in `unit/domain/test_runs.py`."""
    file = ROOT / module
    place = file.relative_to(LAYER if LAYER in file.parents else ROOT)
    mirrored = [kind / place.with_name(f"test_{place.stem}.py") for kind in KINDS]
    named = {file.as_posix() for file in mirrored if (TESTS / file).is_file()}
    assert named <= set(ROWS[module])
