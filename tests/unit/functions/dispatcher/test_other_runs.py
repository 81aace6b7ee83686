"""A request names the other run that its job needs, and no other one."""

from typing import Any
from uuid import uuid4

import pytest

from dispatcher.other_runs import assert_other_run
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.errors import InvalidRequest

RUN = str(uuid4())


@pytest.mark.parametrize(
    "fields",
    [
        {"job_name": "certification_expiry"},
        {"job_name": "certification_expiry", "redrive_of": RUN},
        {"job_name": "certification_expiry", "releases": RUN},
        {"job_name": "withdrawal", "withdraws": RUN, "dry_run": True},
        {"job_name": "withdrawal", "redrive_of": RUN},
        {"job_name": "hlf_sync", "as_of": "2026-11-22", "dry_run": True},
    ],
)
def test_a_request_that_makes_sense_is_accepted(fields: dict[str, Any]) -> None:
    """D7, G4, G5."""
    assert_other_run(DispatchRequest.parse(fields))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"job_name": "withdrawal"}, "a withdrawal needs withdraws"),
        ({"job_name": "hlf_sync", "withdraws": RUN}, "withdraws is for the job withdrawal"),
        (
            {"job_name": "withdrawal", "withdraws": RUN, "as_of": "2026-11-22"},
            "which has no other day",
        ),
        ({"job_name": "withdrawal", "releases": RUN}, "releases is for a real run"),
        (
            {"job_name": "certification_expiry", "releases": RUN, "dry_run": True},
            "releases is for a real run",
        ),
        (
            {"job_name": "certification_expiry", "releases": RUN, "as_of": "2026-11-22"},
            "which keeps the day of the plan",
        ),
        ({"job_name": "withdrawal", "withdraws": RUN, "redrive_of": RUN}, "name one run"),
    ],
)
def test_a_request_that_makes_no_sense_says_what_is_wrong(
    fields: dict[str, Any], reason: str
) -> None:
    """The sentence names the field."""
    with pytest.raises(InvalidRequest, match=reason):
        assert_other_run(DispatchRequest.parse(fields))
