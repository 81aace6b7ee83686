"""The sample events in `events/` are what the functions read."""

import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local.places import ROOT
from local.samples import with_sample_mentor
from local.seed import make_roster
from mentor_pause.aws.lambda_events import is_sqs_batch
from mentor_pause.domain.jobs import JOBS, STARTABLE
from mentor_pause.domain.messages import DispatchRequest, MentorPage, RunCompleted
from notify.delivery_events import DeliveryEvent

EVENTS = ROOT / "events"


def test_every_job_has_a_nightly_event_and_a_page() -> None:
    """One for each function and event source."""
    names = {file.name for file in EVENTS.glob("*.json")}
    kinds = ("nightly", "page", "dead_page")
    assert {f"{job}_{kind}.json" for job in STARTABLE for kind in kinds} <= names
    assert {f"{job}_request.json" for job in JOBS.keys() - STARTABLE} <= names
    assert {"portal_drift_hourly.json", "monitor_hourly.json"} <= names  # they read none of it
    requests = ("get_plan", "get_run", "list_jobs", "list_runs", "approve_plan", "why")
    assert {f"http_{what}.json" for what in requests} <= names
    assert {f"notifier_{what}.json" for what in ("after_run", "hourly", "delivery", "bounce")} <= (
        names
    )


def read(event: dict[str, Any]) -> str:
    """Return the job that an event is for, read as the function reads it."""
    if "Records" in event:
        return MentorPage.parse(event["Records"][0]["body"]).job_name
    return DispatchRequest.parse(event).job_name


def test_the_samples_mentor_is_an_expired_one_of_any_roster() -> None:
    """So that the page sample pauses them, also when the roster is made on a later day."""
    plain = make_roster(uuid4(), 200, 50, 7, date(2031, 3, 1))
    roster = with_sample_mentor(plain)
    (new,) = set(roster.mentors) - set(plain.mentors)
    (old,) = set(plain.mentors) - set(roster.mentors)
    page = json.loads((EVENTS / "certification_expiry_page.json").read_text())
    body = MentorPage.parse(page["Records"][0]["body"])
    assert (new.id,) == body.mentor_ids
    assert new.is_expired_by(body.as_of)
    assert old.is_expired_by(date(2031, 3, 1))
    assert (len(roster.mentors), len(roster.assignments)) == (200, len(plain.assignments))
    assert {mentor for mentor, _ in roster.assignments} <= {m.id for m in roster.mentors}
    assert {c.person_id for c in roster.mentor_contacts} == {m.id for m in roster.mentors}


def test_a_roster_without_an_expired_mentor_stays_as_it_is() -> None:
    """There is nobody to stand for."""
    roster = make_roster(uuid4(), 10, 0, 1, date(2026, 3, 1))
    assert with_sample_mentor(roster) == roster


@pytest.mark.parametrize(
    "file",
    sorted(file for job in JOBS for file in EVENTS.glob(f"{job}_*.json")),
    ids=lambda file: file.stem,
)
def test_a_sample_event_is_understood(file: Path) -> None:
    """Dispatcher events as they are, pages as SQS records."""
    assert file.name.startswith(read(json.loads(file.read_text())))


@pytest.mark.parametrize(
    ("file", "states"),
    [("notifier_delivery", ["sent", "delivered"]), ("notifier_bounce", ["bounced"])],
)
def test_the_notifier_understands_the_samples_of_ses(file: str, states: list[str]) -> None:
    """W4: each record is one event. No sample holds an address (W5)."""
    text = (EVENTS / f"{file}.json").read_text()
    assert "@" not in text
    event = json.loads(text)
    assert is_sqs_batch(event)
    events = [DeliveryEvent.model_validate_json(r["body"]) for r in event["Records"]]
    assert [e.state for e in events] == states


def test_the_notifiers_other_samples_are_no_batches() -> None:
    """One is the event of a run that was not dry, the other the schedule's."""
    after_run, hourly = (
        json.loads((EVENTS / f"notifier_{name}.json").read_text())
        for name in ("after_run", "hourly")
    )
    assert not is_sqs_batch(after_run)
    assert not is_sqs_batch(hourly)
    assert RunCompleted.model_validate(after_run["detail"]).dry_run is False
