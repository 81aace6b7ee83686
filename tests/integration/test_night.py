"""A whole night without failures, from the trigger to the summary (D, E)."""

from datetime import timedelta

from support.night import Night, run_id
from support.roster import TOMORROW, YESTERDAY, Roster


def test_a_night_pauses_the_expired_mentors_and_reports_them(night: Night, roster: Roster) -> None:
    """E1-E3, E7, E11: summary, execution log, history, event and notification."""
    expired = roster.add_mentors(7)
    roster.add_mentor(TOMORROW)
    coordinator = roster.add_coordinator(chapters=[roster.chapter_id])
    assert night.fire()["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert summary == {
        "job_run_id": str(run_id()),
        "processed_count": 7,
        "paused_count": 7,
        "skipped_count": 0,
        "error_count": 0,
        "errors": [],
        "mentor_ids_paused": [str(mentor) for mentor in expired],
        "mentor_ids_errored": [],
    }
    assert [row["mentor_id"] for row in roster.history()] == expired
    (row,) = roster.log()
    assert (row["status"], row["paused_count"], row["trigger"]) == ("completed", 7, "schedule")
    (notification,) = roster.rows("select * from coordinator_notifications")
    assert (notification["coordinator_id"], notification["mentor_ids"]) == (coordinator, expired)
    (event,) = night.events.details
    assert (event["job_run_id"], event["paused_count"]) == (str(run_id()), 7)


def test_a_night_without_expired_mentors_completes_at_once(night: Night, roster: Roster) -> None:
    """E8: the dispatcher completes the run."""
    roster.add_mentor(TOMORROW)
    assert night.fire()["status"] == "completed"
    assert [s["processed_count"] for s in night.summaries()] == [0]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_second_run_on_the_same_day_pauses_nobody(night: Night, roster: Roster) -> None:
    """E9: all mentors are paused already."""
    roster.add_mentors(4)
    night.fire()
    night.work_off()
    assert night.fire("night-2")["status"] == "completed"
    assert [s["paused_count"] for s in night.summaries()] == [4, 0]
    assert len(roster.history()) == 4


def test_logs_hold_no_personal_data_and_no_certification(night: Night, roster: Roster) -> None:
    """E13: the log names mentors and runs by id, and no expiry date."""
    mentor = roster.add_mentor(YESTERDAY - timedelta(days=3))
    roster.fail_for(roster.add_mentor(YESTERDAY))
    coordinator = roster.add_coordinator(mentors=[mentor])
    night.fire()
    night.work_off()
    text = night.output.getvalue()
    assert str(mentor) in text
    for secret in (str(coordinator), str(YESTERDAY), str(YESTERDAY - timedelta(days=3))):
        assert secret not in text
