"""pg_cron runs the nightly job inside the database (O5)."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from local import database
from local.places import ROOT
from local.postgres import Server, has_pg_cron
from support.deployed import eventually
from support.roster import Roster

SCHEDULE = ROOT / "supabase/fallback/schedule_certification_expiry.sql"


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


@pytest.mark.slow
def test_pg_cron_runs_the_job_and_records_its_result(cron: psycopg.Connection) -> None:
    """O5: with the real extension. An unknown slug is recorded as a failure."""
    roster = Roster(cron)
    mentors = roster.add_mentors(2)
    for _ in range(2):  # twice: a schedule of the same name is replaced
        cron.execute(SCHEDULE.read_bytes())
    jobs = roster.rows("select jobname, schedule, command from cron.job order by jobname")
    assert [(job["jobname"], job["schedule"]) for job in jobs] == [
        ("certification-expiry-fallback", "15 2 * * *"),
        ("certification-expiry-fallback-history", "45 4 * * *"),
        ("certification-expiry-fallback-rest", "25-55/10 2 * * *"),
    ]
    commands = {
        "fallback": jobs[0]["command"],
        "no such slug": jobs[0]["command"].replace("'hlf'", "'nobody'"),
        "history": jobs[1]["command"],
        "rest": jobs[2]["command"],
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
    assert status == {
        "fallback": "succeeded",
        "no such slug": "failed",
        "history": "succeeded",
        "rest": "succeeded",
    }
    (failure,) = [row for row in found if row["jobname"] == "no such slug"]
    assert re.search("organisation .* does not exist", failure["return_message"])
    assert [row["mentor_id"] for row in roster.history()] == mentors
    # Here they run in the same second, and the second of two calls is refused.
    assert "completed" in {row["status"] for row in roster.log()}
