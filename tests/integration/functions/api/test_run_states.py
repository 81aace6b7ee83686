"""The answer to a caller has the run's state (O3, R6)."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import run_id_of
from mentor_pause.errors import ConfigurationError, DispatcherUnavailable
from support.http import Http, problem_of, run_of
from support.roster import ORG, Roster


def test_a_slow_dispatcher_counts_as_accepted(http: Http, coordinator: str) -> None:
    """The entry knows the run's id before the dispatcher answers."""
    http.answer = None
    answer = http.start(coordinator)
    assert (answer.status, answer.body["status"]) == (202, "running")
    run_of(answer)


UNKNOWN, FAILED = "/problems/run-state-unknown", "/problems/run-failed"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (DispatcherUnavailable("the dispatcher broke down"), UNKNOWN),
        ({"status": "failed", "error": "arn:aws:x", "error_source": "server"}, UNKNOWN),
        ({"status": "failed", "error": "arn:aws:x"}, FAILED),
        ({"status": "superseded", "error": "x"}, UNKNOWN),
        ({"status": "duplicate", "error": "x"}, UNKNOWN),
        ({"status": "refused", "error": "x"}, UNKNOWN),
        ({"status": "refused", "error": "x", "conflicting_run_id": "no id"}, UNKNOWN),
        ({"status": "something new"}, UNKNOWN),
        ({"nonsense": "x"}, UNKNOWN),
    ],
)
def test_a_run_that_has_not_begun_or_has_failed_is_not_a_success(
    http: Http, coordinator: str, answer: Any, problem: str
) -> None:
    """503 with the run's address, where its result appears. The answer quotes no client's error."""
    http.answer = answer
    found = http.start(coordinator)
    job_run_id = run_of(found)
    assert (found.status, problem_of(found)) == (503, problem)
    assert UUID(found.body["job_run_id"]) == job_run_id
    assert ("Retry-After" in found.headers) == (problem == UNKNOWN)
    assert "arn:aws" not in found.text


@pytest.mark.parametrize("status", ["running", "completed"])
def test_a_run_that_has_begun_is_accepted(http: Http, coordinator: str, status: str) -> None:
    """Also if it has completed already."""
    http.answer = {"status": status}
    found = http.start(coordinator)
    assert (found.status, found.body["status"]) == (202, status)


@pytest.mark.parametrize("said", ["superseded", "duplicate"])
@pytest.mark.parametrize(
    ("row", "status", "body"),
    [
        ("running", 202, "running"),
        ("completed", 202, "completed"),
        ("failed", 503, None),
        ("refused", 503, None),
    ],
)
def test_the_row_decides_the_state_of_a_run_that_another_dispatcher_has(
    http: Http, roster: Roster, coordinator: str, said: str, row: str, status: int, body: str | None
) -> None:
    """R6: the dispatcher's answer alone does not tell the run's state."""

    def dispatch(request: DispatchRequest) -> dict[str, str]:
        job_run_id = run_id_of(request.job_name, ORG, str(request.trigger_id))
        roster.db.execute(
            "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger,"
            " triggered_by, status, finished_at) values ('certification_expiry', %s, %s, 'manual',"
            " 'me', %s, case when %s = 'running' then null else now() end)",
            (job_run_id, ORG, row, row),
        )
        return {"status": said, "error": "x"}

    other: Any = dispatch
    http.runs = replace(http.runs, dispatcher=other)
    found = http.start(coordinator)
    assert (found.status, found.body["status"]) == (status, body or status)
    run_of(found)


def test_a_run_that_fails_during_the_wait_is_reported_with_its_row(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """R6: the row at `Location` is failed."""
    roster.db.execute("update organisations set slug = 'renamed'")
    found = http.start(coordinator)
    assert found.status == 503
    row = http.ask("GET", f"/runs/{run_of(found)}", coordinator).body
    assert row["status"] == "failed"


def test_a_fault_on_our_side_is_a_503_without_details(http: Http, coordinator: str) -> None:
    """Only the log has the reason."""
    http.night.plan.then()

    def broken() -> Any:
        raise ConfigurationError("SCHEDULER_SECRET is not set in the secret x")

    whole = http.handler
    for http.handler in (
        replace(whole, open_authenticator=broken),
        replace(whole, open_runs=broken),
    ):
        answer = http.ask("GET", "/runs", coordinator)
        assert (answer.status, problem_of(answer)) == (503, "/problems/unavailable")
        assert answer.body["detail"] == "not available now; try again later"
        assert answer.headers["Retry-After"] == "10"
    lines = http.night.lines("not answered")
    assert {line["reason"] for line in lines} == {"SCHEDULER_SECRET is not set in the secret x"}
