"""The functions that `sam build` makes answer the sample events in Lambda's own runtime.

They use the local stack. Its deployed Lambdas run the same code, and process the pages that the
built dispatcher sends.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.emulator import ACCOUNT, REGION
from local.places import ROOT
from mentor_pause.domain.runs import run_id_of
from support.deployed import Deployed, expired_ids, rows
from support.metrics import metrics_in
from support.runtime import IS_HERE, BuiltFunction, Container

pytestmark = [
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(not IS_HERE, reason="the layer is built for 64-bit Linux"),
]

EVENTS = ROOT / "events"
NIGHTS = ["certification_expiry_dry_run", "certification_expiry_nightly"]
SYNCS = ["hlf_sync_after_run", "hlf_sync_nightly"]
EXPIRY_PAGE, SYNC_PAGE = "certification_expiry_page", "hlf_sync_page"
DEAD_PAGES = {
    "certification_expiry_dead_page": "ExpiryWorker",
    "hlf_sync_dead_page": "HlfSyncWorker",
}
DRIFT, MONITOR = "portal_drift_hourly", "monitor_hourly"
MESSAGE_METRICS = ("PausedUnwarned", "UndeliveredMessages", "BouncedDigests", "UnknownDigests")
REFUSED = {
    "certification_expiry_redrive": "; it keeps runs for 90 days",
    "certification_expiry_release": "the plan is not approved",
    "withdrawal_request": "the run cannot be withdrawn",
}
NOTIFIER = [f"notifier_{name}" for name in ("after_run", "hourly", "delivery", "bounce")]
"""test_built_notifier.py tries these."""
CONSOLE = ["console_sign_in", "console_tonight"]
"""test_built_console.py tries these."""
REQUESTS = {
    "http_get_run": 404, "http_list_jobs": 200, "http_list_runs": 200, "http_start_run": 202,
    "http_get_plan": 404, "http_approve_plan": 404, "http_withdraw_run": 404, "http_why": 200,
}  # fmt: skip
"""The answer to an administrator, before the nightly sample's run."""

type Invoke = Callable[[str, dict[str, Any]], tuple[Any, Container]]


def sample(name: str) -> dict[str, Any]:
    """Read a sample event."""
    return json.loads((EVENTS / f"{name}.json").read_text())


def mentor_of(name: str) -> str:
    """Return the only mentor on a sample page."""
    (mentor,) = json.loads(sample(name)["Records"][0]["body"])["mentor_ids"]
    return mentor


@pytest.fixture
def invoke(deployed: Deployed, build: Path, tmp_path: Path) -> Invoke:
    """Run a built function once, in a new container.

    The samples always have the same ids, so the ledger is emptied first.
    """
    deployed.forget_runs()
    deployed.local.plan_samples()

    def run(function: str, event: dict[str, Any]) -> tuple[Any, Container]:
        environment = deployed.environment_of(function)
        log = tmp_path / f"{function}.log"
        with BuiltFunction(build, function).running(environment, log) as container:
            return container.invoke(event), container

    return run


def pause(owner: psycopg.Connection, mentor: str) -> None:
    """Pause a mentor in the database; the portal still shows the mentor as active."""
    owner.execute(
        "update peer_mentors set status = 'paused', version = version + 1 where id = %s", (mentor,)
    )


def metrics_of(container: Container) -> dict[str, Any]:
    """Return the metrics in a function's log."""
    return metrics_in([line for line in container.lines() if "_aws" in line])


def day_of(owner: psycopg.Connection, event: dict[str, Any]) -> str:
    """Return the day that the event's run is about."""
    (row,) = rows(owner, "select (now() at time zone 'Europe/Oslo')::date::text as today")
    return event.get("as_of", row["today"])


def statuses(owner: psycopg.Connection) -> dict[str, str]:
    """Return every mentor's status."""
    return {str(m["id"]): m["status"] for m in rows(owner, "select id, status from peer_mentors")}


def dispatch(deployed: Deployed, invoke: Invoke, name: str) -> dict[str, Any]:
    """Pass an event to the built dispatcher; return the summary of its run."""
    event = sample(name)
    run_id = run_id_of(
        event["job_name"], deployed.stack.org_id, event["trigger_id"],
        dry_run=event.get("dry_run", False),
    )  # fmt: skip
    answer, _ = invoke("Dispatcher", event)
    assert answer in [{"job_run_id": str(run_id), "status": s} for s in ("running", "completed")]
    run, summary = deployed.finish(str(run_id))
    assert (run.status, run.error, summary["error_count"]) == ("completed", None, 0)
    return summary


