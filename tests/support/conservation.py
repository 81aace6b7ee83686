"""The conservation check: what must hold after any night, however it went."""

from collections import Counter
from typing import Any
from uuid import UUID

from support.night import Night
from support.roster import Roster


def check_conservation(night: Night, roster: Roster, job_run_id: UUID) -> None:
    """Check one run against the database, the ledger, the log lines and the events.

    Every mentor that was dispatched is in exactly one of paused, skipped and errored; there is
    one history row for each change and none without one; the run has ended once, with one row,
    and says everywhere the same.
    """
    run = night.ledger.find_run(job_run_id)
    assert run is not None
    assert run.status != "running"
    dispatched = [m for page in night.ledger.pages(job_run_id) for m in page.mentor_ids]
    assert max(Counter(dispatched).values(), default=1) == 1

    history = [row["mentor_id"] for row in roster.history() if row["job_run_id"] == job_run_id]
    assert max(Counter(history).values(), default=1) == 1
    assert {m for m in dispatched if roster.status(m) == "paused"} == set(history)

    summaries = [s for s in night.summaries() if s["job_run_id"] == str(job_run_id)]
    assert summaries, "no summary line"
    assert all(s == summaries[0] for s in summaries), "two summary lines that differ"
    (summary,) = summaries[:1]
    assert summary["processed_count"] == len(dispatched)
    assert summary["processed_count"] == (
        summary["paused_count"] + summary["skipped_count"] + summary["error_count"]
    )
    assert set(summary["mentor_ids_paused"]) == {str(m) for m in history}
    assert not set(summary["mentor_ids_paused"]) & set(summary["mentor_ids_errored"])

    _check_what_others_see(night, roster, job_run_id, summary)
    assert bool(_told(roster, job_run_id)) == bool(history)


def _check_what_others_see(
    night: Night, roster: Roster, job_run_id: UUID, summary: dict[str, Any]
) -> None:
    """The log row and the event say what the summary says."""
    run = night.ledger.find_run(job_run_id)
    assert run is not None
    (row,) = [
        r
        for r in roster.log()
        if r["job_run_id"] == job_run_id and r["status"] not in ("duplicate", "refused")
    ]
    assert row["status"] in (run.status, "failed")
    if row["processed_count"] is not None:
        assert row["paused_count"] == summary["paused_count"]
    announced = [e for e in night.events.details if e["job_run_id"] == str(job_run_id)]
    assert announced or night.lines("run not announced")
    assert all(e["paused_count"] == summary["paused_count"] for e in announced)


def _told(roster: Roster, job_run_id: UUID) -> Counter[UUID]:
    """Count the notifications of a run by coordinator; none is told twice."""
    rows = roster.rows("select * from coordinator_notifications where job_run_id = %s", job_run_id)
    told = Counter(row["coordinator_id"] for row in rows)
    assert max(told.values(), default=1) == 1
    return told
