"""A dispatcher whose time runs short hands its run over to the next invocation (D7, E8)."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from mentor_pause.database.client import Database, Finished
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import Trigger
from mentor_pause.domain.summary import Totals
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.ledger.lock import RESERVED_SECONDS, lock_key
from support.aws import Message
from support.faults import ProcessDied
from support.large_runs import TRIGGER, closed_run
from support.night import JOB, LEASES, Night, run_id
from support.roster import ORG, TODAY, Roster


class ShortTime:
    """Says that the time of an invocation is short after it has sent some pages."""

    def __init__(self, pages: int) -> None:
        """`pages` is how many pages an invocation can send."""
        self._left = pages

    def __call__(self) -> float:
        """Return many seconds: for the whole time, and after each page but the last one."""
        self._left -= 1
        return 80 if self._left >= 0 else 0


def fire(night: Night, pages: int, trigger_id: str = "night-1", trigger: str = "schedule") -> str:
    """Deliver a trigger to a dispatcher that can send so many pages; return the status."""
    night.seconds_left = ShortTime(pages)
    return night.fire(trigger_id, trigger=trigger)["status"]


def go_on(night: Night, message: Message, pages: int = 1) -> None:
    """Deliver a request that was handed over."""
    night.seconds_left = ShortTime(pages)
    assert night.deliver_waiting(message)


def go_on_until_the_end(night: Night, pages: int = 1) -> int:
    """Deliver the handed over requests until there is none; return how many there were."""
    count = 0
    while requests := night.waiting():
        (request,) = requests
        go_on(night, request, pages)
        count += 1
    return count


def fence(night: Night) -> int:
    """Return the fence of the lock."""
    item = night.ledger.table.get(lock_key(Trigger(JOB, ORG, "manual", "x", "x")), "LOCK")
    assert item is not None
    return int(item["fence"])


@pytest.mark.parametrize("trigger", ["schedule", "manual"])
def test_everybody_is_dispatched_in_one_run_under_one_fence(
    night: Night, roster: Roster, trigger: str
) -> None:
    """D7: ten pages, and an invocation sends two."""
    mentors = roster.add_mentors(30)
    assert fire(night, 2, trigger=trigger) == "running"
    assert go_on_until_the_end(night, 2) == 5
    assert fence(night) == 1
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_no_page_is_sent_twice(night: Night, roster: Roster) -> None:
    """D7: each invocation sends what it has planned before it hands the run over."""
    roster.add_mentors(30)
    fire(night, 3)
    go_on_until_the_end(night, 3)
    assert [page.page for page in night.pages()] == list(range(1, 11))


def test_a_handed_over_request_that_is_delivered_twice_goes_on_once(
    night: Night, roster: Roster
) -> None:
    """D6: SQS may deliver a message twice; the second finds that the lock is not reserved."""
    mentors = roster.add_mentors(9)
    fire(night, 1)
    (request,) = night.waiting()
    go_on(night, request)
    (second,) = night.waiting()
    go_on(night, request)
    (late,) = night.waiting()
    go_on(night, second)
    go_on_until_the_end(night)
    go_on(night, late)
    assert night.waiting() == []
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_killed_invocation_is_replaced_when_its_message_comes_again(
    night: Night, roster: Roster
) -> None:
    """D7: it had taken the lock; its lease runs out, and the next one acquires it."""
    mentors = roster.add_mentors(12)
    fire(night, 1)
    (request,) = night.waiting()
    night.plan.then("dies before", after=5)
    with pytest.raises(ProcessDied):
        night.deliver_waiting(request)
    night.clock.advance(LEASES.dispatch + 1)
    assert night.deliver_waiting(request)
    go_on_until_the_end(night)
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]


def test_another_trigger_does_not_get_a_lock_that_is_handed_over(
    night: Night, roster: Roster
) -> None:
    """D6: the run goes on."""
    roster.add_mentors(9)
    fire(night, 1)
    assert night.fire("person", trigger="manual")["status"] == "refused"
    go_on_until_the_end(night)
    night.work_off()
    assert [row["status"] for row in roster.log()] == ["completed", "refused"]


def test_a_fence_from_outside_does_not_take_a_lock(night: Night, roster: Roster) -> None:
    """R5: only the dispatcher's own queue may say it."""
    roster.add_mentors(9)
    fire(night, 1)
    forged = {
        "job_name": JOB, "trigger": "manual", "trigger_id": "forged", "handed_over_fence": 1,
        "as_of": TODAY.isoformat(),
    }  # fmt: skip
    assert night.handle(forged)["status"] == "refused"


