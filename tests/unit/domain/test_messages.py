"""Messages and events are checked when they are read."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from mentor_pause.domain.jobs import find_job
from mentor_pause.domain.messages import DispatchRequest, MentorPage
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
