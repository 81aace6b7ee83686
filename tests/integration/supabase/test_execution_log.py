"""`begin_execution`, `finish_execution` and `get_run_freshness` (D4, D7, D9, E8, O1)."""

from uuid import UUID, uuid4

import psycopg
import pytest

from support.cluster import Cluster
from support.roster import ORG, TODAY, Roster


def test_freshness_is_about_one_organisations_runs_of_one_job(roster: Roster) -> None:
    """O1: runs of another organisation or of another job do not count."""
    other = roster.add_organisation()
    ask = "select * from get_run_freshness(%s, %s)"
    columns = ("last_finished_at", "last_as_of", "hours_since_completed_run", "night_error_count")
    nothing = [dict.fromkeys(columns)]
    for org, job_name in ((other, "certification_expiry"), (ORG, "hlf_sync")):
        run = uuid4()
        roster.db.execute(
            "select from begin_execution(%s, %s, %s, 'schedule', 'event', 'running', %s)",
            (job_name, run, org, TODAY),
        )
        finish(roster, run, 0)
    assert roster.rows(ask, ORG, "certification_expiry") == nothing
    for org, job_name in ((other, "certification_expiry"), (ORG, "hlf_sync")):
        (row,) = roster.rows(ask, org, job_name)
        assert row["last_as_of"] == TODAY


def begin(roster: Roster, run: UUID, status: str, job_name: str = "certification_expiry") -> None:
    """Begin a run."""
    roster.db.execute(
        "select * from begin_execution(%s, %s, %s, 'schedule', 'event 1', %s)",
        (job_name, run, ORG, status),
    )


def finish(roster: Roster, run: UUID, paused: int) -> None:
    """Finish a run."""
    roster.db.execute(
        "select * from finish_execution(%s, 'completed', %s, %s, 0, 0)", (run, paused, paused)
    )


def test_a_run_has_one_row_however_often_it_begins_or_ends(roster: Roster) -> None:
    """D4, D7, E8: a resumed run keeps its row, and the first end stays."""
    run = uuid4()
    begin(roster, run, "running")
    begin(roster, run, "running")
    finish(roster, run, 3)
    finish(roster, run, 99)
    begin(roster, run, "failed")
    (row,) = roster.log()
    assert (row["status"], row["paused_count"], row["processed_count"]) == ("completed", 3, 3)
    assert row["started_at"] <= row["finished_at"]


def test_the_role_portal_sync_can_finish_only_runs_of_its_own_job(
    roster: Roster, cluster: Cluster
) -> None:
    """D9: its credential is used beside an external system."""
    expiry, sync = uuid4(), uuid4()
    begin(roster, expiry, "running")
    begin(roster, sync, "running", "hlf_sync")
    call = "select * from finish_execution(%s, 'completed', 0, 0, 0, 0)"
    with psycopg.connect(cluster.url(roster.db, "portal_sync"), autocommit=True) as connection:
        connection.execute(call, (sync,))
        with pytest.raises(psycopg.Error) as raised:
            connection.execute(call, (expiry,))
    assert raised.value.sqlstate == "PT404"
    assert [row["status"] for row in roster.log()] == ["running", "completed"]


def test_duplicates_and_refusals_have_rows_of_their_own(roster: Roster) -> None:
    """D4: the log explains why nothing ran."""
    run = uuid4()
    for status in ("running", "duplicate", "duplicate", "refused"):
        begin(roster, run, status)
    assert [row["status"] for row in roster.log()] == [
        "running",
        "duplicate",
        "duplicate",
        "refused",
    ]
    assert [row["finished_at"] is None for row in roster.log()] == [True, False, False, False]


def test_a_run_that_never_began_cannot_finish(roster: Roster) -> None:
    """PT404, and the function adds no row."""
    with pytest.raises(psycopg.Error) as raised:
        finish(roster, uuid4(), 1)
    assert (raised.value.sqlstate, roster.log()) == ("PT404", [])
