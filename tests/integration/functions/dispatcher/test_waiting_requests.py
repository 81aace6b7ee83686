"""A run request that waits: it starts its run once, and no other request takes its place (R5)."""

from datetime import timedelta
from typing import Any

import pytest

from dispatcher.handle_request import RequestHandler
from mentor_pause.aws.queues import WaitingRequests
from mentor_pause.errors import ConfigurationError
from support.faults import failures
from support.night import JOB, Night
from support.roster import ORG, TODAY, Roster


def test_a_run_by_hand_about_fewer_mentors_does_not_end_a_night_that_waits(
    night: Night, roster: Roster
) -> None:
    """R5: the night's request comes back, is a duplicate, and nobody was paused."""
    mentors = roster.add_mentors(7)
    # acquire, find, scope, open, get, begin; list + plan; then three tries to list
    night.plan.then(*failures(3), after=8)
    assert night.fire()["status"] == "waiting"
    night.plan.then()
    night.clock.advance(50)
    night.fire("by-hand", as_of=TODAY - timedelta(days=700), trigger="manual")
    night.work_off()
    for _ in range(30):
        night.clock.advance(60)
        for request in night.waiting():
            night.deliver_waiting(request)
        night.work_off()
    assert {roster.status(m) for m in mentors} == {"paused"}


def test_a_night_waits_for_its_configuration(night: Night, roster: Roster) -> None:
    """R3, R5: as it waits for a wrong password (DatabaseMisconfigured)."""
    mentors = roster.add_mentors(3)

    def broken() -> Any:
        raise ConfigurationError("the secret x cannot be read: ResourceNotFoundException")

    RequestHandler(
        broken, lambda: night.database, lambda: WaitingRequests(night.sqs, night.waiting_url),  # pyright: ignore[reportArgumentType]
        lambda: ORG, night.clock, night.logger,
    )({"job_name": JOB, "trigger": "schedule", "trigger_id": "night-1"}, "i")  # fmt: skip
    night.clock.advance(1800)
    for request in night.waiting():
        night.deliver_waiting(request)
    night.work_off()
    assert {roster.status(m) for m in mentors} == {"paused"}


@pytest.mark.parametrize("since", ["2026-03-01T00:00:00", "9999-01-01T00:00:00Z"])
def test_no_event_says_since_when_it_waits(night: Night, roster: Roster, since: str) -> None:
    """D4, D5: TypeError leaves the handler; or it comes again for ever, and has no row."""
    roster.add_mentors(3)
    night.fire("other", trigger="manual")
    event: Any = {
        "job_name": JOB, "trigger": "schedule", "trigger_id": "x", "waiting_since": since
    }  # fmt: skip
    night.handle(event)
    assert len(roster.log()) == 2


def test_a_dry_run_and_a_real_run_of_one_trigger_are_two_runs(night: Night, roster: Roster) -> None:
    """R5: dry runs hold nothing that a real run needs; needs lambda:InvokeFunction."""
    mentors = roster.add_mentors(3)
    night.fire("t", dry_run=True)
    night.work_off()
    night.fire("t")
    night.work_off()
    assert {roster.status(m) for m in mentors} == {"paused"}


def test_a_second_copy_of_a_request_that_failed_is_a_duplicate(
    night: Night, roster: Roster
) -> None:
    """It comes back each minute for 23 hours, and may start what was answered as failed."""
    roster.add_mentors(3)
    roster.db.execute("update organisations set slug = 'other'")
    assert night.fire()["status"] == "failed"
    event = {
        "job_name": JOB, "trigger": "schedule", "trigger_id": "night-1",
        "waiting_since": "2026-03-01T02:00:00Z",
    }  # fmt: skip
    night.clock.advance(60)
    assert night.handle(event)["status"] == "duplicate"
