"""The deployed template: the monitor, dry runs and redrives (O1, O2, E8)."""

import json
from datetime import date
from typing import Any

import psycopg
import pytest

from support.deployed import Deployed, expired_ids, mentor_pause, rows

pytestmark = pytest.mark.xdist_group("stack")


def look() -> tuple[int, dict[str, Any]]:
    """Run the monitor; return the exit code and its answer."""
    done = mentor_pause("monitor", "--json")
    return done.returncode, json.loads(done.stdout)


def test_with_the_rule_disabled_the_monitor_counts_stale_mentors_until_the_job_runs(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """O1: the test reads the written metric."""
    rule = deployed.stack.outputs["CertificationExpiryRuleName"]
    deployed.stack.events().disable_rule(Name=rule)
    try:
        code, found = look()
        as_of = date.fromisoformat(found["as_of"])
        expected = len(expired_ids(owner, as_of))
        assert (code, found["stale_active_mentors"], found["night_missed"]) == (1, expected, True)
        assert expected > 100
        assert "should have been paused" in mentor_pause("monitor").stdout
        assert deployed.metrics("MonitorLogGroup", "StaleActiveMentors")[-1] == expected
        assert deployed.metrics("MonitorLogGroup", "NightMissed")[-1] == 1
        assert mentor_pause("run", "certification_expiry", "--json").returncode == 0
        code, found = look()
        assert (code, found["stale_active_mentors"], found["night_missed"]) == (0, 0, False)
        assert deployed.metrics("MonitorLogGroup", "StaleActiveMentors")[-1] == 0
        assert deployed.metrics("MonitorLogGroup", "NightMissed")[-1] == 0
        assert 0 <= deployed.metrics("MonitorLogGroup", "HoursSinceCompletedRun")[-1] < 1
    finally:
        deployed.stack.events().enable_rule(Name=rule)


def test_a_run_whose_worker_vanished_is_ended_by_the_monitor_with_its_mentors_named(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """O2, E8: and a redrive makes up for it."""
    with deployed.workers_asleep():
        answer = deployed.fire()
        assert answer["status"] == "running"
    job_run_id = answer["job_run_id"]
    assert look()[1]["hung_runs"] == {}
    deployed.let_the_lease_run_out(job_run_id)
    assert look()[1]["hung_runs"] == {job_run_id: True}
    assert deployed.metrics("MonitorLogGroup", "HungRuns")[-2:] == [0, 1]
    (line,) = [
        line
        for line in deployed.lines("MonitorLogGroup", "run completed")
        if line["job_run_id"] == job_run_id
    ]
    assert (line["status"], line["error"]) == ("failed", "hung; ended by the monitor")
    assert set(line["mentor_ids_errored"]) == expired_ids(owner, date.fromisoformat(line["as_of"]))
    (row,) = rows(owner, "select * from scheduler_execution_log")
    assert (row["status"], row["error_count"]) == ("failed", 150)
    done = mentor_pause("redrive", job_run_id, "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["mentor_ids_paused"]) == set(line["mentor_ids_errored"])
    again = rows(owner, "select * from scheduler_execution_log order by id desc limit 1")[0]
    assert (str(again["redrive_of"]), again["paused_count"]) == (job_run_id, 150)
    shown = mentor_pause("runs", str(again["job_run_id"]))
    assert f"redrive of run {job_run_id}" in shown.stdout


def test_a_redrive_takes_only_errored_mentors(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """By the command line. A run that cannot be redriven gets one sentence."""
    as_of = rows(owner, "select (now() at time zone 'Europe/Oslo')::date as d")[0]["d"]
    failing = min(expired_ids(owner, as_of))
    owner.execute(
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'no way'; end $$"
    )
    owner.execute(
        "create trigger refuse before update on peer_mentors for each row"
        f" when (old.id = '{failing}') execute function refuse()".encode()
    )
    done = mentor_pause("run", "certification_expiry", "--json")
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["mentor_ids_errored"]) == (1, [failing])
    owner.execute("drop trigger refuse on peer_mentors")
    done = mentor_pause("redrive", summary["job_run_id"], "--json")
    assert (done.returncode, json.loads(done.stdout)["mentor_ids_paused"]) == (0, [failing])
    unknown = "00000000-0000-4000-8000-000000000000"
    refused = mentor_pause("redrive", unknown)
    assert refused.returncode == 2
    assert f"the ledger has no run {unknown}" in refused.stderr


def test_a_dry_run_lists_the_mentors_and_changes_nothing(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """By the same code path: dispatcher, queue, worker, function."""
    before = rows(owner, "select * from peer_mentors order by id")
    as_of = rows(owner, "select (now() at time zone 'Europe/Oslo')::date as d")[0]["d"]
    done = mentor_pause("run", "certification_expiry", "--dry-run", "--json")
    summary = json.loads(done.stdout)
    assert (done.returncode, set(summary["mentor_ids_paused"])) == (0, expired_ids(owner, as_of))
    assert rows(owner, "select * from peer_mentors order by id") == before
    assert rows(owner, "select from peer_mentor_status_history") == []
    assert rows(owner, "select from coordinator_notifications") == []
