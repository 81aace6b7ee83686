"""Measures the plan of a night: how long it takes, and whether a night is slower with it (G1, G2).

`before` is the last commit without plans. Its nights and those of the working tree take turns, each
in a process with its own database server; the night is that of the tests, with moto for AWS. The
servers do not wait for the disk, so a night is as short, and the plan's part of it as large, as it
can be.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from bench.numbered import AS_OF, ORG, Numbered
from local import database
from local.places import ROOT
from local.scratch import scratch_database

BEFORE = "ab93d29"
MENTORS, CALLS = 100_000, 5_000
PAUSES, TURNS = 1_000, 12
NIGHTS = ((140, 15), (2_000, 9))
"""Mentors who expire, of 100,000, and rounds."""
_TODAY = datetime.now(UTC).date()
_BATCH = 20_000
"""Mentors in a call that plans, as in the dispatcher."""

_UPDATE: LiteralString = (
    "select outcome from update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)"
)


def main(console: Console) -> None:
    """Print the tables."""
    with scratch_database(durable=True) as url:
        mentors = Numbered(url, MENTORS)
        _plans(console, mentors)
        _calls(console, mentors)
    with _worktree() as old:
        _transitions(console, old)
        _nights(console, old)


def _plans(console: Console, mentors: Numbered) -> None:
    """Measure the plan of the first night, when everybody has expired, and of a usual one."""
    table = Table("the plan of 100,000 mentors", "planned", "make_plan, s", "listing, s", "live, s")
    with psycopg.connect(mentors.owner_url, autocommit=True) as owner:
        _certify(owner, "0")
        table.add_row("everybody expired, nobody warned", *_plan(mentors))
        owner.execute(
            "insert into warnings select mentor_id, expires_on, 30, expires_on - 30"
            " from certifications"
        )
        owner.execute("vacuum analyze")
        table.add_row("everybody expired, everybody warned", *_plan(mentors))
        _certify(owner, "case when n %% 730 = 0 then 0 else 1 + n %% 730 end")
        table.add_row("a usual night", *_plan(mentors))
    console.print(table)


def _certify(owner: psycopg.Connection, days: LiteralString) -> None:
    """Let each certification expire so many days after today; `n` is the mentor's number."""
    owner.execute("delete from certifications")
    owner.execute(
        "insert into certifications (mentor_id, expires_on) select id, %s::date + ("
        + days
        + ")::int from (select id, row_number() over (order by id) as n from peer_mentors) as m",
        (_TODAY,),
    )
    owner.execute("vacuum analyze")


def _plan(mentors: Numbered) -> Iterator[str]:
    """Plan and list as the dispatcher does, then make the plan without a run."""
    run = uuid4()
    with psycopg.connect(mentors.url, autocommit=True) as job:
        _begin(job, run)
        with _stopwatch() as planning:
            while not (state := _row(job, "select * from make_plan(%s, %s)", run, _BATCH))[0]:
                pass
        with _stopwatch() as listing:
            after = None
            query: LiteralString = (
                "select max(mentor_id::text)::uuid from list_planned_mentors(%s, %s, 500)"
            )
            while last := _row(job, query, run, after)[0]:
                after = last
        with _stopwatch() as live:
            _row(job, "select * from summarise_plan(%s, %s)", ORG, _TODAY)
        yield f"{state[1]:,}"
        yield from (f"{watch():.2f}" for watch in (planning, listing, live))


def _begin(job: psycopg.Connection, run: UUID, day: date = _TODAY) -> None:
    job.execute(
        "select begin_execution('certification_expiry', %s, %s, 'schedule', 'rule', 'running', %s)",
        (run, ORG, day),
    )


def _row(db: psycopg.Connection, query: LiteralString, *values: object) -> tuple[Any, ...]:
    for row in db.execute(query, values):
        return row
    raise RuntimeError(f"no row: {query}")


@contextmanager
def _stopwatch() -> Generator[Any]:
    """Yield a function that returns the seconds of the block, after the block."""
    began, took = time.perf_counter(), list[float]()
    yield lambda: took[0]
    took.append(time.perf_counter() - began)


