"""The deployed template: a night, repeated triggers, and failures."""

import json
import time
from collections.abc import Callable
from datetime import date
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from support.deployed import Deployed, eventually, expired_ids, mentor_pause, rows

PAGES = "CertificationExpiryQueueUrl"


def today(owner: psycopg.Connection) -> date:
    """The organisation's day, which is the run's as_of."""
    return rows(owner, "select (now() at time zone 'Europe/Oslo')::date as d")[0]["d"]


pytestmark = pytest.mark.xdist_group("second stack")


def test_a_night_pauses_exactly_the_expired_mentors_with_complete_history(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """E1-E3, E7, E11: by the command line, as a newcomer sees it."""
    expired = expired_ids(owner, today(owner))
    assert len(expired) == 150
    done = mentor_pause("run", "certification_expiry", "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    summary = json.loads(line)
    assert set(summary["mentor_ids_paused"]) == expired
    assert (summary["processed_count"], summary["error_count"]) == (150, 0)
    history = rows(
        owner,
        "select h.*, (select max(expires_on) from certifications c where c.mentor_id = h.mentor_id)"
        " as expiry from peer_mentor_status_history h",
    )
    assert {str(row["mentor_id"]) for row in history} == expired
    assert len(history) == 150
    for row in history:
        assert (row["previous_status"], row["new_status"]) == ("active", "paused")
        assert (row["reason"], str(row["job_run_id"])) == (
            "certification_expired", summary["job_run_id"],
        )  # fmt: skip
        assert row["certification_expiry_date"] == row["expiry"]
        assert row["changed_at"] is not None
    notified = rows(owner, "select unnest(mentor_ids) as id from coordinator_notifications")
    assert {str(row["id"]) for row in notified} == expired
    (logged,) = (
        found
        for found in deployed.lines("ExpiryWorkerLogGroup", "run completed")
        if found["job_run_id"] == summary["job_run_id"]
    )
    assert {key: logged[key] for key in summary} == summary

    again = mentor_pause("run", "certification_expiry", "--json")
    assert (again.returncode, json.loads(again.stdout)["paused_count"]) == (0, 0)
    assert rows(owner, "select count(*) as n from peer_mentor_status_history")[0]["n"] == 150
    assert mentor_pause("stale", "--json").stdout.startswith('{"stale_active_mentors": 0,')


def test_twenty_deliveries_of_one_trigger_at_once_start_one_run(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """D4, D6: and nineteen rows are duplicates."""
    answers = deployed.fire_all(["one night"] * 20)
    assert sorted(answer["status"] for answer in answers) == ["duplicate"] * 19 + ["running"]
    (job_run_id,) = {answer["job_run_id"] for answer in answers}
    _, summary = deployed.finish(job_run_id)
    assert summary["paused_count"] == 150
    log = rows(owner, "select status, count(*) as n from scheduler_execution_log group by status")
    assert {row["status"]: row["n"] for row in log} == {"completed": 1, "duplicate": 19}
    assert rows(owner, "select count(*) as n from peer_mentor_status_history")[0]["n"] == 150


def test_five_hundred_mentors_in_one_page_are_one_invocation_within_thirty_seconds(
    deployed: Deployed,
    owner: psycopg.Connection,
    record_property: Callable[[str, object], None],
) -> None:
    """E10: with a cold start."""
    deployed.local.seed(mentors=500, expired=500, seed=5)
    with deployed.page_size(500):
        began = time.monotonic()
        run, summary = deployed.finish(deployed.fire()["job_run_id"])
        took = time.monotonic() - began
    assert (run.pages_total, summary["paused_count"]) == (1, 500)
    assert took < 30
    record_property("seconds_for_500_in_one_page", round(took, 1))


def test_a_worker_killed_in_the_middle_of_a_page_is_replaced(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """E8, E9: every mentor of the page is counted, and paused once."""
    expired = sorted(expired_ids(owner, today(owner)))
    with deployed.quick_redelivery():
        with psycopg.connect(deployed.local.database_url()) as holder:
            holder.execute("select from peer_mentors where id = %s for update", (expired[50],))
            answer = deployed.fire()
            eventually(lambda: deployed.kill_the_worker_that_waits_for_a_lock(owner))
        run, summary = deployed.finish(answer["job_run_id"])
    assert run.status == "completed"
    assert (summary["processed_count"], summary["paused_count"]) == (150, 150)
    assert rows(owner, "select count(*) as n from peer_mentor_status_history")[0]["n"] == 150


def test_a_page_that_always_crashes_its_worker_counts_as_errors_and_the_run_completes(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """E8, R1: five deliveries, then the dead-letter queue. The page's other mentors are paused."""
    expired = sorted(expired_ids(owner, today(owner)))
    poisoned = expired[100]
    ledger = deployed.stack.ledger()

    def killed_until_it_is_dead() -> bool:
        deployed.kill_the_worker_that_waits_for_a_lock(owner)
        run = ledger.find_run(UUID(answer["job_run_id"]))
        return run is not None and run.status != "running"

    with (
        deployed.quick_redelivery(),
        psycopg.connect(deployed.local.database_url()) as holder,
    ):
        holder.execute("select from peer_mentors where id = %s for update", (poisoned,))
        answer = deployed.fire()
        eventually(killed_until_it_is_dead, 180)
        run, summary = deployed.finish(answer["job_run_id"])
    assert run.status == "completed"
    assert summary["mentor_ids_errored"] == [poisoned]
    assert summary["mentor_ids_paused"] == [mentor for mentor in expired if mentor != poisoned]
    assert summary["processed_count"] == 150
    (row,) = rows(owner, "select * from scheduler_execution_log")
    assert (row["status"], row["error_count"]) == ("completed", 1)


def test_a_failing_mentor_does_not_affect_the_others(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """E5: the command's exit code says that there were errors."""
    expired = sorted(expired_ids(owner, today(owner)))
    failing = expired[1]
    owner.execute(
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'no way'; end $$"
    )
    owner.execute(
        sql.SQL(
            "create trigger refuse before update on peer_mentors for each row"
            " when (old.id = {}) execute function refuse()"
        ).format(failing)
    )
    done = mentor_pause("run", "certification_expiry", "--json")
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["mentor_ids_errored"]) == (1, [failing])
    assert summary["paused_count"] == 149
    (line,) = (
        found
        for found in deployed.lines("ExpiryWorkerLogGroup", "mentor not paused")
        if found["mentor_id"] == failing
    )
    assert (line["sqlstate"], line["reason"]) == ("P0001", "no way")


def test_a_message_that_is_not_a_page_is_quarantined(deployed: Deployed) -> None:
    """It goes through the dead-letter queue."""
    before = deployed.waiting("QuarantinedPagesQueueUrl")
    deployed.sqs.send_message(QueueUrl=deployed.stack.outputs[PAGES], MessageBody='{"version": 9}')
    eventually(lambda: deployed.waiting("QuarantinedPagesQueueUrl") == before + 1, 90)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"job_name": "x"}, "unknown job; known jobs: certification_expiry, hlf_sync"),
        (
            {"job_name": "certification_expiry", "as_of": "soon"},
            "not a valid DispatchRequest: as_of",
        ),
        ({"nonsense": 1}, "not a valid DispatchRequest: job_name: Field required"),
    ],
)
def test_a_bad_event_is_answered_and_leaves_a_failed_row(
    deployed: Deployed, owner: psycopg.Connection, event: dict[str, str], error: str
) -> None:
    """D2, D5: the function itself does not fail."""
    answer = deployed.stack.invoke_dispatcher(event)
    assert (answer["status"], answer["error"][: len(error)]) == ("failed", error)
    (row,) = rows(owner, "select * from scheduler_execution_log")
    assert (row["status"], row["error"]) == ("failed", answer["error"])
    assert rows(owner, "select from peer_mentor_status_history") == []


def test_the_wrong_organisation_stops_the_run(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """D8."""
    owner.execute("update organisations set slug = 'other'")
    answer = deployed.fire()
    assert answer["status"] == "failed"
    assert "is other, not hlf" in answer["error"]
    (row,) = rows(owner, "select * from scheduler_execution_log")
    assert (row["status"], row["error"]) == ("failed", answer["error"])


def test_a_database_that_is_down_fails_a_manual_run_and_the_next_run_pauses_all(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """E6, D5: the dispatcher answers, and loses nothing."""
    owner.close()
    with deployed.database_down():
        answer = deployed.stack.invoke_dispatcher({"job_name": "certification_expiry"})
    assert answer["status"] == "failed"
    _, summary = deployed.finish(deployed.fire()["job_run_id"])
    assert summary["paused_count"] == 150
