"""A fault of the whole database is not a mentor's error, even if other calls succeed (R3)."""

from collections.abc import Callable
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from support.delivery import deliver_for
from support.night import DELIVERIES, Night
from support.roster import Roster


def set_read_only(db: psycopg.Connection, value: str) -> None:
    """Let each new session refuse writes, as in a project whose disk quota is used up."""
    database = sql.Identifier(str(db.info.dbname))
    words = sql.SQL("alter database {} set default_transaction_read_only = {}")
    db.execute("set default_transaction_read_only = off")
    db.execute(words.format(database, sql.Literal(value)))
    db.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


def fill_the_disk(db: psycopg.Connection, value: str) -> None:
    """Let each update of a mentor fail as on a full disk. Reads still work."""
    db.execute(
        "create or replace function fill() returns trigger language plpgsql as"
        " $$ begin raise exception 'no space left on device' using errcode = '53100'; end $$"
    )
    db.execute("drop trigger if exists fill on peer_mentors")
    if value == "on":
        db.execute(
            "create trigger fill before update on peer_mentors for each row execute function fill()"
        )


@pytest.mark.parametrize("fault", [set_read_only, fill_the_disk])
def test_a_database_that_refuses_writes_makes_no_mentor_an_error(
    night: Night, roster: Roster, fault: Callable[[psycopg.Connection, str], None]
) -> None:
    """R3: the page is requeued each time, and the run says what it waits for."""
    mentors = roster.add_mentors(3)
    job_run_id = UUID(night.fire()["job_run_id"])
    fault(roster.db, "on")
    for _ in range(DELIVERIES + 1):
        (message,) = night.receive()
        assert night.deliver(message)
    assert night.summaries() == []
    run = night.ledger.find_run(job_run_id)
    assert run is not None
    assert "read-only" in str(run.wait_reason) or "disk space" in str(run.wait_reason)
    fault(roster.db, "off")
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]


_TABLE_FAULTS: dict[str, tuple[LiteralString, LiteralString]] = {
    "55000, no replica identity": (
        (
            "alter table peer_mentors replica identity nothing; create publication p for table"
            " peer_mentors"
        ),
        "drop publication p",
    ),
    "2200H, the sequence is at its end": (
        (
            "alter table peer_mentor_status_history alter column id set maxvalue 2;"
            " select nextval(pg_get_serial_sequence('peer_mentor_status_history', 'id'))"
            " from generate_series(1, 2)"
        ),
        "alter table peer_mentor_status_history alter column id set no maxvalue",
    ),
}


@pytest.mark.parametrize("fault", _TABLE_FAULTS)
def test_a_fault_of_the_table_makes_no_mentor_an_error(
    night: Night, roster: Roster, fault: str
) -> None:
    """R3: the page waits until the fault is repaired."""
    begin, end = _TABLE_FAULTS[fault]
    roster.add_mentors(3)
    for statement in begin.split(";"):
        roster.db.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]
    night.fire()
    deliver_for(night, 3)
    roster.db.execute(end)
    night.work_off()
    assert night.summaries()[0]["error_count"] == 0
