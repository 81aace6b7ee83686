"""Measures the imports of a cold start: each built function, in a Python like Lambda's.

The bare handler has the third-party imports of the function's own modules, and none of our code.
The cost of an import is its own time by `-X importtime`, summed by package.
"""

import ast
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from local import sam
from local.template import ROOT

ROUNDS = 25
_PYTHON = ROOT / ".tools/runtime/bin/python"
_LOADED = (
    "import json, sys, {module};"
    "print(json.dumps({{n: getattr(m, '__file__', None) for n, m in sys.modules.items()}}))"
)


@dataclass(frozen=True, slots=True)
class Built:
    """A function of a build."""

    name: str
    module: str
    """The module of its handler."""
    code: Path
    layers: tuple[Path, ...]

    def run(self, code: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run Python code as Lambda would: it writes no bytecode, since its folder is read-only."""
        return subprocess.run(
            [_PYTHON, *options, "-c", code], cwd=self.code, capture_output=True, text=True,
            check=True, env=self._environment(),
        )  # fmt: skip

    def _environment(self) -> Mapping[str, str]:
        path = os.pathsep.join(map(str, (self.code, *self.layers)))
        return {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "LANG": "en_US.UTF-8"}

    def milliseconds(self, code: str) -> float:
        """Return how long some imports take, without the start of the interpreter."""
        timed = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
        return 1000 * float(self.run(timed).stdout)


def built_functions() -> list[Built]:
    """Build, and return the functions.

    Raises:
        StackError: SAM is not installed, or cannot build.
    """
    build = sam.build()
    template: dict[str, Any] = yaml.safe_load((build / "template.yaml").read_text())
    shared = template["Globals"]["Function"]["Layers"]
    found: list[Built] = []
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            own = resource["Properties"]
            layers = [layer["Ref"] for layer in (*own.get("Layers", ()), *shared)]
            module = own["Handler"].rpartition(".")[0]
            paths = tuple(build / layer / "python" for layer in layers)
            found.append(Built(name, module, build / own["CodeUri"], paths))
    return found


def bare_imports(function: Built) -> str:
    """Return the third-party import statements of the function's own modules, unchanged."""
    loaded: dict[str, str | None] = json.loads(
        function.run(_LOADED.format(module=function.module)).stdout
    )
    ours = (Path(file) for name, file in loaded.items() if file and _is_ours(name, function))
    third_party = {name for name, file in loaded.items() if _is_third_party(name, file, function)}
    found = {s for file in ours for s in _imports(file, third_party)}
    return "; ".join(sorted(found))


def _is_ours(module: str, function: Built) -> bool:
    package = module.partition(".")[0]
    return package in ("mentor_pause", function.module.partition(".")[0])


def _is_third_party(module: str, file: str | None, function: Built) -> bool:
    is_installed = file is not None and ("site-packages" in file or "/python/" in file)
    return is_installed and not _is_ours(module, function)


def _imports(file: Path, modules: set[str]) -> Iterator[str]:
    """Yield the imports of some modules that run when the file itself is imported."""
    for node in ast.parse(file.read_text()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        named = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
        if modules.intersection(named):
            yield ast.unparse(node)


def cost_by_package(function: Built) -> Counter[str]:
    """Return the microseconds of each package: the sum of its modules' own times."""
    lines = function.run(f"import {function.module}", "-X", "importtime").stderr.splitlines()
    found: Counter[str] = Counter()
    for line in lines[1:]:
        own, _, module = line.removeprefix("import time:").split("|")
        package = module.strip().partition(".")[0]
        is_standard = package in sys.stdlib_module_names
        name = "standard library" if is_standard else package
        found["ours" if _is_ours(package, function) else name] += int(own)
    return found


def main(console: Console) -> None:
    """Measure all functions in turns, and print two tables."""
    functions = built_functions()
    # As in Lambda's own runtime, boto3 comes with its bytecode.
    subprocess.run([_PYTHON, "-m", "compileall", "-q", ROOT / ".tools/runtime/lib"], check=True)
    table = Table("function", "bare, ms", "ours, ms", "ratio", "from", "to")
    for function in functions:
        bare, ours = bare_imports(function), f"import {function.module}"
        rounds = [(function.milliseconds(bare), function.milliseconds(ours)) for _ in range(ROUNDS)]
        ratios = [mine / least for least, mine in rounds]
        least, mine = (statistics.median(column) for column in zip(*rounds, strict=True))
        table.add_row(
            function.name, f"{least:.0f}", f"{mine:.0f}", f"{statistics.median(ratios):.2f}",
            f"{min(ratios):.2f}", f"{max(ratios):.2f}",
        )  # fmt: skip
    console.print(f"imports of a cold start, {ROUNDS} rounds: medians")
    console.print(table)
    console.print(_by_package(functions))


def _by_package(functions: list[Built]) -> Table:
    costs = [cost_by_package(function) for function in functions]
    names = {package for cost in costs for package in cost}
    packages = sorted(names, key=lambda p: -max(cost[p] for cost in costs))
    table = Table("package, ms", *(function.name for function in functions))
    for package in packages:
        if max(cost[package] for cost in costs) >= 1000:  # noqa: PLR2004 - a millisecond
            cells = (f"{cost[package] / 1000:.1f}" if cost[package] else "" for cost in costs)
            table.add_row(package, *cells)
    return table
