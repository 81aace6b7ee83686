"""Mentors who are paused after their page has failed are reported (E11)."""

from dataclasses import replace

import pytest

from mentor_pause.domain.messages import MentorPage
from mentor_pause.engine.requeue import PageResult
from mentor_pause.retry import Remaining
from support.faults import ProcessDied
from support.monitor import PATIENCE, RUN_LEASE, Monitor
from support.night import run_id
from support.roster import Roster


def test_who_is_paused_after_their_page_was_given_up_is_made_known(
    monitor: Monitor, roster: Roster
) -> None:
    """E11: the coordinator hears of it, and the log has it; said once is said of the run."""
    (mentor,) = roster.add_mentors(1)
    coordinator = roster.add_coordinator(mentors=[mentor])
    night = monitor.night
    night.fire()
    (message,) = night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)
    pause = night.consume.work

    def slow(page: MentorPage, remaining: Remaining) -> PageResult:
        assert monitor()["hung_runs"] == {str(run_id()): True}
        return pause(page, remaining)

    night.consume = replace(night.consume, work=slow)
    assert night.deliver(message)
    assert [row["mentor_id"] for row in roster.history()] == [mentor]
    (told,) = roster.rows("select * from coordinator_notifications")
    assert (told["coordinator_id"], told["mentor_ids"]) == (coordinator, [mentor])
    (line,) = night.lines("processed after the page had failed")
    assert line["mentor_ids"] == [str(mentor)]
    assert len(night.summaries()) == 1


def test_who_was_told_of_a_run_hears_of_those_who_were_paused_after_its_end(
    monitor: Monitor, roster: Roster
) -> None:
    """E11: one notification, which grows; also when the worker died, and its page comes again."""
    mentors = roster.add_mentors(6)
    roster.add_coordinator(mentors=mentors)
    night = monitor.night
    night.fire()
    first, second = night.receive()
    assert night.deliver(first)
    night.clock.advance(RUN_LEASE + PATIENCE)
    pause = night.consume.work

    def given_up_and_killed(page: MentorPage, remaining: Remaining) -> PageResult:
        assert monitor()["hung_runs"] == {str(run_id()): True}
        pause(page, remaining)
        raise ProcessDied

    night.consume = replace(night.consume, work=given_up_and_killed)
    with pytest.raises(ProcessDied):
        night.deliver(second)
    (told,) = roster.rows("select * from coordinator_notifications")
    assert told["mentor_ids"] == mentors[:3]
    assert night.deliver(second)
    (grown,) = roster.rows("select * from coordinator_notifications")
    assert grown["mentor_ids"] == mentors
    assert grown["created_at"] > told["created_at"]
    (line,) = night.lines("processed after the page had failed")
    assert line["mentor_ids"] == [str(mentor) for mentor in mentors[3:]]


def test_a_worker_that_ends_together_with_its_run_is_heard_of(
    monitor: Monitor, roster: Roster
) -> None:
    """E11: who gave its page up has told the coordinators already, and ends the run just now."""
    mentors = roster.add_mentors(3)
    roster.add_coordinator(mentors=mentors)
    night = monitor.night
    night.fire()
    (message,) = night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)
    run_ends = lambda: night.ledger.end_run(run_id(), "failed")  # noqa: E731

    def given_up() -> None:
        night.plan.then("dies before", after=22)  # it has claimed the end, and told whom it knew of
        with pytest.raises(ProcessDied):
            monitor()
        assert roster.rows("select from coordinator_notifications") == []
        # three mentors, close, note, claim, which somebody has; then find the run
        night.plan.before_call(7, run_ends)

    pause = night.consume.work

    def overtaken(page: MentorPage, remaining: Remaining) -> PageResult:
        given_up()
        return pause(page, remaining)

    night.consume = replace(night.consume, work=overtaken)
    night.deliver(message)
    (told,) = roster.rows("select * from coordinator_notifications")
    assert told["mentor_ids"] == mentors
