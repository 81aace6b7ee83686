"""The sample events in `events/` are what the functions read."""

import json
from pathlib import Path
from typing import Any

import pytest

from mentor_pause.events import DispatchRequest, MentorPage
from mentor_pause.jobs import JOBS

EVENTS = Path(__file__).parent.parent.parent / "events"


def test_every_job_has_a_nightly_event_and_a_page() -> None:
    """One for each function and event source."""
    names = {file.name for file in EVENTS.iterdir()}
    assert {f"{job}_{kind}.json" for job in JOBS for kind in ("nightly", "page")} <= names
    assert {f"{job}_dead_page.json" for job in JOBS} <= names
    assert {"portal_drift_hourly.json", "monitor_hourly.json"} <= names  # they read none of it
    assert {f"http_{what}.json" for what in ("get_run", "list_jobs", "list_runs")} <= names


def read(event: dict[str, Any]) -> str:
    """Return the job that an event is for, read as the function reads it."""
    if "Records" in event:
        return MentorPage.parse(event["Records"][0]["body"]).job_name
    return DispatchRequest.parse(event).job_name


@pytest.mark.parametrize(
    "file",
    sorted(file for job in JOBS for file in EVENTS.glob(f"{job}_*.json")),
    ids=lambda file: file.stem,
)
def test_a_sample_event_is_understood(file: Path) -> None:
    """Dispatcher events as they are, pages as SQS records."""
    assert file.name.startswith(read(json.loads(file.read_text())))
