"""The next holder of a lock ends the runs that were abandoned before it (E8)."""

import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.lock import Lock
from support.faults import ProcessDied
from support.night import JOB, LEASES, Night, run_id
from support.roster import ORG, TODAY, Roster


def test_the_next_trigger_ends_a_run_that_was_abandoned_while_paging(
    night: Night, roster: Roster
) -> None:
    """E8: the abandoned run's mentors are in its summary.

    The new run takes the mentors who are left.
    """
    mentors = roster.add_mentors(35)
    roster.add_coordinator(chapters=[roster.chapter_id])
    night.plan.then("dies before", after=29)  # ten pages are sent, an eleventh is planned
    with pytest.raises(ProcessDied):
        night.fire()
    night.work_off()
    assert night.summaries() == []
    night.clock.advance(LEASES.dispatch)
    assert night.fire("night-2")["status"] == "running"
    night.work_off()
    first, second = night.summaries()
    assert (first["job_run_id"], second["job_run_id"]) == (str(run_id()), str(run_id("night-2")))
    assert (first["paused_count"], second["paused_count"]) == (30, 5)
    assert sorted(first["mentor_ids_paused"] + second["mentor_ids_paused"]) == [
        str(mentor) for mentor in mentors
    ]
    assert [row["status"] for row in roster.log()] == ["failed", "completed"]
    assert "took over" in roster.log()[0]["error"]
    assert len(roster.rows("select from coordinator_notifications")) == 2


def test_a_run_that_was_opened_and_has_no_row_gets_one_when_it_is_ended(
    night: Night, roster: Roster
) -> None:
    """D4, E8: an earlier version opened a run before it wrote the row, and could die between."""
    roster.add_mentors(2)
    night.plan.then("dies before", after=4)  # acquire, find, scope, day; then begin
    with pytest.raises(ProcessDied):
        night.fire("night-1")
    assert roster.log() == []
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "rule")
    night.clock.advance(60)
    lock = night.ledger.locks.acquire(trigger, "other", 45)
    assert isinstance(lock, Lock)
    night.ledger.open_run(lock, TODAY)
    night.clock.advance(120)
    night.fire("night-2")
    night.work_off()
    rows = {row["job_run_id"]: row for row in roster.log()}
    first = rows[run_id("night-1")]
    assert (first["status"], first["processed_count"], first["as_of"]) == ("failed", 0, TODAY)
    assert rows[run_id("night-2")]["paused_count"] == 2
