"""The fallbacks on the deployed template, alone and together with the schedule (O5)."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Any

import psycopg
import pytest
import yaml

from local.postgres import has_pg_cron
from local.template import ROOT
from support.deployed import Deployed, eventually, expired_ids, mentor_pause, rows

pytestmark = [
    pytest.mark.xdist_group("second stack"),
    pytest.mark.skipif(which("curl") is None, reason="the workflow asks with curl"),
]

SCHEDULE = ROOT / "supabase/fallback/schedule_certification_expiry.sql"
WORKFLOW = ROOT / ".github/workflows/nightly-fallback.yml"


def run_workflow(folder: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run the workflow's one step, as GitHub's runner does."""
    ((step,),) = (job["steps"] for job in yaml.safe_load(WORKFLOW.read_text())["jobs"].values())
    return subprocess.run(
        ["/usr/bin/env", "bash", "-e", "-c", step["run"].replace("--retry 8", "--retry 1")],
        capture_output=True, text=True, check=False, timeout=100, cwd=folder,
        env={"PATH": os.environ["PATH"], "POLL_SECONDS": "0.2", **changed},
    )  # fmt: skip


@pytest.fixture
def surroundings(deployed: Deployed) -> dict[str, str]:
    """Return the workflow's variables and secrets."""
    secret = mentor_pause("local", "token", "machine").stdout.strip()
    return {"API_URL": deployed.stack.outputs["ApiUrl"], "SCHEDULER_SECRET": secret}


def test_the_workflow_is_green_when_a_run_of_its_own_was_completed(
    deployed: Deployed, owner: psycopg.Connection, surroundings: dict[str, str], tmp_path: Path
) -> None:
    """O5: it fails if it could not start a run, so that GitHub sends an e-mail."""
    done = run_workflow(tmp_path, **surroundings)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(": completed\n")
    assert surroundings["SCHEDULER_SECRET"] not in done.stdout + done.stderr
    (row,) = rows(owner, "select * from scheduler_execution_log")
    assert (row["trigger"], row["triggered_by"], row["paused_count"]) == ("manual", "machine", 150)
    for wrong in (
        surroundings | {"SCHEDULER_SECRET": "wrong"},
        surroundings | {"API_URL": surroundings["API_URL"] + "/nowhere"},
        surroundings | {"API_URL": "http://127.0.0.1:9"},
        surroundings | {"API_URL": "http://somewhere.example"},
        {"API_URL": surroundings["API_URL"]},
    ):
        assert run_workflow(tmp_path, **wrong).returncode != 0


def test_the_workflow_fails_with_its_run(
    owner: psycopg.Connection, surroundings: dict[str, str], tmp_path: Path
) -> None:
    """A run that was started and did not complete is not a success."""
    owner.execute("update organisations set slug = 'other'")
    assert run_workflow(tmp_path, **surroundings).returncode != 0
    assert rows(owner, "select from peer_mentor_status_history") == []


def test_the_workflow_waits_for_a_run_in_its_way_and_then_has_its_own(
    deployed: Deployed, owner: psycopg.Connection, surroundings: dict[str, str], tmp_path: Path
) -> None:
    """The other run may be about another day, or end with errors as here."""
    refused = "select from scheduler_execution_log where status = 'refused'"
    with ThreadPoolExecutor(1) as pool:
        with deployed.workers_asleep():
            other = deployed.fire()
            asked = pool.submit(run_workflow, tmp_path, **surroundings)
            eventually(lambda: bool(rows(owner, refused)))
        deployed.let_the_lease_run_out(other["job_run_id"])
        mentor_pause("monitor")
        done = asked.result()
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first == f"run {other['job_run_id']} is in progress: failed"
    assert last.endswith(": completed")
    assert len(rows(owner, "select from peer_mentor_status_history")) == 150


def test_the_workflow_needs_no_rights_and_runs_after_the_night() -> None:
    """It has no permissions, and it can be started by schedule and by hand."""
    found: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text())
    assert found["permissions"] == {}
    triggers = found[True]  # YAML 1.1 takes `on` for a truth
    assert triggers == {"schedule": [{"cron": "20 2 * * *"}], "workflow_dispatch": None}
    assert all("uses" not in step for job in found["jobs"].values() for step in job["steps"])


def schedule_every_minute(deployed: Deployed) -> None:
    """Let pg_cron run the job in the first second of each minute."""
    with deployed.database_down():
        pass  # its scheduler has ended with the database that was dropped for the fresh roster
    with psycopg.connect(deployed.local.database_url(), autocommit=True) as connection:
        connection.execute(SCHEDULE.read_bytes())
        connection.execute(
            "update cron.job set schedule = '* * * * *'"
            " where jobname = 'certification-expiry-fallback'"
        )


def in_database(deployed: Deployed) -> list[dict[str, Any]]:
    """Run the fallback, or wait until pg_cron has run it; return its result."""
    with psycopg.connect(deployed.local.database_url(), autocommit=True) as connection:
        if not has_pg_cron():
            (org,) = rows(connection, "select id from organisations")
            call = "select status from run_certification_expiry(%s)"
            return rows(connection, call, org["id"])
        details = "select status from cron.job_run_details where status in ('succeeded', 'failed')"
        eventually(lambda: bool(rows(connection, details)), 90)
        return rows(connection, details)


def test_schedule_database_and_workflow_in_the_same_second_pause_each_mentor_once(
    deployed: Deployed, owner: psycopg.Connection, surroundings: dict[str, str], tmp_path: Path
) -> None:
    """O5: one history row for each mentor, and a row for each run request."""
    as_of = rows(owner, "select (now() at time zone 'Europe/Oslo')::date as d")[0]["d"]
    expired = expired_ids(owner, as_of)
    owner.close()
    if has_pg_cron():
        schedule_every_minute(deployed)
        eventually(lambda: datetime.now(UTC).second == 0, 70)
    with ThreadPoolExecutor(3) as pool:
        started = pool.submit(deployed.fire)
        by_itself = pool.submit(in_database, deployed)
        asked = pool.submit(run_workflow, tmp_path, **surroundings)
        answer, done = started.result(), asked.result()
        assert by_itself.result()[0]["status"] in ("completed", "succeeded")
    assert done.returncode == 0, done.stderr
    with psycopg.connect(deployed.local.database_url(), autocommit=True) as connection:
        running = "select from scheduler_execution_log where status = 'running'"
        eventually(lambda: not rows(connection, running))
        history = rows(connection, "select * from peer_mentor_status_history")
        log = rows(connection, "select * from scheduler_execution_log order by id")
    assert {str(row["mentor_id"]) for row in history} == expired
    assert len(history) == len(expired) == 150
    assert sum(row["paused_count"] or 0 for row in log) == 150
    assert sum(row["error_count"] or 0 for row in log) == 0
    assert {row["triggered_by"].split(" ")[0].strip(",") for row in log} >= {
        "schedule", "machine", "database",
    }  # fmt: skip
    assert {row["status"] for row in log} <= {"completed", "refused"}
    assert answer["status"] in ("running", "completed", "refused")
