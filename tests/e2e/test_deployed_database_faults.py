"""The deployed template with a slow, absent, crowded or misconfigured database (R1 to R4).

`make slow-database` runs the same at full length; docs/benchmarks.md has its numbers.
"""

import json
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from local.database import JOB_ROLES
from support.deployed import Deployed, eventually, expired_ids, mentor_pause, rows
from support.dry_runs import post_dry_runs_over_triggers, statuses
from support.pooler import needs_pgbouncer
from support.proxy import running_proxy
from support.system_faults import FAULTS
from support.watch import Night
from support.way import (
    by_way_of,
    database_address,
    detour,
    end_functions,
    locked_rows,
    pooled,
    workers_held,
)

pytestmark = pytest.mark.xdist_group("second stack")

SETTINGS = {
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Pacific/Kiritimati",
    "client_encoding": "SQL_ASCII",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "search_path": "nowhere",
}


@contextmanager
def worker_timeout(deployed: Deployed, seconds: int) -> Generator[None]:
    """Give a worker's invocation less time than the template does."""
    lambdas, name = deployed.stack.lambdas(), deployed.stack.outputs["ExpiryWorkerFunctionName"]
    before = lambdas.get_function_configuration(FunctionName=name).get("Timeout", 60)
    lambdas.update_function_configuration(FunctionName=name, Timeout=seconds)
    try:
        yield
    finally:
        lambdas.update_function_configuration(FunctionName=name, Timeout=before)


