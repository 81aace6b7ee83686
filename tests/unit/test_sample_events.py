"""The sample events in `events/` are what the functions read."""

import json
from pathlib import Path

import pytest

from mentor_pause.events import DispatchRequest, MentorPage
from mentor_pause.jobs import JOBS

EVENTS = Path(__file__).parent.parent.parent / "events"


def test_every_job_has_a_nightly_event_and_a_page() -> None:
    """One for each function and event source."""
    names = {file.name for file in EVENTS.iterdir()}
    assert {f"{job}_{kind}.json" for job in JOBS for kind in ("nightly", "page")} <= names


@pytest.mark.parametrize("file", sorted(EVENTS.glob("*.json")), ids=lambda file: file.stem)
def test_a_sample_event_is_understood(file: Path) -> None:
    """Dispatcher events as they are, pages as SQS records."""
    event = json.loads(file.read_text())
    if "Records" in event:
        job_name = MentorPage.parse(event["Records"][0]["body"]).job_name
    else:
        job_name = DispatchRequest.parse(event).job_name
    assert file.name.startswith(job_name)
