"""Callers of `update_mentor_status` that meet at one row (E3, E6, E10, R1, S1)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from support.cluster import Cluster
from support.deployed import eventually
from support.roster import Roster
from support.transitions import FAR_OFF, by_hand, change


def test_of_many_concurrent_runs_exactly_one_pauses(roster: Roster, cluster: Cluster) -> None:
    """S1: each caller has its own connection. The others wait, then see the new state."""
    mentor = roster.add_mentor()
    outcomes: list[str] = []
    barrier = threading.Barrier(12)

    def call() -> None:
        with psycopg.connect(cluster.url(roster.db), autocommit=True) as connection:
            barrier.wait()
            outcomes.append(change(connection, mentor, p_job_run_id=uuid4())["outcome"])

    threads = [threading.Thread(target=call) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["changed"] + ["not_active"] * 11
    assert len(roster.history()) == 1


def test_a_renewal_that_commits_while_the_call_waits_is_skipped(
    roster: Roster, cluster: Cluster
) -> None:
    """E4: the call reads the certification after it has the row."""
    mentor = roster.add_mentor()

    def pause() -> str:
        with psycopg.connect(cluster.url(roster.db), autocommit=True) as connection:
            return change(connection, mentor)["outcome"]

    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as renewal:
            renewal.execute(
                "insert into certifications (mentor_id, expires_on) values (%s, %s)",
                (mentor, FAR_OFF),
            )  # its foreign key locks the mentor's row
            waiting = pool.submit(pause)
            eventually(lambda: waits_for_a_lock(roster))
        assert waiting.result() == "not_expired"
    assert (roster.status(mentor), roster.history()) == ("active", [])


def waits_for_a_lock(roster: Roster) -> bool:
    """Whether a session of the test's database waits for a lock."""
    return bool(
        roster.rows(
            "select from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )
    )


def test_a_caller_waits_for_a_locked_row_no_longer_than_three_seconds(
    roster: Roster, cluster: Cluster
) -> None:
    """E6: 55P03, which the caller tries again."""
    mentor = roster.add_mentor()
    with roster.db.transaction():
        roster.db.execute("select from peer_mentors where id = %s for update", (mentor,))
        with psycopg.connect(cluster.url(roster.db), autocommit=True) as connection:
            began = datetime.now(UTC)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                change(connection, mentor)
            assert timedelta(seconds=2.5) < datetime.now(UTC) - began < timedelta(seconds=6)


def test_a_caller_that_does_not_wait_gets_an_error_at_once(
    roster: Roster, cluster: Cluster
) -> None:
    """R1: twenty locked mentors take less time than one short wait. The others are paused."""
    mentors = roster.add_mentors(30)
    outcomes: list[object] = []
    with roster.db.transaction():
        roster.db.execute("select from peer_mentors where id = any(%s) for update", (mentors[:20],))
        with psycopg.connect(cluster.url(roster.db), autocommit=True) as connection:
            began = datetime.now(UTC)
            for mentor in mentors:
                try:
                    outcomes.append(change(connection, mentor, p_wait=False)["outcome"])
                except psycopg.errors.LockNotAvailable:
                    outcomes.append("locked")
            assert datetime.now(UTC) - began < timedelta(seconds=2)
    assert outcomes == ["locked"] * 20 + ["changed"] * 10


def test_not_waiting_lasts_no_longer_than_the_call(roster: Roster, cluster: Cluster) -> None:
    """R1: the next call of the same session waits again."""
    with psycopg.connect(cluster.url(roster.db), autocommit=True) as connection:
        before = connection.execute("show lock_timeout").fetchone()
        change(connection, roster.add_mentor(), p_wait=False)
        assert connection.execute("show lock_timeout").fetchone() == before


@pytest.mark.parametrize("lock", ["access exclusive", "exclusive"])
def test_a_caller_that_does_not_wait_does_not_wait_for_a_table_either(
    roster: Roster, cluster: Cluster, lock: LiteralString
) -> None:
    """R1: a migration may lock the whole table."""
    mentor = roster.add_mentor()
    with psycopg.connect(cluster.url(roster.db), autocommit=True) as connection:
        change(connection, mentor, p_dry_run=True)  # a session that has called it before
        with roster.db.transaction():
            roster.db.execute(sql.SQL("lock table peer_mentors in {} mode").format(sql.SQL(lock)))
            began = datetime.now(UTC)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                change(connection, mentor, p_wait=False)
            assert datetime.now(UTC) - began < timedelta(seconds=1)


def test_changes_are_dated_in_the_order_in_which_they_got_the_lock(
    roster: Roster, cluster: Cluster
) -> None:
    """E3: not in the order in which their transactions began."""
    mentor = roster.add_mentor(FAR_OFF)
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as early:
        early.execute("select now()")  # its transaction begins first
        by_hand(roster.db, mentor, "paused")
        by_hand(early, mentor, "active")
    first, second = roster.history()
    assert (first["new_status"], second["new_status"]) == ("paused", "active")
    assert first["changed_at"] < second["changed_at"]


def test_a_call_costs_the_same_in_the_first_night_of_a_new_project(
    db: psycopg.Connection, roster: Roster
) -> None:
    """E10: the plan of a session that began with an empty history must not read all of it."""
    mentors = roster.add_mentors(50)
    db.execute(
        "vacuum analyze"
    )  # as after loading a roster: the statistics now say that the history is empty
    with db.transaction():
        for mentor in mentors:
            assert change(db, mentor)["outcome"] == "changed"
        read = roster.rows(
            "select relname, seq_tup_read from pg_stat_xact_user_tables where seq_tup_read > 0"
        )
    assert read == []
