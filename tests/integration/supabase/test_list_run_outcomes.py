"""`list_run_outcomes` and later corrections of a run's row (D4, E8, R1, S6)."""

from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from support.cluster import Cluster
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster


def begin(roster: Roster, run: UUID, job_name: str, status: str = "running") -> None:
    """Begin a run."""
    roster.db.execute(
        "select * from begin_execution(%s, %s, %s, 'schedule', 'event 1', %s)",
        (job_name, run, ORG, status),
    )


def finish(roster: Roster, run: UUID, *, effect: int, errors: int, job_name: str) -> None:
    """Finish a run with counts."""
    effects = (0, effect) if job_name == "hlf_sync" else (effect, None)
    roster.db.execute(
        "select * from finish_execution(%s, 'completed', %s, %s, 0, %s, null, %s)",
        (run, effect + errors, effects[0], errors, effects[1]),
    )


def pause(roster: Roster, mentor: UUID, run: UUID) -> None:
    """Pause as the job does."""
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)",
        (mentor, ORG, run, TODAY),
    )


def mark(roster: Roster, mentor: UUID, run: UUID) -> None:
    """Mark a mentor as synced by a run."""
    roster.db.execute("select mark_portal_synced(%s, %s, 1, %s)", (ORG, mentor, run))


def outcomes(roster: Roster, run: UUID, mentors: list[UUID]) -> dict[UUID, str]:
    """Return the outcomes of these mentors."""
    rows = roster.rows(
        "select * from list_run_outcomes(%s, %s, %s, %s::uuid[])", run, ORG, TODAY, mentors
    )
    return {row["mentor_id"]: row["outcome"] for row in rows}


def late(roster: Roster, run: UUID) -> bool:
    """Correct the run's counts."""
    (row,) = roster.rows("select report_late_changes(%s) as corrected", run)
    return row["corrected"]


def test_a_mentor_is_applied_not_needed_or_left_out(roster: Roster) -> None:
    """R1: changed by this run; without need of a change; still to be changed."""
    run, elsewhere, missing = uuid4(), uuid4(), uuid4()
    begin(roster, run, "certification_expiry")
    mine, by_another, open_ = roster.add_mentors(3)
    renewed = roster.add_mentor(YESTERDAY, TOMORROW)
    inactive = roster.add_mentor(YESTERDAY, status="inactive")
    uncertified = roster.add_mentor(YESTERDAY)
    roster.db.execute("delete from certifications where mentor_id = %s", (uncertified,))
    pause(roster, mine, run)
    pause(roster, by_another, elsewhere)
    asked = [mine, by_another, open_, renewed, inactive, uncertified, missing, missing]
    assert outcomes(roster, run, asked) == {
        mine: "applied",
        by_another: "not_needed",
        renewed: "not_needed",
        inactive: "not_needed",
        uncertified: "not_needed",
        missing: "not_needed",
    }


def test_a_mentor_whom_the_run_paused_stays_applied_though_they_were_resumed(
    roster: Roster,
) -> None:
    """E8: the history has the run's change."""
    run, mentor = uuid4(), roster.add_mentor()
    begin(roster, run, "certification_expiry")
    pause(roster, mentor, run)
    roster.certify(mentor, TOMORROW.replace(year=2099))
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'active', 'back_again')", (mentor, ORG)
    )
    assert outcomes(roster, run, [mentor]) == {mentor: "applied"}


def test_the_outcome_of_a_sync_run_is_read_from_the_portals_state(roster: Roster) -> None:
    """R1: synced by this run, by another run, not at all; or the mentor was deleted."""
    run, missing = uuid4(), uuid4()
    begin(roster, run, "hlf_sync")
    mine, by_another, open_, changed_since = roster.add_mentors(4)
    mark(roster, mine, run)
    mark(roster, by_another, uuid4())
    mark(roster, changed_since, uuid4())
    pause(roster, changed_since, uuid4())
    asked = [mine, by_another, open_, changed_since, missing]
    assert outcomes(roster, run, asked) == {
        mine: "applied", by_another: "not_needed", missing: "not_needed",
    }  # fmt: skip


def test_a_run_without_a_row_has_only_its_own_changes(roster: Roster) -> None:
    """The row would name the run's job."""
    run = uuid4()
    mine, by_another = roster.add_mentors(2)
    pause(roster, mine, run)
    pause(roster, by_another, uuid4())
    assert outcomes(roster, run, [mine, by_another, uuid4()]) == {mine: "applied"}


def test_more_than_five_hundred_ids_are_refused(roster: Roster) -> None:
    """22023, as for every argument out of bounds."""
    assert outcomes(roster, uuid4(), [uuid4()] * 500) == {}
    with pytest.raises(psycopg.Error) as raised:
        outcomes(roster, uuid4(), [uuid4()] * 501)
    assert raised.value.sqlstate == "22023"


