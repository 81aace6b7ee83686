"""Imports lead from functions to mentor_pause, and from each room to the rooms below it."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from local.places import ROOT

FUNCTIONS = ROOT / "functions"
PACKAGE = ROOT / "layers/shared/mentor_pause"
CLIENTS = {"boto3", "botocore", "psycopg", "httpx", "urllib3"}

BELOW: dict[str, set[str]] = {
    "errors": set(),
    "retry": {"errors"},
    "config": {"errors", "domain"},
    "domain": {"errors"},
    "ledger": {"errors", "retry", "domain"},
    "http": {"errors", "retry"},
    "database": {"errors", "retry", "config", "domain", "http"},
    "aws": {"errors", "retry", "config", "domain"},
    "portal": {"errors", "retry", "config", "domain", "database", "http"},
    "engine": {"errors", "retry", "domain", "ledger", "database", "aws"},
    "bootstrap": {"errors", "retry", "config", "domain", "ledger", "database", "aws", "engine"},
}
"""Each room of the shared layer, and the rooms that it may import."""

ADAPTERS = {"ledger", "http", "database", "aws", "portal", "bootstrap"}
"""Only these rooms may import a client of AWS, of the database, or of HTTP."""


def imported(file: Path) -> Iterator[str]:
    """Yield the full name of every module that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from names if node.module == "mentor_pause" else [node.module or ""]


def top(file: Path) -> set[str]:
    """Return the top-level packages that a file imports."""
    return {name.split(".")[0] for name in imported(file)}


def room_of(file: Path) -> str:
    """Return the room of the shared layer that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_of(file: Path) -> set[str]:
    """Return the rooms that a file imports, without its own."""
    names = [name.split(".") for name in imported(file)]
    return {name[1] for name in names if name[0] == "mentor_pause"} - {room_of(file)}


LAYER = [
    file
    for file in sorted(PACKAGE.rglob("*.py"))
    if file.parent != PACKAGE or file.stem != "__init__"
]


@pytest.mark.parametrize("file", LAYER, ids=lambda f: f"{room_of(f)}.{f.stem}")
def test_a_room_imports_only_the_rooms_below_it(file: Path) -> None:
    """No import leads up."""
    assert rooms_of(file) <= BELOW[room_of(file)]


def test_the_rooms_form_no_circle() -> None:
    """A reader can start at the bottom."""
    assert next(iter(TopologicalSorter(BELOW).static_order())) == "errors"


def test_the_modules_of_the_layer_form_no_circle() -> None:
    """Within a room neither."""

    def name(file: Path) -> str:
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    modules = {name(file): set(imported(file)) for file in PACKAGE.rglob("*.py")}
    order = TopologicalSorter({m: n & modules.keys() - {m} for m, n in modules.items()})
    assert set(order.static_order()) == modules.keys()  # a circle raises CycleError


@pytest.mark.parametrize("file", LAYER, ids=lambda f: f"{room_of(f)}.{f.stem}")
def test_the_shared_package_imports_no_function_and_no_tool(file: Path) -> None:
    """The layer needs nothing else."""
    functions = {folder.name for folder in FUNCTIONS.iterdir()}
    assert not (functions | {"cli", "local", "tests"}).intersection(top(file))


@pytest.mark.parametrize("file", LAYER, ids=lambda f: f"{room_of(f)}.{f.stem}")
def test_only_adapters_import_a_client(file: Path) -> None:
    """Rules can be read and tested without a client."""
    if file.name != "connection_string.py":  # libpq's own parser reads the URL
        assert room_of(file) in ADAPTERS or not CLIENTS.intersection(top(file))


def test_one_module_speaks_http() -> None:
    """So its limits of time and size hold for every exchange (R2)."""
    libraries = {"http.client", "httpx", "requests", "urllib.request", "urllib3"}
    speakers = {
        file.relative_to(ROOT).as_posix()
        for folder in (FUNCTIONS, PACKAGE)
        for file in folder.rglob("*.py")
        if libraries.intersection(imported(file))
    }
    assert speakers == {"layers/shared/mentor_pause/http/client.py"}


@pytest.mark.parametrize(
    "file", sorted(FUNCTIONS.rglob("*.py")), ids=lambda f: f"{f.parent.name}.{f.stem}"
)
def test_a_function_imports_itself_and_the_shared_package_only(file: Path) -> None:
    """And no client of AWS or of the database: the shared package has the adapters."""
    others = {folder.name for folder in FUNCTIONS.iterdir()} - {
        file.relative_to(FUNCTIONS).parts[0]
    }
    assert not (others | CLIENTS | {"cli", "local"}).intersection(top(file))


def test_only_the_settings_read_the_environment() -> None:
    """Once, in one module."""
    readers = {
        file.relative_to(ROOT).as_posix()
        for folder in (FUNCTIONS, PACKAGE)
        for file in folder.rglob("*.py")
        if "environ" in {getattr(n, "attr", "") for n in ast.walk(ast.parse(file.read_text()))}
    }
    assert readers == {"layers/shared/mentor_pause/config/settings.py"}


@pytest.mark.parametrize(
    "name", ["api", "dispatcher", "expiry", "hlf_sync", "monitor", "portal_drift"]
)
def test_importing_a_function_opens_no_client_and_reads_no_setting(name: str) -> None:
    """A cold start only imports before the first event."""
    module = ast.parse((FUNCTIONS / name / "app.py").read_text())
    calls = [
        ast.unparse(node.value.func)
        for node in module.body
        if isinstance(node, ast.Assign | ast.Expr) and isinstance(node.value, ast.Call)
    ]
    assert set(calls) <= {"Logger", "Metrics", "BatchProcessor", "Retry", "cache"}


def test_a_command_about_a_deployed_stack_loads_nothing_of_the_local_one() -> None:
    """Otherwise most of an operator's commands would take half a second longer."""
    module = ast.parse((ROOT / "cli/stacks.py").read_text())
    loaded = [node.module for node in module.body if isinstance(node, ast.ImportFrom)]
    assert [name for name in loaded if (name or "").startswith("local.")] == ["local.errors"]
