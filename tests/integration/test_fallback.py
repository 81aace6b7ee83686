"""The nightly job inside the database, for when nothing outside it fires (O5)."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from local import database
from local.postgres import Server, has_pg_cron
from support.cluster import Cluster
from support.deployed import eventually
from support.night import Night
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

SCHEDULE = Path(__file__).parents[2] / "supabase/fallback/schedule_certification_expiry.sql"


def run(roster: Roster, as_of: date | None = None, org_id: UUID = ORG) -> dict[str, Any]:
    """Call the function as pg_cron does."""
    (row,) = roster.rows("select * from run_certification_expiry(%s, %s)", org_id, as_of)
    return row


def test_it_does_what_a_night_does(roster: Roster) -> None:
    """E1-E4, E7, E11: history, log, notifications, and the counts of the summary."""
    mentors = roster.add_mentors(3)
    expiring_today = roster.add_mentor(TODAY)
    roster.add_mentor(YESTERDAY, TOMORROW)
    roster.add_mentor(YESTERDAY, status="inactive")
    coordinator = roster.add_coordinator(chapters=[roster.chapter_id])
    found = run(roster, TODAY)
    paused = sorted([*mentors, expiring_today])
    assert (found["status"], found["mentor_ids_paused"], found["mentor_ids_errored"]) == (
        "completed",
        paused,
        [],
    )
    history = roster.history()
    assert [row["mentor_id"] for row in history] == paused
    for row in history:
        assert (row["previous_status"], row["new_status"], row["reason"]) == (
            "active",
            "paused",
            "certification_expired",
        )
        assert (row["job_run_id"], row["changed_by_role"]) == (found["job_run_id"], "job")
    (log,) = roster.log()
    counts = ("processed_count", "paused_count", "skipped_count", "error_count")
    assert [log[name] for name in counts] == [found[name] for name in counts] == [4, 4, 0, 0]
    assert (log["status"], log["trigger"], log["as_of"]) == ("completed", "schedule", TODAY)
    assert log["triggered_by"] == "database, postgres"
    (told,) = roster.rows("select * from coordinator_notifications")
    assert (told["coordinator_id"], told["mentor_ids"]) == (coordinator, paused)


def test_a_second_run_pauses_nobody(roster: Roster) -> None:
    """E9."""
    roster.add_mentors(2)
    run(roster, TODAY)
    assert run(roster, TODAY)["processed_count"] == 0
    assert len(roster.history()) == 2
    assert [row["status"] for row in roster.log()] == ["completed"] * 2


def test_without_a_day_it_is_the_organisations_today(roster: Roster) -> None:
    """E1."""
    (today,) = roster.rows("select private.org_today(%s) as day", ORG)
    expired = roster.add_mentor(today["day"])
    roster.add_mentor(today["day"] + timedelta(days=1))
    assert run(roster)["mentor_ids_paused"] == [expired]


def test_one_mentors_failure_leaves_the_others_alone(roster: Roster) -> None:
    """E5: counted and named, in the server's log as well."""
    first, failing, last = roster.add_mentors(3)
    roster.fail_for(failing)
    said: list[str] = []
    roster.db.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
    found = run(roster, TODAY)
    assert found["mentor_ids_paused"] == [first, last]
    assert found["mentor_ids_errored"] == [failing]
    assert (found["processed_count"], found["error_count"]) == (3, 1)
    assert said == [f"mentor {failing} not paused: P0001 no way"]


def test_who_is_paused_stays_paused_though_nobody_could_be_told(roster: Roster) -> None:
    """E3: and the log says so."""
    mentors = roster.add_mentors(2)
    roster.db.execute("alter table coordinator_notifications rename to elsewhere")
    assert run(roster, TODAY)["mentor_ids_paused"] == mentors
    assert [row["mentor_id"] for row in roster.history()] == mentors
    (row,) = roster.log()
    assert row["status"] == "completed"
    assert row["error"].startswith("the coordinators were not notified: 42P01")


def test_a_wrong_organisation_and_a_day_that_has_not_come_are_refused(roster: Roster) -> None:
    """D8: before anything changes; an id that is missing is wrong, too."""
    roster.add_mentors(1)
    for org_id in (uuid4(), None):
        with pytest.raises(psycopg.Error, match="does not exist") as refused:
            run(roster, TODAY, org_id)  # pyright: ignore[reportArgumentType]
        assert refused.value.sqlstate == "PT404"
    with pytest.raises(psycopg.Error, match="is after today") as refused:
        run(roster, date(2100, 1, 1))
    assert refused.value.sqlstate == "22023"
    assert (roster.history(), roster.log()) == ([], [])


