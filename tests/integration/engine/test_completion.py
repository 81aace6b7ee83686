"""Completing a run (E7, E8, E11): it may be repeated, and it always ends."""

import pytest

from mentor_pause.domain.runs import Run
from support.delivery import deliver_for
from support.faults import ProcessDied
from support.monitor import Monitor
from support.night import Message, Night, run_id
from support.roster import Roster
from support.row_faults import fail_with


def test_a_bus_that_is_down_does_not_keep_the_run_open(night: Night, roster: Roster) -> None:
    """E8, E11: the missing announcement is an error in the log."""
    roster.add_mentors(1)
    night.fire()
    (message,) = night.receive()
    night.plan.then("before", "before", "before", after=14)
    assert night.deliver(message)
    assert [row["status"] for row in roster.log()] == ["completed"]
    assert (night.events.details, len(night.lines("event not published"))) == ([], 1)


CALLS = {
    "find_run": "get_item",
    "find_page": "get_item",
    "pause_the_first_mentor": "update_mentor_status",
    "pause_the_second_mentor": "update_mentor_status",
    "close_the_page": "update_item",
    "add_it_to_its_shard": "update_item",
    "mark_the_run_as_active": "update_item",
    "claim_completion": "update_item",
    "release_the_lock": "update_item",
    "find_the_checkpoint": "get_item",
    "read_the_pages": "batch_get_item",
    "notify_coordinators": "notify_coordinators_page",
    "find_the_present_day": "get_org_day",
    "write_warnings": "write_warnings",
    "finish_execution": "finish_execution",
    "publish_the_event": "put_events",
    "end_run": "update_item",
    "remove_open_run": "update_item",
}
"""Each outside call of a worker that processes two mentors and completes their run, in order."""


def last_page(night: Night, roster: Roster) -> Message:
    """Start a run of two mentors on one page."""
    roster.add_mentors(2)
    roster.add_coordinator(chapters=[roster.chapter_id])
    night.fire()
    (message,) = night.receive()
    return message


def test_a_worker_completes_a_run_with_these_calls(night: Night, roster: Roster) -> None:
    """E8: so a worker of the next test dies after each of them."""
    message = last_page(night, roster)
    night.plan.then()
    assert night.deliver(message)
    assert night.plan.called == list(CALLS.values())


@pytest.mark.parametrize("last_call", CALLS)
def test_a_run_completes_although_its_worker_dies_after_a_call(
    night: Night, roster: Roster, last_call: str
) -> None:
    """E8: the message was not acknowledged, so it comes again."""
    message = last_page(night, roster)
    night.plan.then("dies after", after=list(CALLS).index(last_call))
    with pytest.raises(ProcessDied):
        night.deliver(message)
    night.clock.advance(400)
    assert night.deliver(message, receive_count=2)
    assert {s["paused_count"] for s in night.summaries()} == {2}
    assert [row["status"] for row in roster.log()] == ["completed"]
    assert len(roster.rows("select from coordinator_notifications")) == 1
    assert night.fire("night-2")["status"] == "completed"


def found_run(night: Night) -> Run:
    """Return the run of the first trigger."""
    run = night.ledger.find_run(run_id())
    assert run is not None
    return run


def test_who_meets_another_completing_the_run_comes_again(night: Night, roster: Roster) -> None:
    """E8: not acknowledged until the run has ended, in case the other one dies."""
    roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    assert night.ledger.claim_completion(found_run(night), "somebody")
    assert night.deliver(message)
    assert (night.sqs.delays, night.summaries()) == ([60], [])
    night.clock.advance(61)
    night.work_off()
    assert len(night.summaries()) == 1


def test_a_failed_page_whose_run_another_completes_stays_in_the_dead_letter_queue(
    night: Night, roster: Roster
) -> None:
    """E8: a worker may send to its own queue alone."""
    roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    assert night.ledger.claim_completion(found_run(night), "another")
    assert not night.deliver(message, dead=True)
    assert (night.sqs.delays, night.sqs.handed_back) == ([], [60])


def test_a_run_whose_coordinators_cannot_be_notified_ends_some_time(
    monitor: Monitor, roster: Roster
) -> None:
    """E8: 57014 counts as waiting; the row says running, and there is no summary line."""
    night = monitor.night
    mentor, *_ = roster.add_mentors(3)
    roster.add_coordinator(chapters=[roster.chapter_id])
    fail_with(roster, mentor, "57014")
    roster.db.execute("drop trigger odd on peer_mentors")
    roster.db.execute(
        "create trigger odd before insert on messages for each row execute function public.odd()"
    )
    night.fire()
    for _ in range(6):
        deliver_for(night, 60)
        monitor()
    assert [row["status"] for row in roster.log()] == ["completed"]
