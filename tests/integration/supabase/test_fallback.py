"""The nightly job inside the database, for when nothing outside it fires (O5)."""

import re
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from local import database
from local.places import ROOT
from local.postgres import Server, has_pg_cron
from support.cluster import Cluster
from support.deployed import eventually
from support.night import Night
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Records, Roster

SCHEDULE = ROOT / "supabase/fallback/schedule_certification_expiry.sql"


def run(roster: Records, as_of: date | None = None, org_id: UUID = ORG) -> dict[str, Any]:
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


def test_reasons_are_told_by_size_and_have_room_behind_any_trouble_with_notifications(
    roster: Roster,
) -> None:
    """E7: what, how many, an example; the words of another failure hide none of it."""
    mentors = roster.add_mentors(4)
    roster.add_coordinator(chapters=[roster.chapter_id])
    for code, failing in (("P0002", mentors[0]), ("P0003", mentors[2]), ("P0003", mentors[1])):
        name = f"refuse_{mentors.index(failing)}"
        roster.db.execute(
            f"create function {name}() returns trigger language plpgsql as $$ begin"
            f" raise exception 'no way' using errcode = '{code}'; end $$".encode()
        )
        roster.db.execute(
            f"create trigger {name} before update on peer_mentors for each row"
            f" when (new.id = '{failing}') execute function {name}()".encode()
        )
    roster.db.execute(
        "create function refuse_telling() returns trigger language plpgsql as $$ begin"
        " raise exception '%', repeat('no way ', 1000); end $$"
    )
    roster.db.execute(
        "create trigger refuse_telling before insert on coordinator_notifications"
        " for each row execute function refuse_telling()"
    )
    assert run(roster, TODAY)["error_count"] == 3
    (row,) = roster.log()
    assert row["error"].startswith("the coordinators were not notified: P0001 no way")
    assert row["error"].endswith(
        f"; 3 errors: 2 failed with SQLSTATE P0003, such as mentor {mentors[1]};"
        f" 1 failed with SQLSTATE P0002, such as mentor {mentors[0]}"
    )


def test_only_so_many_reasons_are_named_and_the_others_are_counted(roster: Roster) -> None:
    """E7: the text fits into the log row, and ends in no id's middle."""
    results = {str(UUID(int=n)): f"P0{n:03}" for n in range(100)} | {str(UUID(int=100)): "P0099"}
    (found,) = roster.rows("select private.summarise_errors(%s) as text", Jsonb(results))
    text = found["text"]
    assert text.startswith(
        f"101 errors: 2 failed with SQLSTATE P0099, such as mentor {UUID(int=99)}; 1 failed"
    )
    assert text.endswith("; and 80 more kinds (80 mentors)")
    assert len(text) < 4000
    (nobody,) = roster.rows("select private.summarise_errors('{}') as text")
    assert nobody["text"] is None


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


def test_more_mentors_than_a_page_are_all_paused(roster: Roster) -> None:
    """E10: it lists a thousand at a time."""
    mentors = roster.add_mentors(1001)
    found = run(roster, TODAY)
    assert (found["mentor_ids_paused"], found["processed_count"]) == (mentors, 1001)


def test_a_mentor_who_is_renewed_meanwhile_is_skipped_and_not_counted_as_paused(
    roster: Roster,
) -> None:
    """E4: decided when their turn comes, and not when they were listed."""
    first, renewed = roster.add_mentors(2)
    roster.db.execute(
        sql.SQL(
            "create function public.renew() returns trigger language plpgsql as $$ begin"
            " insert into public.certifications (mentor_id, expires_on) values ({}, '2099-01-01');"
            " return null; end $$"
        ).format(sql.Literal(str(renewed)))
    )
    roster.db.execute(
        "create trigger renew after update on peer_mentors for each row execute function renew()"
    )
    found = run(roster, TODAY)
    assert (found["mentor_ids_paused"], found["mentor_ids_errored"]) == ([first], [])
    assert (found["processed_count"], found["paused_count"], found["skipped_count"]) == (2, 1, 1)
    assert roster.log()[0]["error"] is None


def test_locked_mentors_cost_one_wait_in_all_and_the_others_stay_paused(
    roster: Roster, cluster: Cluster
) -> None:
    """R1: a quarter of the mentors locked, under a time-out of twelve seconds."""
    mentors = roster.add_mentors(20)
    locked, free = mentors[:5], mentors[5:]
    with roster.db.transaction():
        roster.db.execute("select from peer_mentors where id = any(%s) for update", (locked,))
        with owner(roster, cluster, "12s") as other:
            began = time.monotonic()
            found = run(other, TODAY)
            assert time.monotonic() - began < 7
    assert (found["mentor_ids_paused"], found["mentor_ids_errored"]) == (free, locked)
    assert [row["mentor_id"] for row in roster.history()] == free
    (row,) = roster.log()
    assert (row["status"], row["paused_count"], row["error_count"]) == ("completed", 15, 5)
    assert row["error"] == (
        f"5 errors: 5 locked by another transaction, such as mentor {locked[0]}"
    )
    assert run(roster, TODAY)["mentor_ids_paused"] == locked