def test_every_sample_event_is_tried_here() -> None:
    """A new sample needs a test."""
    tried = {
        *NIGHTS, *SYNCS, EXPIRY_PAGE, SYNC_PAGE, *DEAD_PAGES, DRIFT, MONITOR, *REQUESTS,
        *NOTIFIER, *REFUSED, *CONSOLE,
    }  # fmt: skip
    assert {file.stem for file in EVENTS.glob("*.json")} == tried


@pytest.mark.parametrize("name", NIGHTS)
def test_the_built_dispatcher_starts_a_run_over_all_expired_mentors(
    deployed: Deployed, owner: psycopg.Connection, invoke: Invoke, name: str
) -> None:
    """D1, E10: a dry run counts the same mentors and pauses none."""
    event, before = sample(name), statuses(owner)
    expired = expired_ids(owner, day_of(owner, event))
    summary = dispatch(deployed, invoke, name)
    assert set(summary["mentor_ids_paused"]) == expired
    paused = set[str]() if event.get("dry_run") else expired
    assert statuses(owner) == before | dict.fromkeys(paused, "paused")


@pytest.mark.parametrize("name", SYNCS)
def test_the_built_dispatcher_starts_a_sync_of_the_mentors_that_the_portal_lacks(
    deployed: Deployed, owner: psycopg.Connection, invoke: Invoke, name: str
) -> None:
    """H4: at night, and after a run."""
    mentor = mentor_of(SYNC_PAGE)
    pause(owner, mentor)
    assert dispatch(deployed, invoke, name)["mentor_ids_synced"] == [mentor]
    assert mentor in deployed.shown()["paused"]


def test_the_built_expiry_worker_pauses_the_mentor_on_its_page(
    deployed: Deployed, owner: psycopg.Connection, invoke: Invoke
) -> None:
    """E2, E3: and no other mentor. The local stack has planned the sample's page."""
    mentor = mentor_of(EXPIRY_PAGE)
    before = statuses(owner)
    for _ in range(2):  # the second time it is acknowledged at once
        answer, container = invoke("ExpiryWorker", sample(EXPIRY_PAGE))
        assert answer == {"batchItemFailures": []}, container.output()
    assert statuses(owner) == before | {mentor: "paused"}
    (history,) = rows(owner, "select * from peer_mentor_status_history")
    assert (str(history["mentor_id"]), history["reason"]) == (mentor, "certification_expired")


def test_the_built_sync_worker_sends_the_mentor_on_its_page(
    deployed: Deployed, owner: psycopg.Connection, invoke: Invoke
) -> None:
    """H1: and no other mentor."""
    mentor = mentor_of(SYNC_PAGE)
    pause(owner, mentor)
    before = deployed.shown()
    assert mentor in before["active"]
    answer, container = invoke("HlfSyncWorker", sample(SYNC_PAGE))
    assert answer == {"batchItemFailures": []}, container.output()
    assert deployed.shown() == before | {
        "active": before["active"] - {mentor}, "paused": before["paused"] | {mentor},
    }  # fmt: skip


def test_the_built_drift_function_counts_differing_mentors(
    deployed: Deployed, owner: psycopg.Connection, invoke: Invoke
) -> None:
    """H5: it answers, logs and emits the metric."""
    mentor = mentor_of(SYNC_PAGE)
    pause(owner, mentor)
    answer, container = invoke("PortalDrift", sample(DRIFT))
    assert (answer["status"], answer["compared"], answer["differing"]) == ("measured", 300, 1)
    assert [found["mentor_id"] for found in answer["differences"]] == [mentor]
    (line,) = (line for line in container.lines() if line.get("message") == "drift measured")
    assert (line["mentor_ids_differing"], line["function_name"]) == ([mentor], "PortalDrift")
    assert metrics_of(container)["PortalMentorsDiffering"] == [1.0]


