"""Which test reaches which lines and which database functions, and how long it takes.

The measurement is kept in `.tools/mutants/`, until the test, or code that it reaches, changes.
"""

import hashlib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import psycopg

from local.places import ROOT
from support.cluster import Cluster

STORE = ROOT / ".tools/mutants/reach.json"
SOURCES = ("functions", "layers/shared/mentor_pause", "layers/text/texts", "supabase/schemas")
_FUNCTION = re.compile(r"supabase/schemas/(private/)?functions/(\w+)\.sql")
_TOOL = 4
_CODE = tuple(str(ROOT / folder) for folder in ("functions", "layers"))


@dataclass(slots=True)
class Reach:
    """What one test reached."""

    seconds: float
    lines: dict[str, list[int]]
    functions: list[str]
    """The names of database functions, such as `private.brake_of`."""


@dataclass(slots=True)
class Watch:
    """Watches one test at a time in this process."""

    cluster: Cluster
    _lines: dict[str, set[int]] = field(default_factory=lambda: defaultdict[str, set[int]](set))
    _functions: set[str] = field(default_factory=set[str])

    def start(self) -> None:
        """Watch this process from now on."""
        sys.monitoring.use_tool_id(_TOOL, "mutants")
        sys.monitoring.register_callback(_TOOL, sys.monitoring.events.LINE, self._see)
        sys.monitoring.set_events(_TOOL, sys.monitoring.events.LINE)
        self.cluster.before_drop = self._read_functions

    def begin(self) -> None:
        """Forget the last test."""
        self._lines.clear()
        self._functions.clear()
        sys.monitoring.restart_events()

    def end(self, seconds: float) -> Reach:
        """Return what was reached since the beginning."""
        lines = {file: sorted(lines) for file, lines in self._lines.items()}
        return Reach(seconds, lines, sorted(self._functions))

    def _see(self, code: CodeType, line: int) -> Any:
        if code.co_filename.startswith(_CODE):
            self._lines[code.co_filename].add(line)
        return sys.monitoring.DISABLE

    def _read_functions(self, name: str) -> None:
        """Read the database's counters; the sessions of the test have to write theirs first."""
        url = self.cluster.server.url(name)  # a test may have given the database another encoding
        with psycopg.connect(url, autocommit=True, client_encoding="UTF8") as connection:
            connection.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            rows = connection.execute(
                "select schemaname || '.' || funcname from pg_stat_user_functions"
            ).fetchall()
            self._functions.update(row[0] for row in rows)


def count_calls(cluster: Cluster) -> None:
    """Let the server count the calls of functions."""
    with psycopg.connect(cluster.server.url("postgres"), autocommit=True) as connection:
        connection.execute("alter system set track_functions = 'all'")
        connection.execute("select pg_reload_conf()")


@dataclass(slots=True)
class Store:
    """The measurements of all tests, by node id."""

    known: dict[str, Reach]
    failed: dict[str, str]
    """Tests that fail without a change, and how; they cannot notice one. Not kept."""
    _code: dict[str, str]

    @classmethod
    def load(cls) -> "Store":
        """Read the store, without tests that changed, or that reach code that changed."""
        code = {name: _now(name) for folder in SOURCES for name in _below(folder)}
        kept: dict[str, Any] = json.loads(STORE.read_text()) if STORE.exists() else {}
        old: dict[str, str] = kept.get("code", {})
        is_changed = _changed({n for n in code.keys() | old if code.get(n) != old.get(n)})
        files = {f: d for f, d in kept.get("files", {}).items() if _now(f) == d}
        known = {
            test: reach
            for test, fields in kept.get("known", {}).items()
            if test.partition("::")[0] in files and not is_changed(reach := Reach(**fields))
        }
        return cls(known, {}, code)

    def save(self) -> None:
        """Write the store."""
        files = {file: _now(file) for file in {test.partition("::")[0] for test in self.known}}
        known = {
            t: {"seconds": r.seconds, "lines": r.lines, "functions": r.functions}
            for t, r in self.known.items()
        }
        STORE.parent.mkdir(parents=True, exist_ok=True)
        STORE.write_text(json.dumps({"code": self._code, "files": files, "known": known}))


def _changed(names: Collection[str]) -> Callable[[Reach], bool]:
    """Return whether a test reaches one of these source files."""
    python = {str(ROOT / name) for name in names if name.endswith(".py")}
    functions = {name: _FUNCTION.fullmatch(name) for name in names if name.endswith(".sql")}
    if len(python) + len(functions) < len(names) or None in functions.values():
        return lambda _: True  # a table or a template concerns any test
    called = {
        f"{'private' if found[1] else 'public'}.{found[2]}" for found in functions.values() if found
    }
    return lambda reach: not (python.isdisjoint(reach.lines) and called.isdisjoint(reach.functions))


def _below(folder: str) -> Iterator[str]:
    for file in sorted((ROOT / folder).rglob("*.*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield str(file.relative_to(ROOT))


def _now(file: str) -> str:
    path = ROOT / file
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