def _calls(console: Console, mentors: Numbered) -> None:
    """Measure single calls: the transition with and without an entry in a plan, and the story."""
    with (
        psycopg.connect(mentors.owner_url, autocommit=True) as owner,
        psycopg.connect(mentors.url, autocommit=True) as job,
    ):
        _certify(owner, "0")
        run = uuid4()
        _begin(job, run)
        while not _row(job, "select * from make_plan(%s, %s)", run, _BATCH)[0]:
            pass
        owner.execute("vacuum analyze")
        ways: dict[str, list[float]] = {"with an entry in the run's plan": [], "without": []}
        for mentor, (way, took) in zip(mentors.take(2 * CALLS), cycle(ways.items()), strict=False):
            named = run if way.startswith("with an") else UUID(int=0)
            took.append(_ms(job, _UPDATE, mentor, ORG, named, _TODAY))
        asked = [*mentors.take(CALLS // 2), *mentors.take(1)]
        paused = [UUID(f"00000000-0000-4000-8000-{n:012d}") for n in range(1_000_000, 1_002_500)]
        story: LiteralString = "select explain_mentor(%s, %s)"
        ways["explain_mentor, held or due"] = [_ms(owner, story, m, ORG) for m in asked]
        ways["explain_mentor, paused"] = [_ms(owner, story, m, ORG) for m in paused]
    table = Table("one call, 100,000 mentors", "median, ms", "99 of 100 at most, ms")
    for way, took in ways.items():
        most = statistics.quantiles(took, n=100)[98]
        table.add_row(way, f"{statistics.median(took):.3f}", f"{most:.3f}")
    console.print(table)


def _ms(db: psycopg.Connection, query: LiteralString, *values: object) -> float:
    with _stopwatch() as watch:
        db.execute(query, values).fetchone()
    return watch() * 1000


def _transitions(console: Console, old: Path) -> None:
    """Pause mentors in turns: before, now with a plan, and now without one."""
    ways: dict[str, list[float]] = {"before": [], "now, planned": [], "now, not planned": []}
    count, run, other = PAUSES * TURNS, uuid4(), uuid4()
    with (
        scratch_database(lambda url: database.migrate(url, old / "supabase" / "migrations")) as a,
        scratch_database() as b,
    ):
        before, now = Numbered(a, count), Numbered(b, 2 * count)
        with (
            psycopg.connect(before.url, autocommit=True) as then,
            psycopg.connect(now.url, autocommit=True) as job,
        ):
            _begin(job, run, AS_OF)
            while not _row(job, "select * from make_plan(%s, %s)", run, _BATCH)[0]:
                pass
            for _ in range(TURNS):
                ways["before"].append(_processor_ms(then, before.take(PAUSES), other))
                ways["now, planned"].append(_processor_ms(job, now.take(PAUSES), run))
                ways["now, not planned"].append(_processor_ms(job, now.take(PAUSES), other))
    table = Table("the server's work for a pause", "processor, ms", "ratio", "from", "to")
    for name, found in ways.items():
        ratios = [b / a for a, b in zip(ways["before"], found, strict=True)]
        table.add_row(
            name, f"{statistics.median(found):.3f}",
            *(f"{of(ratios):.2f}" for of in (statistics.median, min, max)),
        )  # fmt: skip
    console.print(table)


def _processor_ms(job: psycopg.Connection, mentors: list[UUID], run: UUID) -> float:
    """Pause mentors; return the processor time of the session's server process for each."""
    server = psutil.Process(job.info.backend_pid)
    began = server.cpu_times()
    for mentor in mentors:
        job.execute(_UPDATE, (mentor, ORG, run, AS_OF))
    took = server.cpu_times()
    return (took.user + took.system - began.user - began.system) * 1000 / len(mentors)


def _nights(console: Console, old: Path) -> None:
    """Compare dispatch and loop with those of the commit before."""
    table = Table("a night, of 100,000", "before, s", "now, s", "ratio", "from", "to")
    with ExitStack() as stack:
        trees = [stack.enter_context(_night_in(tree)) for tree in (old, ROOT)]
        for expired, rounds in NIGHTS:
            found = [[_one(tree, expired) for tree in trees] for _ in range(rounds)]
            for part in ("dispatch", "loop"):
                before, now = ([turn[side][part] for turn in found] for side in (0, 1))
                ratios = [b / a for a, b in zip(before, now, strict=True)]
                table.add_row(
                    f"{part}, {expired:,} expired",
                    *(f"{statistics.median(took):.3f}" for took in (before, now)),
                    *(f"{of(ratios):.2f}" for of in (statistics.median, min, max)),
                )
    console.print(table)


@contextmanager
def _worktree() -> Generator[Path]:
    """Check the commit before out, into a folder of its own."""
    with TemporaryDirectory() as folder:
        tree = Path(folder) / "before"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(tree), BEFORE], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


@contextmanager
def _night_in(tree: Path) -> Generator["subprocess.Popen[str]"]:
    """Start the nights of a tree; the process waits for the number of mentors who expire."""
    folders = (tree, tree / "functions", tree / "layers" / "shared", tree / "tests")
    program = [sys.executable, "-P", str(ROOT / "bench" / "plan_night.py")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=tree
    ) as process:
        yield process
        if process.stdin:
            process.stdin.close()


def _one(process: "subprocess.Popen[str]", expired: int) -> dict[str, float]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    process.stdin.write(f"{expired}\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())