def test_a_run_that_cannot_be_handed_over_is_not_reserved_for_hours(
    night: Night, roster: Roster
) -> None:
    """O2: the queue refuses the request; the lease runs out, and the monitor finds the run."""
    roster.add_mentors(9)
    night.waiting_url += "-that-does-not-exist"
    assert fire(night, 1) == "not queued"
    trigger = Trigger(JOB, ORG, "manual", "x", "x")
    soon = night.clock() + timedelta(seconds=LEASES.dispatch)
    later = soon - timedelta(hours=6)  # the monitor's patience with a reserved lock
    assert night.ledger.locks.find_hung(trigger, soon, later) == {run_id()}


def test_a_run_that_nobody_goes_on_with_is_found_soon(night: Night, roster: Roster) -> None:
    """O2: the dispatcher died before its request was on the queue; nothing waits for hours."""
    roster.add_mentors(9)
    assert fire(night, 1) == "running"
    assert len(night.waiting()) == 1, "this request is lost now"
    trigger = Trigger(JOB, ORG, "manual", "x", "x")
    soon = night.clock() + timedelta(seconds=RESERVED_SECONDS)
    assert night.ledger.locks.find_hung(trigger, soon, soon - timedelta(hours=6)) == {run_id()}


def test_a_completion_goes_on_while_another_run_has_the_lock(night: Night, roster: Roster) -> None:
    """E8: it needs no lock, so it does not wait for that run's end."""
    run = closed_run(night, roster.add_mentors(4), 1)
    roster.add_mentors(1)
    assert night.ledger.claim_completion(run, "somebody")
    night.ledger.locks.release(TRIGGER)
    assert night.fire("another")["status"] == "running"
    night.ledger.return_claim(run.job_run_id, "somebody")
    request = DispatchRequest(
        job_name=JOB, trigger="schedule", trigger_id=TRIGGER.trigger_id,
        waiting_since=night.clock(), handed_over_fence=1,
    )  # fmt: skip
    body = request.model_dump_json(exclude_none=True)
    night.sqs.send_message(QueueUrl=night.waiting_url, MessageBody=body)
    (message,) = night.waiting()
    assert night.deliver_waiting(message)
    found = night.ledger.find_run(run.job_run_id)
    assert found is not None
    assert found.status == "completed"


@dataclass(frozen=True)
class AwayOnce(Database):
    """A database that does not answer once, when a row is to be ended."""

    times: list[int] = field(default_factory=lambda: [1])

    def finish_execution(self, totals: Totals, status: Any, error: str | None) -> Finished:
        """See `Database.finish_execution`."""
        if self.times:
            self.times.pop()
            raise DatabaseUnavailable("no answer")
        return super().finish_execution(totals, status, error)


@pytest.mark.parametrize("trigger", ["schedule", "manual"])
def test_a_dispatcher_that_could_not_complete_its_run_goes_on(
    night: Night, roster: Roster, trigger: str
) -> None:
    """E8: nobody has expired, so no worker would complete the run."""
    recovery = night.dispatch.recovery
    database = AwayOnce(night.transport, night.retry)
    completion = replace(recovery.completion, database=database)
    dispatch = replace(night.dispatch, recovery=replace(recovery, completion=completion))
    assert night.fire(trigger=trigger, dispatch=dispatch)["status"] in ("waiting", "running")
    (request,) = night.waiting()
    night.clock.advance(30)
    assert night.deliver_waiting(request)
    assert [row["status"] for row in roster.log()] == ["completed"]
    assert len(night.events.details) == 1


def test_a_redrive_is_handed_over_too(night: Night, roster: Roster) -> None:
    """D7: it goes on after the last mentor that was sent."""
    mentors = roster.add_mentors(9)
    night.fire("first")
    for message in night.receive():
        night.deliver(message, dead=True)
    event = {"job_name": JOB, "trigger_id": "again", "redrive_of": str(run_id("first"))}
    night.seconds_left = ShortTime(1)
    assert night.handle(event)["status"] == "running"
    go_on_until_the_end(night)
    night.work_off()
    summary = night.summaries()[-1]
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]


def test_a_request_says_under_which_fence_it_goes_on() -> None:
    """R5: a fence is a positive number."""
    request = DispatchRequest.parse({"job_name": JOB, "handed_over_fence": 3})
    assert request.handed_over_fence == 3
