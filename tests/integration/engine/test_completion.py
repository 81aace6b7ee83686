"""Completing a run (E7, E8, E11): it may be repeated, and it always ends."""

import pytest

from support.delivery import deliver_for
from support.faults import ProcessDied
from support.monitor import Monitor
from support.night import Night, run_id
from support.roster import Roster
from support.row_faults import fail_with


def test_a_bus_that_is_down_does_not_keep_the_run_open(night: Night, roster: Roster) -> None:
    """E8, E11: the missing announcement is an error in the log."""
    roster.add_mentors(1)
    night.fire()
    (message,) = night.receive()
    night.plan.then("before", "before", "before", after=10)
    assert night.deliver(message)
    assert [row["status"] for row in roster.log()] == ["completed"]
    assert (night.events.details, len(night.lines("event not published"))) == ([], 1)


@pytest.mark.parametrize("calls_before", range(12))
def test_whoever_dies_while_completing_the_run_is_replaced(
    night: Night, roster: Roster, calls_before: int
) -> None:
    """E8: the message was not acknowledged, so it comes again."""
    roster.add_mentors(2)
    roster.add_coordinator(chapters=[roster.chapter_id])
    night.fire()
    (message,) = night.receive()
    night.plan.then("dies after", after=calls_before)
    with pytest.raises(ProcessDied):
        night.deliver(message)
    night.clock.advance(400)
    assert night.deliver(message, receive_count=2)
    assert {s["paused_count"] for s in night.summaries()} == {2}
    assert [row["status"] for row in roster.log()] == ["completed"]
    assert len(roster.rows("select from coordinator_notifications")) == 1
    assert night.fire("night-2")["status"] == "completed"


def test_who_meets_another_completing_the_run_comes_again(night: Night, roster: Roster) -> None:
    """E8: not acknowledged until the run has ended, in case the other one dies."""
    roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    assert night.ledger.claim_completion(run_id(), "somebody")
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
    assert night.ledger.claim_completion(run_id(), "another")
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
        "create trigger odd before insert on coordinator_notifications for each row"
        " execute function public.odd()"
    )
    night.fire()
    for _ in range(6):
        deliver_for(night, 60)
        monitor()
    assert [row["status"] for row in roster.log()] == ["completed"]
