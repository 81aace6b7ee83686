"""Asking for a run, and for the run that releases the held mentors of a plan (O3, G4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from aws_lambda_powertools import Logger

from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.run_starts import StartResult
from mentor_pause.domain.runs import run_id_of
from mentor_pause.engine.release import release_trigger
from mentor_pause.engine.run_starter import RunStarter
from mentor_pause.errors import DispatcherUnavailable, InvalidRequest

ORG, PLANNED = uuid4(), uuid4()
JOB = "certification_expiry"


@dataclass(frozen=True)
class Row:
    """A row of the execution log."""

    status: str
    processed_count: int | None


def released(*rows: Row) -> str:
    """Return the trigger of the next release, after releases with these rows."""
    names = [f"approval-{PLANNED}", *(f"approval-{PLANNED}-{n}" for n in range(2, 30))]
    by_run = {run_id_of(JOB, ORG, name): row for name, row in zip(names, rows, strict=False)}
    return release_trigger(by_run.get, ORG, PLANNED)


FAILED = Row("failed", 7)


@pytest.mark.parametrize(
    ("rows", "ending"),
    [
        ([], ""),
        ([Row("running", None)], ""),
        ([Row("completed", 7)], ""),
        ([Row("failed", None)], ""),
        ([FAILED], "-2"),
        ([FAILED, Row("completed", 7)], "-2"),
        ([FAILED] * 2, "-3"),
        ([FAILED] * 19, "-20"),
    ],
)
def test_only_a_release_that_began_and_failed_has_another_run(rows: list[Row], ending: str) -> None:
    """G4: one that never began may begin later under its own trigger."""
    assert released(*rows) == f"approval-{PLANNED}{ending}"


def test_a_release_that_failed_twenty_times_is_not_tried_again() -> None:
    """G4: a person has to look."""
    with pytest.raises(InvalidRequest, match="has failed 20 times"):
        released(*[FAILED] * 20)


def start(
    answer: Mapping[str, str] | Exception | None, status: str | None = None, **changed: Any
) -> StartResult:
    """Ask for a run of a dispatcher with a fixed answer."""
    found = list[UUID]()

    def dispatcher(_: DispatchRequest) -> Mapping[str, str] | None:
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find_status(job_run_id: UUID) -> str | None:
        found.append(job_run_id)
        return status

    request = DispatchRequest.model_validate(
        {"job_name": JOB, "trigger": "manual", "trigger_id": "by hand"} | changed
    )
    starter = RunStarter(ORG, dispatcher, find_status, Logger(service="starts"))
    result = starter(request)
    assert set(found) <= {result.job_run_id}
    return result


@pytest.mark.parametrize("dry_run", [False, True])
def test_the_run_is_the_triggers_run(dry_run: bool) -> None:
    """D1: a dry run is another run."""
    expected = run_id_of(JOB, ORG, "by hand", dry_run=dry_run)
    for answer in (None, {"status": "running"}, DispatcherUnavailable("away")):
        assert start(answer, dry_run=dry_run).job_run_id == expected


@pytest.mark.parametrize(
    ("answer", "status", "outcome"),
    [
        (DispatcherUnavailable("away"), None, "unknown"),
        (None, None, "started"),
        ({"status": "superseded"}, None, "unknown"),
        ({"status": "duplicate"}, None, "unknown"),
        ({}, None, "unknown"),
    ],
)
def test_what_nobody_knows_is_unknown(
    answer: Mapping[str, str] | Exception | None, status: str | None, outcome: str
) -> None:
    """O3: whoever asks again gets the same run."""
    assert start(answer, status).outcome == outcome


@pytest.mark.parametrize("answer", ["superseded", "duplicate"])
def test_a_run_that_another_dispatcher_has_is_as_its_row_says(answer: str) -> None:
    """O3: the log tells whether it runs."""
    assert start({"status": answer}, "running") == start({"status": "running"})
    assert start({"status": answer}, "completed") == start({"status": "completed"})
