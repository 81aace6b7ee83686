"""Measures the code itself: sizes, arguments, retries in use cases, files that a reader passes.

`python -m bench.code DIRECTORY --prose PROGRAM --times quick check` measures another checkout, adds
what a checker of the prose counts, and times targets of `make`. Two checkouts that are measured one
after the other on one machine can be compared.
"""

import argparse
import ast
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from local.template import ROOT

SOURCES = ("functions", "layers", "cli", "local")
_LONG_FUNCTION, _LONG_FILE, _LONG_TEST_FILE, _MANY_ARGUMENTS = 25, 200, 300, 6

type Function = ast.FunctionDef | ast.AsyncFunctionDef


def main(console: Console, arguments: Sequence[str] = ()) -> None:
    """Measure a checkout, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.code", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--prose", help="a program that counts stumbling turns in a git checkout")
    parser.add_argument("--times", nargs="*", default=[], help="targets of make to time")
    asked = parser.parse_args(arguments)
    root = asked.directory.resolve()
    table = Table("measure", str(root.name), box=None)
    for name, value in _measures(root):
        table.add_row(name, value)
    if asked.prose:
        table.add_row("stumbling turns", _last_line([asked.prose], root))
    for target in asked.times:
        table.add_row(f"seconds of make {target}", f"{_seconds(root, target):.1f}")
    console.print(table)


def _measures(root: Path) -> Iterator[tuple[str, str]]:
    for name in (*SOURCES, "tests", "bench"):
        files = _tracked(root, name, ".py")
        yield f"{name}: Python files, lines", f"{len(files)}, {sum(map(_lines, files)):,}"
    for name in ("supabase/migrations", "supabase/schemas"):
        files = _tracked(root, name, ".sql")
        yield f"{name}: files, lines", f"{len(files)}, {sum(map(_lines, files)):,}"
    yield "template.yaml: lines", f"{_lines(root / 'template.yaml'):,}"
    sources = [file for name in SOURCES for file in _tracked(root, name, ".py")]
    lengths = sorted(map(_lines, sources))
    over = sum(length > _LONG_FILE for length in lengths)
    yield (
        f"source files: median lines, longest, over {_LONG_FILE}",
        f"{median(lengths):.0f}, {lengths[-1]}, {over}",
    )
    tests = sorted(map(_lines, _tracked(root, "tests", ".py")))
    long_tests = sum(length > _LONG_TEST_FILE for length in tests)
    yield f"test files: longest, over {_LONG_TEST_FILE} lines", f"{tests[-1]}, {long_tests}"
    yield from _function_measures(sources)
    yield from _walks(root)
    pages = [*_tracked(root, "docs", ".md"), *_tracked(root, ".", ".md")]
    words = sum(len(re.findall(r"[A-Za-z']+", page.read_text())) for page in set(pages))
    yield "words of the pages", f"{words:,}"


def _function_measures(sources: Iterable[Path]) -> Iterator[tuple[str, str]]:
    trees = {file: ast.parse(file.read_text()) for file in sources}
    functions = [node for tree in trees.values() for node in _functions_in(tree)]
    sizes = sorted(map(_body_lines, functions))
    long = sum(size > _LONG_FUNCTION for size in sizes)
    yield (
        f"functions: count, median lines, longest, over {_LONG_FUNCTION}",
        f"{len(sizes)}, {median(sizes):.0f}, {sizes[-1]}, {long}",
    )
    constructors = [f for f in functions if f.name == "__init__" and _only_assigns(f)]
    lines = sum(map(_whole_lines, constructors))
    yield "constructors that only assign: count, lines", f"{len(constructors)}, {lines}"
    arguments = sorted(map(_argument_count, functions))
    many = sum(count > _MANY_ARGUMENTS for count in arguments)
    yield (
        f"arguments: most, functions over {_MANY_ARGUMENTS}",
        f"{arguments[-1]}, {many}",
    )
    fields = sorted(_field_counts(trees.values()))
    yield "fields of a service: most", str(fields[-1] if fields else 0)
    cases = [file for file in trees if not _is_adapter(file)]
    yield "lambdas that wrap retries in use cases", str(sum(_retries(trees[f]) for f in cases))


def _is_adapter(file: Path) -> bool:
    return any(room in file.parts for room in ("aws", "database", "ledger", "portal"))


def _functions_in(tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _body_lines(function: Function) -> int:
    """Count the lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _whole_lines(function: Function) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def _only_assigns(function: Function) -> bool:
    """Whether every statement assigns an argument, as it is, to an attribute."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return bool(body) and all(
        isinstance(statement, ast.Assign | ast.AnnAssign)
        and isinstance(statement.value, ast.Name | ast.Tuple)
        for statement in body
    )


def _argument_count(function: Function) -> int:
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def _field_counts(trees: Iterable[ast.Module]) -> Iterator[int]:
    """Yield how many parts each class is given that can be called, as a service is."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and "__call__" in {
                n.name for n in node.body if isinstance(n, ast.FunctionDef)
            }:
                init = [n for n in node.body if isinstance(n, ast.FunctionDef)]
                counts = [_argument_count(n) for n in init if n.name == "__init__"]
                fields = [n for n in node.body if isinstance(n, ast.AnnAssign)]
                yield max([*counts, len(fields)])


def _retries(tree: ast.Module) -> int:
    return sum(
        isinstance(node, ast.Call)
        and re.search(r"retry$|reconnect$", ast.unparse(node.func)) is not None
        and any(isinstance(argument, ast.Lambda) for argument in node.args)
        for node in ast.walk(tree)
    )


def _walks(root: Path) -> Iterator[tuple[str, str]]:
    """Yield how many source files a run passes, from the rule's event to the history row."""
    paths = [str(root / name) for name in (".", "functions", "layers/shared", "tests")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    program = Path(__file__).parent / "walks.py"
    found = _last_line([sys.executable, str(program), str(root)], root, environment)
    yield "files passed: dispatching, a page", found


def _tracked(root: Path, folder: str, ending: str) -> list[Path]:
    names = _output(["git", "ls-files", "--", folder], root).splitlines()
    in_folder = [n for n in names if n.endswith(ending) and (folder != "." or "/" not in n)]
    return [root / name for name in in_folder if (root / name).exists()]


def _lines(file: Path) -> int:
    return len(file.read_text().splitlines())


def _seconds(root: Path, target: str) -> float:
    began = time.monotonic()
    subprocess.run(["make", target], cwd=root, check=True, capture_output=True)  # noqa: S607
    return time.monotonic() - began


def _last_line(command: list[str], root: Path, environment: dict[str, str] | None = None) -> str:
    return _output(command, root, environment).strip().splitlines()[-1]


def _output(command: list[str], root: Path, environment: dict[str, str] | None = None) -> str:
    return subprocess.run(
        command, cwd=root, env=environment, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    main(Console(width=120), sys.argv[1:])
