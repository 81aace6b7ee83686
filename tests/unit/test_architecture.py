"""The import arrow: functions to mentor_pause, never back; rules import no client."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FUNCTIONS = ROOT / "functions"
PACKAGE = ROOT / "layers/shared/mentor_pause"
RULES = (
    "errors",
    "jobs",
    "events",
    "runs",
    "retry",
    "config",
    "lock",
    "ledger",
    "pages",
    "completion",
    "recovery",
    "transitions",
    "portal/__init__",
    "portal/mapping",
)
CLIENTS = {"boto3", "botocore", "psycopg", "httpx"}


def imported(file: Path) -> Iterator[str]:
    """Yield the top-level package of every import in a file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: f.stem)
def test_the_shared_package_imports_no_function_and_no_tool(file: Path) -> None:
    """The layer stands on its own."""
    functions = {folder.name for folder in FUNCTIONS.iterdir()}
    assert not (functions | {"cli", "local", "tests"}).intersection(imported(file))


@pytest.mark.parametrize(
    "file", sorted(FUNCTIONS.rglob("*.py")), ids=lambda f: f"{f.parent.name}.{f.stem}"
)
def test_a_function_imports_itself_and_the_shared_package_only(file: Path) -> None:
    """And no AWS or database client: those are behind the package's doors."""
    others = {folder.name for folder in FUNCTIONS.iterdir()} - {file.parent.name}
    assert not (others | CLIENTS | {"cli", "local"}).intersection(imported(file))


@pytest.mark.parametrize("module", RULES)
def test_modules_that_hold_rules_import_no_client(module: str) -> None:
    """They can be read, and tested, without any."""
    assert not CLIENTS.intersection(imported(PACKAGE / f"{module}.py"))


def test_only_the_settings_read_the_environment() -> None:
    """Once, in one place."""
    readers = {
        file.relative_to(ROOT).as_posix()
        for folder in (FUNCTIONS, PACKAGE)
        for file in folder.rglob("*.py")
        if "environ" in {getattr(n, "attr", "") for n in ast.walk(ast.parse(file.read_text()))}
    }
    assert readers == {"layers/shared/mentor_pause/config.py"}


@pytest.mark.parametrize(
    "name", ["api", "dispatcher", "expiry", "hlf_sync", "monitor", "portal_drift"]
)
def test_importing_a_function_opens_no_client_and_reads_no_setting(name: str) -> None:
    """A cold start does nothing before the first event but import."""
    module = ast.parse((FUNCTIONS / name / "app.py").read_text())
    calls = [
        ast.unparse(node.value.func)
        for node in module.body
        if isinstance(node, ast.Assign | ast.Expr) and isinstance(node.value, ast.Call)
    ]
    assert set(calls) <= {"Logger", "Metrics", "BatchProcessor", "Retry", "cache"}


def test_a_command_about_a_deployed_stack_loads_nothing_of_the_local_one() -> None:
    """Most commands of an operator would take half a second longer."""
    module = ast.parse((ROOT / "cli/stacks.py").read_text())
    loaded = [node.module for node in module.body if isinstance(node, ast.ImportFrom)]
    assert [name for name in loaded if (name or "").startswith("local.")] == ["local.errors"]