def test_the_built_monitor_counts_stale_mentors(
    deployed: Deployed, owner: psycopg.Connection, invoke: Invoke
) -> None:
    """O1, O2: before the first night, without any run."""
    answer, container = invoke("Monitor", sample(MONITOR))
    stale = len(expired_ids(owner, answer.pop("as_of")))
    without, brake = answer.pop("active_without_certification"), answer.pop("brake")
    assert (brake["held_count"], brake["is_approved"]) == (0, False)
    figures = ("undelivered", "bounced", "complained", "unknown", "no_address")
    assert answer == {
        "stale_active_mentors": stale, "night_missed": True, "hours_since_completed_run": None,
        "paused_unwarned": 0, "mentor_ids_unwarned": [],
        "messages": {f"{name}_count": 0 for name in figures}, "hung_runs": {}, "failed": {},
        "held_mentors": 0, "unforeseen_pauses": 0,
    }  # fmt: skip
    expected = {"StaleActiveMentors": [stale], "NightMissed": [1.0], "HungRuns": [0.0]}
    expected |= {name: [0.0] for name in (*MESSAGE_METRICS, "MentorsHeld", "UnforeseenPauses")}
    assert metrics_of(container) == expected | {"ActiveWithoutCertification": [without]}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_the_built_dispatcher_refuses_what_an_unknown_run_cannot_have(
    owner: psycopg.Connection, invoke: Invoke, name: str
) -> None:
    """D7, G4, G5: the samples name the nightly sample's run, and here it has not run."""
    answer, _ = invoke("Dispatcher", sample(name))
    assert answer["status"] == "failed"
    assert REFUSED[name] in answer["error"]
    (row,) = rows(owner, "select status, error from scheduler_execution_log")
    assert (row["status"], row["error"]) == ("failed", answer["error"])


@pytest.mark.parametrize("name", sorted(DEAD_PAGES))
def test_a_built_worker_fails_a_page_from_its_dead_letter_queue(
    deployed: Deployed, owner: psycopg.Connection, invoke: Invoke, name: str
) -> None:
    """E8: the page is closed, and its mentor is not changed. A second delivery does nothing."""
    event, function = sample(name), DEAD_PAGES[name]
    before = statuses(owner)
    assert before[mentor_of(name)] == "active"
    for times in (1, 2):
        answer, container = invoke(function, event)
        assert answer == {"batchItemFailures": []}, container.output()
        said = [line.get("message") for line in container.lines()]
        assert ("page failed; its unprocessed mentors count as errors" in said) is (times == 1)
    assert statuses(owner) == before


def test_each_sample_page_is_from_a_queue_of_the_local_stack(deployed: Deployed) -> None:
    """R5: a worker accepts pages only from its own two queues."""
    for name, variable, function in (
        (EXPIRY_PAGE, "QUEUE_URL", "ExpiryWorker"),
        (SYNC_PAGE, "QUEUE_URL", "HlfSyncWorker"),
        *((name, "DEAD_LETTER_QUEUE_URL", worker) for name, worker in DEAD_PAGES.items()),
    ):
        queue = deployed.environment_of(function)[variable].rpartition("/")[2]
        (record,) = sample(name)["Records"]
        assert record["eventSourceARN"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}", name


@pytest.mark.parametrize("name", REQUESTS)
def test_the_built_http_entry_answers_a_caller_with_a_token(
    deployed: Deployed, owner: psycopg.Connection, invoke: Invoke, name: str
) -> None:
    """D3, O3: the sample itself gets a 401. Its own layer verifies the token."""
    event = sample(name)
    answer, _ = invoke("Api", event)
    assert answer["statusCode"] == 401
    (member,) = rows(owner, "select user_id from org_members where role = 'admin'")
    credential = f"Bearer {deployed.local.token(member['user_id'])}"
    event["multiValueHeaders"]["Authorization"] = [credential]
    answer, container = invoke("Api", event)
    assert answer["statusCode"] == REQUESTS[name], (answer, container.output())
    if name == "http_start_run":
        _, summary = deployed.finish(json.loads(answer["body"])["job_run_id"])
        assert summary["paused_count"] > 100
        assert rows(owner, "select from peer_mentor_status_history") == []


def test_no_secret_is_in_the_log_however_much_is_logged(
    deployed: Deployed, owner: psycopg.Connection, build: Path, tmp_path: Path
) -> None:
    """E12: at DEBUG, AWS's own client would log whole answers, with secrets."""
    vault = deployed.stack.read_secret
    for function in ("Monitor", "Api", "PortalDrift", "Notifier"):  # each with another secret
        own = deployed.environment_of(function)
        secrets = json.loads(vault(own["SUPABASE_SECRET_ID"]))
        password = secrets["SUPABASE_DB_URL"].split(":")[2].split("@")[0]
        loud = {"AWS_LAMBDA_LOG_LEVEL": "DEBUG", "POWERTOOLS_LOG_LEVEL": "DEBUG"}
        credential = secrets.get("SCHEDULER_SECRET", "none")
        event = sample("http_list_runs")
        event["multiValueHeaders"]["Authorization"] = [f"Bearer {credential}"]
        log = tmp_path / f"{function}-loud.log"
        with BuiltFunction(build, function).running(own | loud, log) as container:
            assert container.invoke(event)
            assert len(container.output()) > 100
            # Nor addresses, which httpx could log: the portal's have mentors' keys (E13).
            for secret in (password, credential, "HTTP Request"):
                assert secret not in container.output(), function
