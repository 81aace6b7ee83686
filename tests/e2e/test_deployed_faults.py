"""The deployed template in bad nights; each passes the conservation check."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.lock import Lock
from mentor_pause.ledger.runs import Leases, Ledger
from support.conservation import violations
from support.deployed import Deployed, eventually, expired_ids, rows
from support.roster import Records
from support.witness import Witness

pytestmark = pytest.mark.xdist_group("second stack")


def assert_conserved(deployed: Deployed, owner: psycopg.Connection, job_run_id: str) -> None:
    """Assert that the run lost and doubled nothing."""
    assert violations(Witness(deployed), Records(owner), UUID(job_run_id)) == []


@contextmanager
def locked(deployed: Deployed, *mentor_ids: str) -> Generator[None]:
    """Lock mentors' rows, as an editing session does.

    Another caller waits three seconds for them.
    """
    with psycopg.connect(deployed.local.database_url()) as holder:
        holder.execute(
            "select from peer_mentors where id::text = any(%s) for update", ([*mentor_ids],)
        )
        yield


def waiting(owner: psycopg.Connection) -> int:
    """Count the workers that wait for a row."""
    query = (
        "select count(*) as n from pg_stat_activity"
        " where wait_event_type = 'Lock' and usename = 'mentor_pause_job'"
    )
    return rows(owner, query)[0]["n"]


def org_day(owner: psycopg.Connection) -> date:
    """Return the organisation's day."""
    query = "select (now() at time zone time_zone)::date as d from organisations"
    return rows(owner, query)[0]["d"]


