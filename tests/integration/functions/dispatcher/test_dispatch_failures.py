"""The dispatcher loses the database, the queue or its lock (E6 to E8, R3)."""

from datetime import timedelta

import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.lock import Lock, lock_key
from support.faults import ProcessDied, failures
from support.night import JOB, Night, run_id
from support.roster import ORG, Roster


def test_a_manual_run_fails_and_releases_the_lock_while_the_database_is_down(
    night: Night, roster: Roster
) -> None:
    """E6, D5: the answer says so, and the next trigger can start a run."""
    roster.add_mentors(2)
    # acquire, then find_run, then three tries at the scope
    night.plan.then("ok", "ok", "before", "before", "before")
    assert night.fire(trigger="manual")["status"] == "failed"
    assert night.fire("night-2")["status"] == "running"
    assert [row["status"] for row in roster.log()] == ["failed", "running"]


@pytest.mark.parametrize("after", range(2, 14))
def test_a_database_that_is_away_when_the_night_begins_delays_the_night(
    night: Night, roster: Roster, after: int
) -> None:
    """R3, R5: the request waits, and the dispatcher then resumes its run. No mentor is an error."""
    mentors = roster.add_mentors(7)
    night.plan.then(*failures(3), after=after)
    if night.fire()["status"] == "waiting":
        (request,) = night.waiting()
        night.clock.advance(60)
        assert night.deliver_waiting(request)
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_queue_that_is_down_fails_the_run_with_every_mentor_accounted_for(
    night: Night, roster: Roster
) -> None:
    """E8: mentors of unsent pages count as errors, so processed equals dispatched."""
    mentors = roster.add_mentors(5)
    # acquire, find, scope, day, begin, open, get; the plan; list + plan twice, list; then three
    # tries to send
    night.plan.then("before", "before", "before", after=13)
    answer = night.fire(trigger="manual")
    assert answer["status"] == "failed"
    assert "SQS did not accept pages 1, 2" in answer["error"]
    (summary,) = night.summaries()
    assert summary["mentor_ids_errored"] == [str(mentor) for mentor in mentors]
    (group,) = summary["errors"]
    assert group["reason"].startswith("its page was not finished: SQS did not accept pages 1, 2")
    assert [(row["status"], row["error_count"]) for row in roster.log()] == [("failed", 5)]


def test_a_dispatcher_that_lost_the_lock_fails_no_page(night: Night, roster: Roster) -> None:
    """D6: the pages belong to the new lock holder."""
    mentors = roster.add_mentors(5)
    fast = night.dispatcher(lambda: night.clock() + timedelta(minutes=2))

    def overtaken() -> None:
        night.plan.then("dies before", after=2)
        with pytest.raises(ProcessDied):
            night.fire(dispatch=fast)
        night.plan.then(*failures(3))  # then the first dispatcher's three tries to send

    # acquire, find, scope, day, begin, open, get; list + plan twice, list; then send
    night.plan.before_call(13, overtaken)
    assert night.fire(trigger="manual")["status"] == "superseded"
    assert [page.outcome for page in night.ledger.pages.list(run_id())] == [None, None]
    night.clock.advance(300)
    assert night.fire()["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]


def test_a_database_that_goes_away_while_paging_does_not_keep_the_run_open(
    night: Night, roster: Roster
) -> None:
    """E8: workers process the sent pages once the database is back, and complete the run."""
    roster.add_mentors(33)

    def go_away() -> None:
        for function in ("list_planned_mentors", "begin_execution"):
            roster.db.execute(f"alter function {function} rename to {function}_is_away".encode())

    # acquire, find, scope, day, begin, open, get; the plan; list + plan ten times, send; then mark
    night.plan.before_call(30, go_away)
    assert night.fire(trigger="manual")["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert (summary["paused_count"], summary["error_count"]) == (30, 0)
    assert [row["status"] for row in roster.log()] == ["failed"]


def test_a_page_whose_late_write_succeeded_is_counted(night: Night, roster: Roster) -> None:
    """E8, D7: the dispatcher saw a failed write, and counts the planned pages again at the end."""
    mentors = roster.add_mentors(7)

    def lands() -> None:
        found = night.ledger.table.get(lock_key(trigger), "LOCK")
        assert found is not None
        lock = Lock(trigger, int(found["fence"]))
        night.ledger.plan_page(lock, 2, mentors[3:6])

    trigger = Trigger(JOB, ORG, "manual", "night-1", "test")
    # acquire, find, scope, day, begin, open, get; list + plan, list; three tries to plan page 2
    night.plan.then(*failures(3), after=10)
    night.plan.before_call(17, lands)  # find, hold, find; then the end of paging
    assert night.fire(trigger="manual")["status"] == "failed"
    run = night.ledger.find_run(run_id())
    assert run is not None
    assert (run.pages_total, run.closed_through) == (2, 2)
    assert night.summaries()[0]["processed_count"] == 6


def test_a_run_whose_late_opening_succeeded_is_ended_by_the_next_run(
    night: Night, roster: Roster
) -> None:
    """D6, E8: the dispatcher has already reported a failure."""
    roster.add_mentors(2)
    night.plan.then("late", "late", "late", after=5)  # acquire, find, scope, day, begin; then open
    assert night.fire(trigger="manual")["status"] == "failed"
    night.plan.arrive()
    opened = night.ledger.find_run(run_id())
    assert opened is not None
    assert opened.status == "running"
    assert night.fire("night-2")["status"] == "running"
    night.work_off()
    rows = {row["job_run_id"]: row["status"] for row in roster.log()}
    assert rows == {run_id(): "failed", run_id("night-2"): "completed"}
    ended = night.ledger.find_run(run_id())
    assert ended is not None
    assert ended.status == "failed"
