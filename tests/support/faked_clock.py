"""A PostgreSQL server whose clock a test sets (Debian's package `faketime`).

The library is preloaded into the server's processes and reads an offset from a file at each look at
the clock, so a new offset holds at once and for every session. Time passes at its usual pace: a
server whose clock stands still would never end a statement that takes too long. The clock that
measures durations is left alone.
"""

import os
import shlex
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.postgres import binaries
from support.cluster import Cluster, open_cluster

_LIBRARIES = ("usr/lib/*/faketime/libfaketime.so.1", "usr/local/lib/faketime/libfaketime.so.1")
_FOLDER = "MENTOR_PAUSE_POSTGRES_BIN"
NOTICE = "no libfaketime: the database's clock cannot be set (Debian's package faketime)"


def find_library() -> Path | None:
    """Return libfaketime, if the machine has it."""
    found = [path for pattern in _LIBRARIES for path in Path("/").glob(pattern)]
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class ServerClock:
    """The clock of a server, by the file that its processes read."""

    file: Path

    def skew(self, by: timedelta) -> None:
        """Let the server's clock be ahead of this machine's by so much; behind, if negative."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{by.total_seconds():+f}\n")
        fresh.replace(self.file)  # no process reads half an offset

    def set(self, moment: datetime) -> None:
        """Let it be that moment now; from there time passes at its usual pace."""
        self.skew(moment - datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class FakedCluster:
    """A server with the migrated template database, and its clock."""

    cluster: Cluster
    clock: ServerClock


@contextmanager
def open_faked_cluster(folder: Path) -> Generator[FakedCluster]:
    """Run a server of its own, whose clock is right at first.

    The test is skipped, with a notice, where the library is not installed.
    """
    library = find_library()
    if library is None:
        pytest.skip(NOTICE)
    clock = ServerClock(folder / "clock")
    clock.skew(timedelta())
    with ExitStack() as stack:
        with _programs(_wrapped(folder / "bin", library, clock.file)):
            cluster = stack.enter_context(open_cluster(folder))
        yield FakedCluster(cluster, clock)


def _wrapped(folder: Path, library: Path, clock: Path) -> Path:
    """Make a folder of PostgreSQL's programs whose pg_ctl starts servers with the library.

    Only what runs as the server's own user may load it: it shares a semaphore with its children.
    """
    folder.mkdir()
    for program in binaries().iterdir():
        (folder / program.name).symlink_to(program)
    (folder / "pg_ctl").unlink()
    settings = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": clock,
        "FAKETIME_NO_CACHE": 1,
        "FAKETIME_DONT_FAKE_MONOTONIC": 1,
        "FAKETIME_ONLY_CMDS": "postgres",
    }
    words = shlex.join(f"{name}={value}" for name, value in settings.items())
    real = shlex.quote(str(binaries() / "pg_ctl"))
    (folder / "pg_ctl").write_text(f'#!/bin/sh\nexec env {words} {real} "$@"\n')
    (folder / "pg_ctl").chmod(0o755)
    return folder


@contextmanager
def _programs(folder: Path) -> Generator[None]:
    """Let servers be started by the programs of a folder, here and not elsewhere."""
    usual = os.environ.get(_FOLDER)
    os.environ[_FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[_FOLDER]
        if usual is not None:
            os.environ[_FOLDER] = usual