@pytest.mark.parametrize("job_name", ["certification_expiry", "hlf_sync"])
def test_late_changes_move_from_the_errors_to_the_effect(roster: Roster, job_name: str) -> None:
    """D4: the row then agrees with the data. `processed_count` and the end stay."""
    run = uuid4()
    change = mark if job_name == "hlf_sync" else pause
    count = "synced_count" if job_name == "hlf_sync" else "paused_count"
    begin(roster, run, job_name)
    first, second, failing = roster.add_mentors(3)
    change(roster, first, run)
    finish(roster, run, effect=1, errors=2, job_name=job_name)
    assert not late(roster, run)
    (before,) = roster.log()
    change(roster, second, run)
    assert late(roster, run)
    assert not late(roster, run)
    (after,) = roster.log()
    assert (after[count], after["error_count"], after["processed_count"]) == (2, 1, 3)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {count, "error_count", "error"}
    effect = count.removesuffix("_count")
    assert after["error"] == f"corrected after the end: 1 of the errors {effect} after all"
    assert outcomes(roster, run, [failing]) == {}


def test_counts_never_grow_beyond_the_errors_nor_before_the_end(roster: Roster) -> None:
    """D4: a running, never begun, error-free or unknown run stays unchanged."""
    running, failed, whole = uuid4(), uuid4(), uuid4()
    begin(roster, running, "certification_expiry")
    begin(roster, failed, "certification_expiry", "failed")
    begin(roster, whole, "certification_expiry")
    finish(roster, whole, effect=0, errors=0, job_name="certification_expiry")
    before = roster.log()
    for run, mentor in zip((running, failed, whole), roster.add_mentors(3), strict=True):
        pause(roster, mentor, run)
        assert not late(roster, run)
    assert not late(roster, uuid4())
    assert roster.log() == before


def test_the_portals_role_corrects_runs_of_its_own_job_only(
    roster: Roster, cluster: Cluster
) -> None:
    """D9: the role is portal_sync."""
    runs = {job: uuid4() for job in ("certification_expiry", "hlf_sync")}
    for (job_name, run), mentor in zip(runs.items(), roster.add_mentors(2), strict=True):
        begin(roster, run, job_name)
        finish(roster, run, effect=0, errors=1, job_name=job_name)
        (mark if job_name == "hlf_sync" else pause)(roster, mentor, run)
    with psycopg.connect(cluster.url(roster.db, "portal_sync"), autocommit=True) as connection:
        corrected = {
            job: connection.execute("select report_late_changes(%s)", (run,)).fetchone()
            for job, run in runs.items()
        }
    assert corrected == {"certification_expiry": (False,), "hlf_sync": (True,)}


@pytest.mark.parametrize(
    "rewrite",
    [
        "paused_count = paused_count + 1",
        "paused_count = paused_count + 1, error_count = error_count - 2",
        "paused_count = paused_count - 1, error_count = error_count + 1",
        "paused_count = paused_count + 9, error_count = error_count - 9",
        "synced_count = 1, error_count = error_count - 1",
        "paused_count = paused_count + 1, error_count = error_count - 1, error = null",
        "paused_count = paused_count + 1, error_count = error_count - 1, error = 'one failed'",
        "error = error || '; and more'",
        "paused_count = paused_count + 1, error_count = error_count - 1, finished_at = now()",
        "status = 'running', finished_at = null",
    ],
)
def test_an_ended_row_refuses_every_other_change(roster: Roster, rewrite: LiteralString) -> None:
    """S6: the log is append-only, for the owner too."""
    run = uuid4()
    begin(roster, run, "certification_expiry")
    roster.db.execute(
        "select * from finish_execution(%s, 'completed', 5, 2, 1, 2, 'two failed')", (run,)
    )
    before = roster.log()
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        roster.db.execute(sql.SQL("update scheduler_execution_log set {}").format(sql.SQL(rewrite)))
    assert roster.log() == before


def test_a_failed_run_that_never_began_begins_when_it_is_delivered_again(roster: Roster) -> None:
    """D4: the row then shows the run, and keeps the time of the first attempt."""
    run = uuid4()
    begin(roster, run, "certification_expiry", "failed")
    (failed,) = roster.log()
    roster.db.execute(
        "select * from begin_execution('certification_expiry', %s, %s, 'schedule', 'event 1',"
        " 'running', %s)",
        (run, ORG, TODAY),
    )
    (row,) = roster.log()
    assert (row["status"], row["finished_at"], row["error"], row["as_of"]) == (
        "running", None, None, TODAY,
    )  # fmt: skip
    assert row["started_at"] == failed["started_at"]
    finish(roster, run, effect=1, errors=0, job_name="certification_expiry")
    (row,) = roster.log()
    assert (row["status"], row["paused_count"]) == ("completed", 1)


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_run_that_has_counts_does_not_begin_again(roster: Roster, status: str) -> None:
    """D4: its first end stays."""
    run = uuid4()
    begin(roster, run, "certification_expiry")
    roster.db.execute("select * from finish_execution(%s, %s, 0, 0, 0, 0)", (run, status))
    before = roster.log()
    begin(roster, run, "certification_expiry")
    begin(roster, run, "certification_expiry", "failed")
    assert roster.log() == before