def test_workers_that_are_killed_again_and_again_lose_no_mentor(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """E8, E9."""
    victims = sorted(expired_ids(owner, org_day(owner)))[5::30]
    kills: list[bool] = []

    def killed_three_times() -> bool:
        if deployed.kill_the_worker_that_waits_for_a_lock(owner):
            kills.append(True)
        return len(kills) >= 3

    with deployed.quick_redelivery(), deployed.page_size(10):
        with locked(deployed, *victims):
            answer = deployed.fire()
            eventually(killed_three_times)
        run, summary = deployed.finish(answer["job_run_id"])
    assert (run.status, summary["processed_count"]) == ("completed", 150)
    assert_conserved(deployed, owner, answer["job_run_id"])


def test_a_database_that_is_restarted_during_a_run_loses_no_mentor(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """E6: failed pages are delivered again."""
    deployed.local.seed(mentors=3000, expired=3000, seed=4)
    answer = deployed.fire()
    with psycopg.connect(deployed.local.database_url(), autocommit=True) as before:
        eventually(lambda: len(rows(before, "select from peer_mentor_status_history")) > 300)
    with deployed.database_down():
        pass
    run, summary = deployed.finish(answer["job_run_id"], 180)
    assert (run.status, summary["processed_count"]) == ("completed", 3000)
    with psycopg.connect(deployed.local.database_url(), autocommit=True) as after:
        assert_conserved(deployed, after, answer["job_run_id"])
        if summary["error_count"]:
            again = deployed.fire(redrive_of=answer["job_run_id"])
            deployed.finish(again["job_run_id"])
        assert expired_ids(after, org_day(after)) == set()


def test_a_page_that_is_delivered_to_two_workers_changes_mentors_once(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """E9: for the second worker, this run has already paused every mentor."""
    (first, *_) = sorted(expired_ids(owner, org_day(owner)))
    with deployed.quick_redelivery():
        with locked(deployed, first):
            answer = deployed.fire()
            eventually(lambda: waiting(owner) >= 2)
        _, summary = deployed.finish(answer["job_run_id"])
    assert (summary["paused_count"], summary["error_count"]) == (150, 0)
    assert_conserved(deployed, owner, answer["job_run_id"])


def test_of_twenty_triggers_at_once_one_runs_and_nineteen_are_refused(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """D6: twenty dispatchers, each with its own trigger."""
    (first, *_) = sorted(expired_ids(owner, org_day(owner)))
    with locked(deployed, first):
        answers = deployed.fire_all([str(uuid4()) for _ in range(20)])
        assert sorted(a["status"] for a in answers) == ["refused"] * 19 + ["running"]
        (won,) = (a["job_run_id"] for a in answers if a["status"] == "running")
        assert {a["conflicting_run_id"] for a in answers if a["status"] == "refused"} == {won}
    _, summary = deployed.finish(won)
    assert summary["paused_count"] == 150
    assert len(rows(owner, "select from scheduler_execution_log where status = 'refused'")) == 19
    assert_conserved(deployed, owner, won)


@pytest.mark.parametrize("day", ["2026-02-28", "2026-03-29", "2026-10-25", "2026-10-31"])
def test_a_night_at_the_end_of_a_month_or_when_the_clocks_change(
    deployed: Deployed, owner: psycopg.Connection, day: str
) -> None:
    """E1: the day decides, however many hours it has."""
    as_of = date.fromisoformat(day)
    one, two = sorted(expired_ids(owner, org_day(owner)))[:2]
    for mentor, expires_on in ((one, as_of), (two, as_of + timedelta(days=1))):
        owner.execute(
            "update certifications set expires_on = %s where mentor_id = %s", (expires_on, mentor)
        )
    expected = expired_ids(owner, as_of)
    assert one in expected
    assert two not in expected
    run, summary = deployed.finish(deployed.fire(as_of=day)["job_run_id"])
    assert (run.as_of, set(summary["mentor_ids_paused"])) == (as_of, expected)
    assert_conserved(deployed, owner, str(run.job_run_id))


def test_midnight_in_the_middle_of_a_run_does_not_move_its_day(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """E1: mentors who expire on the new day are left to the next night."""
    owner.execute("update organisations set time_zone = 'Pacific/Pago_Pago'")
    day = org_day(owner)
    first, *_, tomorrows = sorted(expired_ids(owner, day))
    owner.execute(
        "update certifications set expires_on = %s where mentor_id = %s",
        (day + timedelta(days=1), tomorrows),
    )
    with locked(deployed, first):
        answer = deployed.fire()
        # 25 hours further east it is always another day.
        owner.execute("update organisations set time_zone = 'Pacific/Kiritimati'")
    run, summary = deployed.finish(answer["job_run_id"])
    assert (run.as_of, tomorrows in summary["mentor_ids_paused"]) == (day, False)
    assert_conserved(deployed, owner, answer["job_run_id"])
    next_run, summary = deployed.finish(deployed.fire()["job_run_id"])
    assert next_run.as_of > day
    assert tomorrows in summary["mentor_ids_paused"]


def test_a_page_of_the_earlier_version_is_processed(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """After an upgrade during a run, its message and items lack the new fields."""
    mentors = sorted(expired_ids(owner, org_day(owner)))
    client = deployed.stack.session.client("dynamodb", endpoint_url=deployed.stack.endpoint_url)
    name = deployed.stack.outputs["LedgerTableName"]
    ledger = Ledger(deployed.stack.table(), Leases(45, 2700))
    trigger = Trigger(
        "certification_expiry", deployed.stack.org_id, "schedule", str(uuid4()), "before"
    )
    day = org_day(owner)
    lock = ledger.locks.acquire(trigger, "before", 45)
    assert isinstance(lock, Lock)
    run = ledger.open_run(lock, day)
    owner.execute(
        "select begin_execution('certification_expiry', %s, %s, 'schedule', 'before', 'running')",
        (run.job_run_id, run.trigger.org_id),
    )
    ledger.plan_page(lock, 1, [UUID(mentor) for mentor in mentors])
    ledger.mark_sent(run.job_run_id, 1)
    ledger.end_paging(lock, run.job_run_id, 1, None)
    for sort_key, new in (("RUN", "active_at"), ("PAGE#1", "fence")):
        client.update_item(
            TableName=name,
            Key={"pk": {"S": f"RUN#{run.job_run_id}"}, "sk": {"S": sort_key}},
            UpdateExpression=f"REMOVE {new}",
        )
    body = {
        "job_name": "certification_expiry", "job_run_id": str(run.job_run_id),
        "org_id": str(run.trigger.org_id), "as_of": day.isoformat(), "page": 1,
        "mentor_ids": mentors,
    }  # fmt: skip
    deployed.sqs.send_message(
        QueueUrl=deployed.stack.outputs["CertificationExpiryQueueUrl"],
        MessageBody=json.dumps(body),
    )
    _, summary = deployed.finish(str(run.job_run_id))
    assert summary["mentor_ids_paused"] == mentors
    assert_conserved(deployed, owner, str(run.job_run_id))