def test_a_second_call_at_the_same_time_is_refused_with_a_row(
    roster: Roster, cluster: Cluster
) -> None:
    """D4, D6: and of another organisation it is not in the way."""
    roster.add_mentors(2)
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as other:
        other.execute("select from run_certification_expiry(%s)", (ORG,))
        found = run(roster, TODAY)
        assert (found["status"], found["processed_count"]) == ("refused", 0)
        (row,) = roster.log()
        assert (row["status"], row["error"]) == (
            "refused",
            "another run in the database is in progress",
        )
        another = uuid4()
        roster.db.execute("insert into organisations (id, slug) values (%s, 'other')", (another,))
        assert run(roster, TODAY, another)["status"] == "completed"
    assert len(roster.history()) == 2


def test_with_the_lambdas_at_the_same_moment_each_mentor_is_paused_once(
    night: Night, roster: Roster, cluster: Cluster
) -> None:
    """O5: one history row each, by whoever came first; both runs add up, and nobody is an error."""
    mentors = roster.add_mentors(60)
    night.fire(as_of=TODAY)
    with (
        psycopg.connect(cluster.server.url(str(roster.db.info.dbname)), autocommit=True) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        in_database = pool.submit(
            lambda: other.execute(
                "select paused_count, skipped_count, error_count"
                " from run_certification_expiry(%s, %s)",
                (ORG, TODAY),
            ).fetchone()
        )
        night.work_off()
        there = in_database.result()
    assert there is not None
    (here,) = night.summaries()
    assert sorted(row["mentor_id"] for row in roster.history()) == mentors
    assert here["paused_count"] + there[0] == 60
    assert (here["processed_count"], here["error_count"], there[2]) == (60, 0, 0)


@pytest.fixture
def cron(tmp_path: Path) -> Iterator[psycopg.Connection]:
    """The owner's connection to a database in which pg_cron runs jobs."""
    if not has_pg_cron():
        pytest.skip("this PostgreSQL comes without pg_cron; Debian's postgresql-15-cron has it")
    server = Server(tmp_path, durable=False, cron_database="scheduled")
    server.start()
    try:
        database.create_database(server.url("postgres"), "scheduled")
        database.create_supabase_roles(server.url("scheduled"))
        database.migrate(server.url("scheduled"))
        with psycopg.connect(server.url("scheduled"), autocommit=True) as connection:
            yield connection
    finally:
        server.stop()


def test_pg_cron_runs_it_and_its_details_tell_what_became_of_it(cron: psycopg.Connection) -> None:
    """O5: the real extension; a slug that is not there shows as a failure."""
    roster = Roster(cron)
    mentors = roster.add_mentors(2)
    for _ in range(2):  # twice: schedules are replaced by name
        cron.execute(SCHEDULE.read_bytes())
    jobs = roster.rows("select jobname, schedule, command from cron.job order by jobname")
    assert [(job["jobname"], job["schedule"]) for job in jobs] == [
        ("certification-expiry-fallback", "15 2 * * *"),
        ("certification-expiry-fallback-history", "45 4 * * *"),
    ]
    commands = {
        "fallback": jobs[0]["command"],
        "no such slug": jobs[0]["command"].replace("'hlf'", "'nobody'"),
        "history": jobs[1]["command"],
    }
    for name, command in commands.items():
        cron.execute("select cron.schedule(%s, '* * * * *', %s)", (name, command))
    details = sql.SQL(
        "select j.jobname, d.status, d.return_message from cron.job_run_details as d"
        " inner join cron.job as j using (jobid) where d.status in ('succeeded', 'failed')"
    )
    eventually(lambda: {row["jobname"] for row in roster.rows(details)} == commands.keys(), 150)
    found = roster.rows(details)
    status = {row["jobname"]: row["status"] for row in found}
    assert status == {"fallback": "succeeded", "no such slug": "failed", "history": "succeeded"}
    (failure,) = [row for row in found if row["jobname"] == "no such slug"]
    assert re.search("organisation .* does not exist", failure["return_message"])
    assert [row["mentor_id"] for row in roster.history()] == mentors
    assert roster.log()[0]["status"] == "completed"
