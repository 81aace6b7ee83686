"""Messages and events are checked when they are read."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from mentor_pause.domain.jobs import JOBS, STARTABLE, find_job
from mentor_pause.domain.messages import (
    DispatchRequest,
    MentorPage,
    field_errors,
    reasons_of,
)
from mentor_pause.errors import InvalidRequest

PAGE: dict[str, Any] = {
    "version": 1,
    "job_name": "certification_expiry",
    "job_run_id": str(uuid4()),
    "org_id": str(uuid4()),
    "as_of": "2026-03-01",
    "page": 1,
    "mentor_ids": [str(uuid4())],
    "dry_run": False,
    "copy_number": 0,
}


def test_a_page_survives_the_queue() -> None:
    """Parsing the message returns the same page."""
    page = MentorPage.parse(json.dumps(PAGE))
    assert MentorPage.parse(page.model_dump_json()) == page
    assert json.loads(page.model_dump_json()) == PAGE


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"version": 2}, "version"),
        ({"mentor_ids": []}, "mentor_ids"),
        ({"mentor_ids": [str(UUID(int=i)) for i in range(501)]}, "mentor_ids"),
        ({"mentor_ids": ["no id"]}, "mentor_ids.0"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"page": 0}, "page"),
        ({"job_run_id": None}, "job_run_id"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_malformed_page_is_refused_and_the_field_is_named(
    change: dict[str, object], named: str
) -> None:
    """No part of it is processed."""
    with pytest.raises(InvalidRequest, match=rf"not a valid MentorPage: {named}: "):
        MentorPage.parse(json.dumps(PAGE | change))


def test_an_error_does_not_repeat_the_wrong_value() -> None:
    """E13: it may be personal data."""
    with pytest.raises(InvalidRequest) as raised:
        MentorPage.parse(json.dumps(PAGE | {"as_of": "Kari Nordmann"}))
    assert "Kari" not in str(raised.value)


@pytest.mark.parametrize(
    "event", [None, [], "x", {}, {"job_name": 7}, {"job_name": "", "as_of": "x"}]
)
def test_a_malformed_event_is_refused(event: object) -> None:
    """The dispatcher may be called with anything."""
    with pytest.raises(InvalidRequest, match="not a valid DispatchRequest"):
        DispatchRequest.parse(event)


def test_an_event_with_a_job_name_alone_is_enough() -> None:
    """D1: the other fields have defaults."""
    request = DispatchRequest.parse({"job_name": "certification_expiry"})
    assert (request.trigger, request.trigger_id, request.as_of, request.dry_run) == (
        "manual", None, None, False,
    )  # fmt: skip


def test_an_unknown_job_names_the_known_ones() -> None:
    """D2."""
    with pytest.raises(
        InvalidRequest, match="unknown job; known jobs: certification_expiry, hlf_sync"
    ):
        find_job("x")


def fault(*place: str | int, message: str = "wrong") -> dict[str, object]:
    """Return a fault as pydantic reports it."""
    return {"loc": place, "msg": message}


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ((), "body"),
        (("a", 1, "b", "c"), "a.1.b"),
        (("x" * 25,), "x" * 25),
        (("x" * 26,), "x" * 22 + "..."),
        (('\u00e5\n"\\b',), "????b"),
    ],
)
def test_a_field_is_named_by_a_short_path_of_printable_ascii(
    place: tuple[str | int, ...], name: str
) -> None:
    """E13: the sender chooses the names of unknown fields."""
    assert field_errors([fault(*place)]) == [(name, "wrong")]


def test_ten_faults_are_named_and_the_others_counted() -> None:
    """E13: a message of our own stays short."""
    assert reasons_of([fault("a", message="m" * 100)]) == f"a: {'m' * 100}"
    assert reasons_of([fault("a", message="m" * 101)]) == f"a: {'m' * 97}..."
    assert reasons_of([fault("a"), fault("b")]) == "a: wrong; b: wrong"
    ten = "; ".join(f"{n}: wrong" for n in range(10))
    assert reasons_of([fault(n) for n in range(10)]) == ten
    assert reasons_of([fault(n) for n in range(11)]) == f"{ten} (and 1 more)"
    assert reasons_of([fault(n) for n in range(13)]) == f"{ten} (and 3 more)"


@pytest.mark.parametrize("field", ["trigger_id", "requested_by"])
@pytest.mark.parametrize("text", ["a\x00", "\x1f", "\x7f", "a\nb"])
def test_a_text_with_control_characters_is_refused(field: str, text: str) -> None:
    """R5: it goes into logs and rows."""
    with pytest.raises(InvalidRequest, match=field):
        DispatchRequest.parse({"job_name": "x", field: text})


@pytest.mark.parametrize(
    ("fields", "comes_again"),
    [
        ({"trigger": "schedule"}, True),
        ({"trigger": "manual"}, False),
        ({"trigger": "manual", "handed_over_fence": 1}, True),
        ({"trigger": "schedule", "handed_over_fence": 1}, True),
    ],
)
def test_only_a_persons_first_request_does_not_come_again(
    fields: dict[str, object], comes_again: bool
) -> None:
    """R3: the person waits for the answer."""
    request = DispatchRequest.parse({"job_name": "certification_expiry"} | fields)
    assert request.comes_again is comes_again


def test_the_jobs_are_what_the_parts_agree_on() -> None:
    """E10, G5: names, listings, effects, workers, and the longest pages."""
    assert {
        name: (job.listing, job.effect, job.worker, job.needs_run, job.longest_page)
        for name, job in JOBS.items()
    } == {
        "certification_expiry": (
            "list_planned_mentors", "paused", "certification_expiry", False, 500,
        ),
        "withdrawal": ("list_run_pauses", "resumed", "certification_expiry", True, 500),
        "hlf_sync": ("list_unsynced_mentors", "synced", "hlf_sync", False, 100),
    }  # fmt: skip
    assert set(STARTABLE) == {"certification_expiry", "hlf_sync"}
    assert find_job("hlf_sync") is JOBS["hlf_sync"]
