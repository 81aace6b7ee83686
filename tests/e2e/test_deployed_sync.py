"""The deployed template: HLF's portal follows the database, by itself and on command (H1-H5)."""

import json
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from local import portal_server
from local.deployment import STACK_NAME
from mentor_pause.aws.event_bus import SOURCE, EventPublisher
from mentor_pause.domain.messages import RunCompleted
from support.deployed import Deployed, eventually, expired_ids, mentor_pause, rows

if TYPE_CHECKING:
    from local.portal_tables import Fault

pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture
def following(deployed: Deployed, owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The owner's connection to a fresh roster. The sync follows each run, as in production."""
    deployed.let_the_sync_follow(follow=True)
    yield owner
    deployed.let_the_sync_follow(follow=False)
    portal_server.switch_on(deployed.local.require().portal_port, [])


def syncs(owner: psycopg.Connection) -> list[dict[str, Any]]:
    """Return the ended syncs in the execution log, oldest first."""
    return rows(
        owner,
        "select * from scheduler_execution_log where job_name = 'hlf_sync'"
        " and status <> 'running' order by id",
    )


def drift() -> dict[str, Any]:
    """Return the drift that the command line measures."""
    return json.loads(mentor_pause("portal", "drift", "--json").stdout)


def today(owner: psycopg.Connection) -> date:
    """The organisation's day."""
    return rows(owner, "select (now() at time zone 'Europe/Oslo')::date as d")[0]["d"]


def test_an_expiry_run_pauses_mentors_and_the_portal_shows_just_those_without_a_further_command(
    deployed: Deployed, following: psycopg.Connection
) -> None:
    """H1, H4: within seconds. Other mentors stay as they were."""
    before, expired = deployed.shown(), expired_ids(following, today(following))
    assert expired <= before["active"]
    assert mentor_pause("run", "certification_expiry", "--json").returncode == 0
    eventually(lambda: deployed.shown()["paused"] == before["paused"] | expired, 30)
    assert deployed.shown()["active"] == before["active"] - expired
    eventually(lambda: len(syncs(following)) == 1)
    (row,) = syncs(following)
    assert (row["status"], row["trigger"]) == ("completed", "event")
    assert (row["processed_count"], row["synced_count"], row["error_count"]) == (150, 150, 0)
    assert drift()["differing"] == 0


def test_a_portal_that_refuses_us_does_not_affect_the_expiry_run(
    deployed: Deployed, following: psycopg.Connection
) -> None:
    """H3, H4: the next sync sends the mentors."""
    before, expired = deployed.shown(), expired_ids(following, today(following))
    mentor_pause("local", "fault", "forbidden", "--times", "1000")
    done = mentor_pause("run", "certification_expiry", "--json")
    assert (done.returncode, json.loads(done.stdout)["paused_count"]) == (0, 150)
    eventually(lambda: len(syncs(following)) == 1)
    (row,) = syncs(following)
    assert (row["status"], row["error_count"]) == ("completed", 150)
    assert "HTTP 403" in row["error"]
    assert deployed.shown() == before
    portal_server.switch_on(deployed.local.require().portal_port, [])
    assert drift()["differing"] == 150
    done = mentor_pause("run", "hlf_sync", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["mentor_ids_synced"]) == expired
    assert drift()["differing"] == 0


def test_a_storm_of_429_and_lost_answers_delays_the_sync_and_loses_no_mentor(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """H3: by the command line, over HTTP."""
    mentor_pause("run", "certification_expiry", "--json")
    port = deployed.local.require().portal_port
    storm: list[Fault] = ["throttled", "answer lost", "token ended", "throttled", "unavailable"]
    portal_server.switch_on(port, ["none", "none", "none", *storm])
    done = mentor_pause("run", "hlf_sync", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["processed_count"], summary["synced_count"]) == (150, 150)
    assert list(summary) == [
        "job_run_id", "processed_count", "synced_count", "skipped_count", "error_count",
        "renewed_count", "errors", "mentor_ids_synced", "mentor_ids_errored",
    ]  # fmt: skip
    assert drift()["differing"] == 0


def test_a_portal_with_a_limit_gets_each_mentor_from_workers_that_wait_together(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """H3, R1: the limit of the stand-in is smaller than Dataverse's, and of the same kind."""
    mentor_pause("run", "certification_expiry", "--json")
    mentor_pause("local", "fault", "few requests", "--on")
    port = deployed.local.require().portal_port
    before = len(portal_server.read_requests(port))
    try:
        done = mentor_pause("run", "hlf_sync", "--json")
    finally:
        mentor_pause("local", "fault", "few requests", "--off")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["synced_count"], summary["error_count"]) == (150, 0)
    mentor_pause("run", "hlf_sync", "--json")
    asked = [method for method, _ in portal_server.read_requests(port)[before:]]
    assert asked.count("POST") <= 2, "each of the two workers logs in once, for both runs"
    assert len(asked) < 150 + 30, "few requests get a 429"
    assert deployed.stack.table().get("PORTAL", "NOT_BEFORE") is not None
    assert drift()["differing"] == 0


def test_a_renewal_is_read_from_the_portal(deployed: Deployed, owner: psycopg.Connection) -> None:
    """H1: on a night on which no mentor is to be sent."""
    port = deployed.local.require().portal_port
    held = portal_server.read_rows(port)
    certification = held["hlf_certifications"][0]
    certification |= {"hlf_validuntil": "2099-12-30", "modifiedon": "2026-12-31T00:00:00Z"}
    portal_server.replace_rows(port, held)
    done = mentor_pause("run", "hlf_sync", "--json")
    summary = json.loads(done.stdout)
    assert (summary["processed_count"], summary["renewed_count"]) == (1, 1)
    (row,) = rows(owner, "select * from certifications where expires_on = '2099-12-31'")
    assert row["portal_id"] == certification["hlf_certificationid"]


def test_the_switch_needs_no_deployment(deployed: Deployed, owner: psycopg.Connection) -> None:
    """H2: while it is off, the sync skips all mentors and says so; the drift has no metric."""
    mentor_pause("run", "certification_expiry", "--json")
    try:
        assert mentor_pause("portal", "off").returncode == 0
        assert "switched off; to switch it on" in mentor_pause("portal", "check").stderr
        deployed.end_warm_functions()
        before = deployed.shown()
        summary = json.loads(mentor_pause("run", "hlf_sync", "--json").stdout)
        assert (summary["skipped_count"], summary["error_count"]) == (150, 0)
        assert deployed.shown() == before
        assert syncs(owner)[-1]["error"] == "the portal is switched off"
        done = mentor_pause("portal", "drift", "--json")
        result = json.loads(done.stdout)
        assert (done.returncode, result["status"], result["exit_code"]) == (1, "off", 1)
    finally:
        assert mentor_pause("portal", "on").returncode == 0
        deployed.end_warm_functions()
    assert json.loads(mentor_pause("run", "hlf_sync", "--json").stdout)["synced_count"] == 150


def test_the_drift_names_mentors_who_were_edited_in_the_portal(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """H5: it only reads. The metric counts these mentors."""
    port = deployed.local.require().portal_port
    held = portal_server.read_rows(port)
    row = held["hlf_likepersons"][0]
    row |= {"hlf_status": 100000002, "modifiedon": "2026-01-01T00:00:00Z"}
    portal_server.replace_rows(port, held)
    done = mentor_pause("portal", "drift", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["differing"], answer["compared"]) == (1, 1, 300)
    (found,) = answer["differences"]
    assert (found["mentor_id"], found["there"]) == (row["hlf_mentornumber"], "inactive")
    assert portal_server.read_rows(port) == held
    assert row["hlf_mentornumber"] in mentor_pause("portal", "drift").stdout
    assert mentor_pause("portal", "resync", "--differing").returncode == 0
    summary = json.loads(mentor_pause("run", "hlf_sync", "--json").stdout)
    assert summary["mentor_ids_synced"] == [found["mentor_id"]]
    assert drift()["differing"] == 0
    assert 1 in deployed.metrics("PortalDriftLogGroup", "PortalMentorsDiffering")


def test_the_preflight_checks_the_stacks_own_portal(deployed: Deployed) -> None:
    """H2: with the stored mapping. An invalid mapping is refused."""
    done = mentor_pause("portal", "check", "--json")
    assert done.returncode == 0, done.stderr
    assert {finding["problem"] for finding in json.loads(done.stdout)["findings"]} == {None}
    refused = mentor_pause("portal", "map", "pyproject.toml")
    assert refused.returncode == 2
    assert "the portal's mapping is not valid" in refused.stderr
    assert mentor_pause("portal", "map", "docs/portal-mapping.json").returncode == 0


def announce(deployed: Deployed, run: str, day: date, left_count: int, source: str) -> None:
    """Publish the event of a sync run."""
    event = RunCompleted(
        job_name="hlf_sync", job_run_id=UUID(run), org_id=deployed.stack.org_id, as_of=day,
        dry_run=False, status="completed", processed_count=1, synced_count=1, skipped_count=0,
        error_count=0, left_count=left_count,
    )  # fmt: skip
    EventPublisher(deployed.stack.events(), "default", source).publish(event)


def test_the_sync_runs_again_when_a_run_of_this_stack_has_left_mentors(
    deployed: Deployed, following: psycopg.Connection
) -> None:
    """H4, R5: not after a run that left no mentor, and not after a run of another stack."""
    run = json.loads(mentor_pause("run", "hlf_sync", "--json").stdout)["job_run_id"]
    day, own = today(following), f"{SOURCE}.{STACK_NAME}"
    announce(deployed, run, day, 0, own)
    for source in (SOURCE, f"{SOURCE}.another-stage", f"{own}-2", f"{SOURCE}."):
        announce(deployed, run, day, 1, source)
    announce(deployed, run, day, 1, own)
    eventually(lambda: len(syncs(following)) == 2)
    _, row = syncs(following)
    assert (row["trigger"], row["triggered_by"]) == ("event", f"event, {run}")
    logged = rows(following, "select from scheduler_execution_log where trigger = 'event'")
    assert len(logged) == 1, "no other event has reached the dispatcher"