def test_a_page_that_is_too_long_for_one_invocation_goes_on_where_it_stopped(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """R1: 150 mentors at 40 ms take 6 s, and an invocation has 3.5 s for them."""
    with (
        running_proxy(database_address(deployed)) as proxy,
        worker_timeout(deployed, 15),
        detour(deployed, by_way_of(proxy.port)),
        deployed.page_size(200),
    ):
        proxy.delay = 0.02
        night = Night(deployed)
        night.fire()
        summary = night.finish(60)
    assert (summary["paused_count"], summary["error_count"]) == (150, 0)
    assert len(night.invocations("ExpiryWorker")) in (2, 3)
    assert all("time ran short after" in reason for reason in night.reasons())
    assert night.timed_out() == 0


def test_locked_rows_keep_no_other_mentor_waiting(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """R1: 130 mentors are paused in the first 2 s, and the locked mentors later."""
    expired = "select count(*) as n from peer_mentors where status = 'active'"
    active = rows(owner, expired)[0]["n"]
    with deployed.page_size(200), locked_rows(deployed, 20):
        night = Night(deployed)
        night.fire()
        eventually(lambda: active - rows(owner, expired)[0]["n"] >= 100)
    summary = night.finish(60)
    assert (summary["paused_count"], summary["error_count"]) == (150, 0)


@needs_pgbouncer
def test_a_paused_pooler_is_named_and_makes_no_mentor_an_error(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """R2: each invocation ends in time by itself."""
    with pooled(deployed) as pooler:
        night = Night(deployed)
        with workers_held(deployed):
            night.fire()
            pooler.pause()
        eventually(lambda: bool(night.reasons()))
        pooler.resume()
        night.hurry_pages()
        summary = night.finish(60)
    assert (summary["paused_count"], summary["error_count"]) == (150, 0)
    assert "no answer from the database within 10 s" in night.reasons()
    assert set(night.reasons()) <= {
        "no answer from the database within 10 s", "no connection to the database within 5 s"
    }  # fmt: skip
    assert night.timed_out() == 0


@needs_pgbouncer
def test_a_night_whose_database_is_absent_runs_when_it_is_back(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """R5: the request waits on its queue, and then starts the run of its trigger."""
    with pooled(deployed) as pooler:
        pooler.kill()
        night = Night(deployed)
        assert night.fire()["status"] == "waiting"
        pooler.start()
        night.hurry()
        eventually(lambda: night.run() is not None)
        summary = night.finish(60)
    assert (summary["paused_count"], summary["error_count"]) == (150, 0)
    (reason,) = night.reasons("Dispatcher")
    assert reason.endswith("nothing listens at its address")
    assert statuses(deployed, "schedule") == Counter(completed=1)


@needs_pgbouncer
def test_a_pooler_with_one_connection_for_all_is_shared(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """R2: no function keeps a connection that it does not need."""
    with pooled(deployed, max_client_conn=1), deployed.page_size(30):
        night = Night(deployed)
        night.fire()
        summary = night.finish(60)
    assert (summary["paused_count"], summary["error_count"]) == (150, 0)


def test_each_fault_of_the_system_is_named_and_no_mentor_counts_as_an_error(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """R3: the page waits until the fault is repaired."""
    night, troubles = Night(deployed), list[str]()
    with deployed.page_size(200), workers_held(deployed):
        night.fire()
    for fault in FAULTS.values():
        with workers_held(deployed):
            night.hurry_pages()
        with fault(deployed):
            known = sum(night.reasons().values())
            eventually(lambda known=known: sum(night.reasons().values()) > known)
        run = night.run()
        assert run is not None
        troubles.append(str(run.wait_reason))
    night.hurry_pages()
    summary = night.finish(60)
    assert (summary["paused_count"], summary["error_count"]) == (150, 0)
    assert len(set(troubles)) == len(FAULTS)
    (row,) = rows(owner, "select * from scheduler_execution_log")
    assert row["error"] == f"pages had to wait: {troubles[-1]}"


def test_a_night_and_its_sync_are_the_same_whatever_settings_the_roles_have(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """R4: with all settings at once, for the database and for each role."""
    day = rows(owner, "select (now() at time zone 'Europe/Oslo')::date as d")[0]["d"]
    expired, before = expired_ids(owner, day), deployed.shown()
    set_for_all(owner, "set {name} = {value}")
    end_functions(deployed)
    deployed.let_the_sync_follow(follow=True)
    try:
        night = Night(deployed)
        night.fire()
        summary = night.finish(60)
        eventually(lambda: deployed.shown()["paused"] == before["paused"] | expired)
        eventually(lambda: statuses(deployed, "event") == Counter(completed=1))
        assert json.loads(mentor_pause("portal", "drift", "--json").stdout)["differing"] == 0
    finally:
        deployed.let_the_sync_follow(follow=False)
        set_for_all(owner, "reset {name}")
        end_functions(deployed)
    assert (set(summary["mentor_ids_paused"]), summary["error_count"]) == (expired, 0)
    history = rows(
        owner,
        "select h.certification_expiry_date as found, max(c.expires_on) as due"
        " from peer_mentor_status_history h join certifications c using (mentor_id) group by h.id",
    )
    assert len(history) == len(expired)
    assert [row for row in history if row["found"] != row["due"]] == []


def set_for_all(owner: psycopg.Connection, action: str) -> None:
    """Set or reset the settings, for the database and for each role that logs in."""
    for name, value in SETTINGS.items():
        words = {"name": sql.Identifier(name), "value": sql.Literal(value)}
        what = sql.SQL(action).format(**words)  # pyright: ignore[reportArgumentType]
        database = sql.Identifier(owner.info.dbname)
        owner.execute(sql.SQL("alter database {} ").format(database) + what)
        for role in JOB_ROLES:
            owner.execute(sql.SQL("alter role {} ").format(sql.Identifier(role)) + what)


def test_dry_runs_in_loops_keep_no_night_waiting(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """R5: every trigger has its run at once."""
    answers, posted = post_dry_runs_over_triggers(deployed, 2, loops=2)
    assert set(answers) <= {"running", "completed"}
    assert posted[202] > 0
    assert statuses(deployed, "schedule") == Counter(completed=2)


def test_a_trigger_during_a_manual_run_waits_and_has_its_own_run(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """R4: it is refused with a row, and runs once the lock is free."""
    with locked_rows(deployed, 1):
        by_hand = deployed.fire(f"hand-{uuid4()}", trigger="manual")
        night = Night(deployed)
        assert night.fire()["status"] == "refused"
    _, summary = deployed.finish(by_hand["job_run_id"])
    assert summary["paused_count"] == 150
    night.hurry(held=False)
    eventually(lambda: night.run() is not None)
    assert night.finish(60)["paused_count"] == 0
    assert statuses(deployed, "schedule") == Counter(refused=1, completed=1)
