"""Compares our REST transport with the original design, a loop of supabase-js calls.

The server is the tests' own small server. It implements PostgREST's documented behaviour over a
real PostgreSQL, because the package registries do not have PostgREST. Each client is a separate
process and measures its own time, without its start.
"""

import json
import shutil
import statistics
import subprocess
import sys
import time
from typing import Any
from uuid import uuid4

import psycopg
from aws_lambda_powertools import Logger
from rich.console import Console
from rich.table import Table

from bench.numbered import AS_OF, ORG, Numbered, numbered_database
from expiry.pause import PausePage
from local.rest_callers import LEGACY_JWT
from local.supabase import postgrest
from local.template import ROOT
from mentor_pause.database.client import Database
from mentor_pause.database.rest import RestTransport
from mentor_pause.domain.messages import MentorPage
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.retry import Retry

MENTORS, ROUNDS = 500, 9
_TOOLS = ROOT / ".tools/supabase-js"
_AUDIT = """
create table seed_audit (
    mentor_id uuid, previous_status text, new_status text, reason text,
    certification_expiry_date date, job_run_id uuid, changed_at timestamptz
)
"""


def main(console: Console) -> None:
    """Measure the clients in turns, and print the table. Without Node.js, measure nothing."""
    if shutil.which("node") is None or not (_TOOLS / "node_modules").exists():
        console.print("not measured: supabase-js needs Node.js with npm")
        return
    script = _TOOLS / "seed_design.mjs"
    shutil.copy(ROOT / "bench/seed_design.mjs", script)  # beside its npm packages
    ours = [sys.executable, "-m", "bench.rest"]
    rounds: list[tuple[float, float]] = []
    with (
        numbered_database(2 * MENTORS * ROUNDS) as mentors,
        postgrest(mentors.owner_url) as url,
        psycopg.connect(mentors.owner_url, autocommit=True) as owner,
    ):
        owner.execute(_AUDIT)
        owner.execute("grant insert, select on seed_audit to service_role")
        for _ in range(ROUNDS):
            seed = _client(["node", str(script)], url, mentors)
            rounds.append((seed, _client(ours, url, mentors)))
    seeds, wires = zip(*rounds, strict=True)
    ratios = [seed / wire for seed, wire in rounds]
    table = Table(f"{MENTORS} mentors", "seconds", "ratio", "from", "to")
    table.add_row("supabase-js loop, batched audit", f"{statistics.median(seeds):.2f}", "1.00")
    table.add_row(
        "worker loop, REST transport", f"{statistics.median(wires):.2f}",
        f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f}", f"{max(ratios):.2f}",
    )  # fmt: skip
    console.print(f"{ROUNDS} rounds: medians; the ratio is of speeds")
    console.print(table)


def _client(command: list[str], url: str, mentors: Numbered) -> float:
    task = {
        "url": url, "key": LEGACY_JWT, "org": str(ORG), "run": str(uuid4()),
        "asOf": AS_OF.isoformat(), "mentors": [str(mentor) for mentor in mentors.take(MENTORS)],
    }  # fmt: skip
    done = subprocess.run(
        command, input=json.dumps(task), capture_output=True, text=True, check=True, cwd=ROOT
    )
    answer = json.loads(done.stdout)
    if answer["paused"] != MENTORS:
        raise RuntimeError(f"{answer['paused']} of {MENTORS} were paused: {done.stderr}")
    return answer["seconds"]


def _pause(task: dict[str, Any]) -> dict[str, float]:
    wire = RestTransport(task["url"], task["key"])
    work = PausePage(Database(wire, Retry(on=DatabaseUnavailable)), Logger(service="bench"))
    page = MentorPage(
        job_name="certification_expiry", job_run_id=task["run"], org_id=task["org"],
        as_of=task["asOf"], page=1, mentor_ids=task["mentors"],
    )  # fmt: skip
    began = time.perf_counter()
    done = work(page, lambda: 60.0).outcome.applied
    return {"seconds": time.perf_counter() - began, "paused": len(done)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_pause(json.load(sys.stdin))))
