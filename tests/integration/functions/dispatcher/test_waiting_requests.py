"""A waiting run request starts its run exactly once, and no other request replaces it (R5)."""

from datetime import timedelta
from typing import Any

import pytest

from dispatcher.handle_request import RequestHandler
from mentor_pause.aws.queues import WaitingRequests
from mentor_pause.errors import ConfigurationError
from support.faults import failures
from support.night import JOB, Night
from support.roster import ORG, TODAY, Roster


def test_a_manual_run_about_fewer_mentors_does_not_end_a_waiting_night(
    night: Night, roster: Roster
) -> None:
    """R5: otherwise the night's request would be a duplicate, and no mentor would be paused."""
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
    """R3, R5: as it waits for a correct password (DatabaseMisconfigured)."""
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
def test_an_event_cannot_set_the_start_of_its_waiting_time(
    night: Night, roster: Roster, since: str
) -> None:
    """D4, D5: otherwise the handler could raise, or the request could wait for ever."""
    roster.add_mentors(3)
    night.fire("other", trigger="manual")
    event: Any = {
        "job_name": JOB, "trigger": "schedule", "trigger_id": "x", "waiting_since": since
    }  # fmt: skip
    night.handle(event)
    assert len(roster.log()) == 2


def test_a_dry_run_and_a_real_run_of_one_trigger_are_two_runs(night: Night, roster: Roster) -> None:
    """R5: a dry run must not block the real run of its trigger."""
    mentors = roster.add_mentors(3)
    night.fire("t", dry_run=True)
    night.work_off()
    night.fire("t")
    night.work_off()
    assert {roster.status(m) for m in mentors} == {"paused"}


def test_a_second_copy_of_a_request_that_failed_is_a_duplicate(
    night: Night, roster: Roster
) -> None:
    """Otherwise the copy could start a run 23 hours after the answer said that it had failed."""
    roster.add_mentors(3)
    roster.db.execute("update organisations set slug = 'other'")
    assert night.fire()["status"] == "failed"
    event = {
        "job_name": JOB, "trigger": "schedule", "trigger_id": "night-1",
        "waiting_since": "2026-03-01T02:00:00Z",
    }  # fmt: skip
    night.clock.advance(60)
    assert night.handle(event)["status"] == "duplicate"
