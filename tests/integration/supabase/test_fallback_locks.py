"""The nightly job inside the database, beside other callers and locks (D4, D6, E4, O5, R1, R5)."""

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from support.cluster import Cluster
from support.deployed import eventually
from support.fallback import run
from support.night import Night
from support.roster import ORG, TODAY, Records, Roster


def test_a_second_call_at_the_same_time_is_refused_with_a_row(
    roster: Roster, cluster: Cluster
) -> None:
    """D4, D6: a call for another organisation runs."""
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
        another = roster.add_organisation()
        assert run(roster, TODAY, another)["status"] == "completed"
    assert len(roster.history()) == 2


def test_with_the_lambdas_at_the_same_moment_each_mentor_is_paused_once(
    night: Night, roster: Roster, cluster: Cluster
) -> None:
    """O5: each mentor has one history row. Both runs count correctly, and no mentor is an error."""
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


def test_a_mentor_who_is_renewed_meanwhile_is_skipped_and_not_counted_as_paused(
    roster: Roster,
) -> None:
    """E4: the job decides at each mentor's turn, and not when it lists them."""
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
    """R1: a quarter of the mentors is locked, and the time-out is twelve seconds."""
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
    """R1: the job waits at its end, long enough for a night's other calls."""
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
    """R1: the job stops in time. Only the mentor whose update takes too long is cancelled."""
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
    """R1: a Lambda's page may wait for this mentor. The test passes a shorter deadline."""
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


@pytest.mark.parametrize(
    "role", ["mentor_pause_job", "portal_sync", "mentor_pause_api", "mentor_pause_notifier"]
)
def test_no_job_role_can_keep_it_from_running(roster: Roster, cluster: Cluster, role: str) -> None:
    """R5: a job role may hold any advisory lock."""
    mentors = roster.add_mentors(2)
    with psycopg.connect(cluster.url(roster.db, role)) as blocker:
        blocker.execute(
            "select pg_advisory_lock(hashtextextended('run_certification_expiry ' || %s::text, 0))",
            (ORG,),
        )
        assert run(roster, TODAY)["mentor_ids_paused"] == mentors


@contextmanager
def owner(roster: Roster, cluster: Cluster, statement_timeout: str) -> Generator[Records]:
    """A second session of the owner, with a statement time-out."""
    with psycopg.connect(
        cluster.server.url(roster.db.info.dbname),
        autocommit=True,
        options=f"-c statement_timeout={statement_timeout}",
    ) as connection:
        yield Records(connection)


def waits_for_a_lock(roster: Roster) -> bool:
    """Return whether a session of this database waits for a lock."""
    roster.db.execute("select pg_stat_clear_snapshot()")
    (row,) = roster.rows(
        "select count(*) as waiting from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    return row["waiting"] > 0