def test_mentors_who_are_locked_for_a_moment_are_paused(roster: Roster, cluster: Cluster) -> None:
    """R1: the wait at the end is long enough for a night's other calls."""
    mentors = roster.add_mentors(3)
    with owner(roster, cluster, "12s") as other, ThreadPoolExecutor(1) as pool:
        with roster.db.transaction():
            roster.db.execute("select from peer_mentors where id = %s for update", (mentors[0],))
            running = pool.submit(lambda: run(other, TODAY))
            eventually(lambda: waits_for_a_lock(roster), 10)
        assert running.result()["mentor_ids_paused"] == mentors


@pytest.mark.parametrize("seconds", [0.25, 30.0])
def test_a_time_out_takes_nothing_back_and_the_next_call_goes_on(
    roster: Roster, cluster: Cluster, seconds: float
) -> None:
    """R1: it stops in time; and a mentor who takes too long is cancelled, and nobody else."""
    mentors = roster.add_mentors(12)
    slow = mentors[3:] if seconds < 1 else mentors[3:4]
    roster.db.execute(
        sql.SQL(
            "create function public.dawdle() returns trigger language plpgsql as"
            " $$ begin perform pg_sleep({}); return new; end $$"
        ).format(sql.Literal(seconds))
    )
    roster.db.execute(
        sql.SQL(
            "create trigger dawdle before update on peer_mentors for each row"
            " when (old.id in ({})) execute function public.dawdle()"
        ).format(sql.SQL(", ").join(sql.Literal(str(mentor)) for mentor in slow))
    )
    with owner(roster, cluster, "2s") as other:
        found = run(other, TODAY)
    paused, left = found["mentor_ids_paused"], found["mentor_ids_errored"]
    assert len(paused) >= 3
    assert len(left) >= 1
    assert paused + left == mentors
    assert [row["mentor_id"] for row in roster.history()] == paused
    (row,) = roster.log()
    assert (row["status"], row["error_count"]) == ("completed", len(left))
    assert row["error"] == (
        f"{len(left)} error{'s' * (len(left) > 1)}: {len(left)} left for the next call, because"
        f" time was up, such as mentor {left[0]}"
    )
    roster.db.execute("drop trigger dawdle on peer_mentors")
    assert run(roster, TODAY)["mentor_ids_paused"] == left


def test_without_a_time_out_it_holds_no_mentor_for_longer_than_twenty_seconds(
    roster: Roster,
) -> None:
    """R1: a page of a Lambda may wait for them; the deadline is an argument here."""
    mentors = roster.add_mentors(2)
    rows = roster.rows(
        "select * from private.pause_each(%s, %s, %s, %s, clock_timestamp(), false)",
        uuid4(), ORG, TODAY, mentors,
    )  # fmt: skip
    assert [row["result"] for row in rows] == ["left", "left"]
    (text,) = roster.rows(
        "select prosrc as body from pg_proc where proname = 'run_certification_expiry'"
    )
    assert "least(20000," in text["body"]


@pytest.mark.parametrize("role", ["mentor_pause_job", "portal_sync", "mentor_pause_api"])
def test_no_job_role_can_keep_it_from_running(roster: Roster, cluster: Cluster, role: str) -> None:
    """R5: whatever advisory locks it holds."""
    mentors = roster.add_mentors(2)
    with psycopg.connect(cluster.url(roster.db, role)) as blocker:
        blocker.execute(
            "select pg_advisory_lock(hashtextextended('run_certification_expiry ' || %s::text, 0))",
            (ORG,),
        )
        assert run(roster, TODAY)["mentor_ids_paused"] == mentors


def test_another_role_hears_what_is_missing(roster: Roster, cluster: Cluster) -> None:
    """R6: and not that a run was not found."""
    roster.db.execute("grant execute on function run_certification_expiry to mentor_pause_job")
    with (
        psycopg.connect(cluster.url(roster.db), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege) as refused,
    ):
        connection.execute("select * from run_certification_expiry(%s)", (ORG,))
    assert str(refused.value.diag.message_primary) == (
        "role mentor_pause_job may not run the nightly job in the database"
    )
    assert "schedule it as postgres" in str(refused.value.diag.message_detail)


@contextmanager
def owner(roster: Roster, cluster: Cluster, statement_timeout: str) -> Generator[Records]:
    """Another session of the owner, whose statements end after a while."""
    with psycopg.connect(
        cluster.server.url(roster.db.info.dbname),
        autocommit=True,
        options=f"-c statement_timeout={statement_timeout}",
    ) as connection:
        yield Records(connection)


def waits_for_a_lock(roster: Roster) -> bool:
    """Whether a session of this database waits for a lock."""
    roster.db.execute("select pg_stat_clear_snapshot()")
    (row,) = roster.rows(
        "select count(*) as waiting from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    return row["waiting"] > 0


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
