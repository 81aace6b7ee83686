"""A dispatcher that dies or loses its lock is replaced (D6, D7)."""

from datetime import timedelta
from uuid import uuid4

import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.errors import LeaseLost
from mentor_pause.ledger.lock import Lock
from support.faults import Fault, ProcessDied
from support.night import JOB, LEASES, Night, run_id
from support.roster import ORG, TODAY, TOMORROW, Roster


@pytest.mark.parametrize("calls_before", range(14))
@pytest.mark.parametrize("how", ["dies before", "dies after"])
def test_a_run_whose_dispatcher_died_is_resumed_with_each_page_once(
    night: Night, roster: Roster, calls_before: int, how: Fault
) -> None:
    """D7: wherever the dispatcher dies, the repeated trigger continues the same run."""
    mentors = roster.add_mentors(8)
    night.plan.then(how, after=calls_before)
    with pytest.raises(ProcessDied):
        night.fire()
    for message in night.receive():  # workers process the sent pages before that
        night.deliver(message)
    night.clock.advance(60)  # Lambda repeats the delivery after a minute
    assert night.fire()["status"] in ("running", "completed")
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert [row["mentor_id"] for row in roster.history()] == mentors
    assert [row["status"] for row in roster.log()] == ["completed"]


@pytest.mark.parametrize("calls_before", range(16))
def test_a_dispatcher_that_loses_an_answer_repeats_the_call_without_effect(
    night: Night, roster: Roster, calls_before: int
) -> None:
    """D7: the first write succeeded, and the repeated call recognises it."""
    mentors = roster.add_mentors(8)
    night.plan.then("after", after=calls_before)
    assert night.fire()["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert [page.number for page in night.ledger.pages.list(run_id())] == [1, 2, 3]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_holder_that_lost_its_lease_cannot_plan_another_page(
    night: Night, roster: Roster
) -> None:
    """D6: the fence prevents the write, whatever the holder's clock says."""
    roster.add_mentors(2)
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "test")
    lock = night.ledger.locks.acquire(trigger, "holder", LEASES.dispatch)
    assert isinstance(lock, Lock)
    night.ledger.open_run(lock, TODAY)
    night.clock.advance(LEASES.dispatch)
    assert night.fire("night-2")["status"] == "running"
    with pytest.raises(LeaseLost):
        night.ledger.plan_page(lock, 1, [uuid4()])
    assert list(night.ledger.pages.list(run_id("night-1"))) == []


def test_a_holder_that_lost_its_lease_cannot_open_its_run(night: Night, roster: Roster) -> None:
    """D6, E8: the new holder has checked the open runs, so no holder would end this run."""
    roster.add_mentors(2)
    fast = night.dispatcher(lambda: night.clock() + timedelta(minutes=2))

    def overtaken() -> None:
        assert night.fire("night-2", dispatch=fast)["status"] == "running"

    night.plan.before_call(6, overtaken)  # acquire, find, scope, day, begin; then open
    assert night.fire("night-1")["status"] == "superseded"
    assert night.ledger.find_run(run_id("night-1")) is None
    night.work_off()
    assert [row["status"] for row in roster.log()] == ["failed", "completed"]


@pytest.mark.parametrize("after", range(16))
def test_wherever_a_dispatcher_dies_the_repeated_trigger_completes_the_run(
    night: Night, roster: Roster, after: int
) -> None:
    """E7, E8: also after it has released its lock. Summary and event are never missing."""
    roster.add_mentor(TOMORROW)
    night.plan.then("dies before", after=after)
    try:
        night.fire()
    except ProcessDied:
        night.clock.advance(60)
        night.plan.then()
        night.fire()
    run = night.ledger.find_run(run_id())
    assert run is not None
    assert run.status == "completed"
    assert [row["status"] for row in roster.log() if row["status"] != "duplicate"] == ["completed"]
    assert (len(night.summaries()) >= 1, len(night.events.details) >= 1) == (True, True)
