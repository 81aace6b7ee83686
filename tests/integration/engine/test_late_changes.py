"""Mentors who are paused after their page has failed are reported (E11)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.completion import Batches
from mentor_pause.engine.requeue import PageResult
from mentor_pause.retry import Remaining
from support.faults import ProcessDied
from support.monitor import PATIENCE, RUN_LEASE, Monitor
from support.night import Night, run_id
from support.roster import ORG, TODAY, Roster


def test_a_mentor_who_is_paused_after_their_page_failed_is_reported(
    monitor: Monitor, roster: Roster
) -> None:
    """E11: the coordinator is notified, and the log has a line. The run has only one summary."""
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
    (notification,) = roster.rows("select * from coordinator_notifications")
    assert (notification["coordinator_id"], notification["mentor_ids"]) == (coordinator, [mentor])
    (line,) = night.lines("processed after the page had failed")
    assert line["mentor_ids"] == [str(mentor)]
    assert len(night.summaries()) == 1


def test_a_notification_grows_by_the_mentors_who_are_paused_after_the_end(
    monitor: Monitor, roster: Roster
) -> None:
    """E11: also when the worker dies, and its page is delivered again."""
    mentors = roster.add_mentors(6)
    roster.add_coordinator(mentors=mentors)
    night = monitor.night
    night.fire()
    first, second = night.receive()
    assert night.deliver(first)
    night.clock.advance(RUN_LEASE + PATIENCE)
    pause = night.consume.work

    def failed_and_killed(page: MentorPage, remaining: Remaining) -> PageResult:
        assert monitor()["hung_runs"] == {str(run_id()): True}
        pause(page, remaining)
        raise ProcessDied

    night.consume = replace(night.consume, work=failed_and_killed)
    with pytest.raises(ProcessDied):
        night.deliver(second)
    (notification,) = roster.rows("select * from coordinator_notifications")
    assert notification["mentor_ids"] == mentors[:3]
    assert night.deliver(second)
    (grown,) = roster.rows("select * from coordinator_notifications")
    assert grown["mentor_ids"] == mentors
    assert grown["created_at"] > notification["created_at"]
    (line,) = night.lines("processed after the page had failed")
    assert line["mentor_ids"] == [str(mentor) for mentor in mentors[3:]]


def test_a_worker_that_ends_at_the_same_moment_as_its_run_is_reported(
    monitor: Monitor, roster: Roster
) -> None:
    """E11: the monitor has failed the page, and ends the run while the worker closes it."""
    mentors = roster.add_mentors(3)
    roster.add_coordinator(mentors=mentors)
    night = monitor.night
    night.fire()
    (message,) = night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)
    run_ends = lambda: night.ledger.end_run(run_id(), "failed")  # noqa: E731

    def fail_the_page() -> None:
        # claim the completion, and notify the coordinators: no change has been made yet
        night.plan.then("dies before", after=25)
        with pytest.raises(ProcessDied):
            monitor()
        assert roster.rows("select from coordinator_notifications") == []
        # three mentors, close, mark, claim, which the monitor has; then find the run
        night.plan.before_call(7, run_ends)

    pause = night.consume.work

    def overtaken(page: MentorPage, remaining: Remaining) -> PageResult:
        fail_the_page()
        return pause(page, remaining)

    night.consume = replace(night.consume, work=overtaken)
    night.deliver(message)
    (notification,) = roster.rows("select * from coordinator_notifications")
    assert notification["mentor_ids"] == mentors


def test_every_late_mentor_of_a_page_is_notified(monitor: Monitor, roster: Roster) -> None:
    """E11: also if mentors between them were counted before the page was closed as failed."""
    mentors = roster.add_mentors(3)
    roster.add_coordinator(mentors=mentors)
    night = monitor.night
    night.fire()
    (message,) = night.receive()
    night.database.pause_expired(mentors[1], ORG, run_id(), TODAY)
    night.ledger.pages.save_progress(run_id(), 1, PageOutcome(applied=(mentors[1],)))
    night.clock.advance(RUN_LEASE + PATIENCE)
    pause = night.consume.work

    def ended_meanwhile(page: MentorPage, remaining: Remaining) -> PageResult:
        assert monitor()["hung_runs"] == {str(run_id()): True}
        return pause(page, remaining)

    night.consume = replace(night.consume, work=ended_meanwhile)
    assert night.deliver(message)
    (notified,) = roster.rows("select * from coordinator_notifications")
    assert notified["mentor_ids"] == mentors


def test_only_mentors_whom_the_run_has_paused_are_late(monitor: Monitor, roster: Roster) -> None:
    """E11: one of the page was renewed meanwhile; of the next page both were."""
    first, second, third, fourth = roster.add_mentors(4)
    roster.add_coordinator(mentors=[first, second, third, fourth])
    night = monitor.night
    night.fire()
    messages = night.receive()
    for mentor in (second, third, fourth):
        roster.certify(mentor, TODAY + timedelta(300))
    night.clock.advance(RUN_LEASE + PATIENCE)
    pause = night.consume.work
    answers = list[object]()

    def ended_meanwhile(page: MentorPage, remaining: Remaining) -> PageResult:
        if not answers:
            answers.append(monitor()["hung_runs"])
        return pause(page, remaining)

    night.consume = replace(night.consume, work=ended_meanwhile)
    for message in messages:
        assert night.deliver(message)
    assert answers == [{str(run_id()): True}]
    (notified,) = roster.rows("select * from coordinator_notifications")
    assert notified["mentor_ids"] == [first]
    (line,) = night.lines("processed after the page had failed")
    assert line["mentor_ids"] == [str(first)]


def test_a_late_worker_that_ends_the_run_itself_corrects_it(
    monitor: Monitor, roster: Roster
) -> None:
    """E8, E11: the monitor has added up the failed page, and left the rest to the next caller."""
    mentors = roster.add_mentors(6)
    roster.add_coordinator(mentors=mentors)
    night = monitor.night
    night.fire()
    first, second = night.receive()
    assert night.deliver(second)
    night.clock.advance(RUN_LEASE + PATIENCE)
    pause, recovery = night.consume.work, monitor.hung.recovery
    left = iter([60.0])
    completion = replace(
        recovery.completion,
        batches=Batches(ids_per_line=1, pages=1, notified=1),
        seconds_left=lambda: next(left, 0.0),
    )
    monitor.hung = replace(monitor.hung, recovery=replace(recovery, completion=completion))

    def added_up_meanwhile(page: MentorPage, remaining: Remaining) -> PageResult:
        assert monitor()["hung_runs"] == {str(run_id()): False}
        return pause(page, remaining)

    night.consume = replace(night.consume, work=added_up_meanwhile)
    assert night.deliver(first)
    night.work_off()
    (row,) = roster.log()
    (notified,) = roster.rows("select * from coordinator_notifications")
    assert (row["paused_count"], notified["mentor_ids"]) == (6, mentors)


def test_nothing_is_asked_about_nobody(night: Night, roster: Roster) -> None:
    """E11: a worker that processed no late mentor reports none, without a call."""
    roster.add_mentors(1)
    night.fire()
    run = night.ledger.find_run(run_id())
    assert run is not None
    night.plan.then()
    night.engine.completion.report_late_changes(run, [])
    assert night.plan.called == []
