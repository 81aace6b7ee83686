"""Requests that start a run, and requests that are refused with a reason (O3, D2)."""

import json

import pytest

from support.http import Http, add_member, problem_of, request_event, run_of
from support.identity import MACHINE_SECRET, token_of
from support.roster import TODAY, TOMORROW, Roster


@pytest.mark.parametrize("role", ["coordinator", "admin"])
def test_a_member_starts_a_run_and_is_recorded(http: Http, roster: Roster, role: str) -> None:
    """O3: 202 with the run's address. The row names the member."""
    member = add_member(roster, role)
    answer = http.start(token_of(member), as_of=TODAY.isoformat())
    assert answer.status == 202
    job_run_id = run_of(answer)
    http.night.work_off()
    (row,) = roster.log()
    assert (row["job_run_id"], row["status"], row["paused_count"]) == (job_run_id, "completed", 3)
    assert (row["trigger"], row["triggered_by"]) == ("manual", f"user {member}")


@pytest.mark.parametrize("body", [None, "", "{}", "null"])
def test_a_machine_starts_a_run_with_an_empty_body(
    http: Http, roster: Roster, body: str | None
) -> None:
    """O3, O5: a real run about today, by the ledger's clock."""
    event = request_event(
        "POST",
        "/jobs/certification_expiry/runs",
        {"authorization": f"Bearer {MACHINE_SECRET}"},
        body,
    )
    answer = http.send(event)
    assert answer.status == 202
    (row,) = roster.log()
    assert (row["triggered_by"], row["dry_run"]) == ("machine", False)
    assert row["as_of"] == TODAY


def test_a_run_in_progress_is_named(http: Http, roster: Roster, coordinator: str) -> None:
    """O3: 409, with a row."""
    first = run_of(http.start(coordinator))
    answer = http.start(coordinator)
    assert (answer.status, problem_of(answer)) == (409, "/problems/run-in-progress")
    assert answer.body["conflicting_run_id"] == str(first)
    assert answer.headers["Location"] == f"../../runs/{first}"
    assert answer.body["detail"] == f"run {first} is in progress"
    assert [row["status"] for row in roster.log()] == ["running", "refused"]


def test_an_unknown_job_is_not_found(http: Http, roster: Roster, coordinator: str) -> None:
    """D2: the answer names the known jobs. The row has nothing of the caller's text."""
    http.answer = AssertionError("the dispatcher was asked")
    answer = http.start(coordinator, "nonsense")
    assert answer.status == 404
    known = "unknown job; known jobs: certification_expiry, hlf_sync"
    assert (problem_of(answer), answer.body["detail"]) == ("/problems/unknown-job", known)
    (row,) = roster.log()
    assert (row["job_name"], row["status"], row["error"]) == ("unknown", "refused", known)
    assert row["triggered_by"].startswith("user ")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("{", "the body is not JSON"),
        ("[" * 5000, "the body is not JSON"),
        ("[]", "the body is not a JSON object"),
        ("[null]", "the body is not a JSON object"),
        ('[{"dry_run": true}]', "the body is not a JSON object"),
        ('"x"', "the body is not a JSON object"),
        ("[" * 100_000, "the body is not JSON"),
        ('{"dry_run": true, "dry_run": false}', "the body is not JSON"),
        ('{"as_of": "2199-01-01"}', "as_of 2199-01-01 is after today"),
    ],
)
def test_a_request_that_is_invalid_as_a_whole_is_refused_with_the_reason(
    http: Http, roster: Roster, coordinator: str, body: str, detail: str
) -> None:
    """O3: 422, and no run."""
    answer = http.ask("POST", "/jobs/certification_expiry/runs", coordinator, body)
    assert (answer.status, problem_of(answer)) == (422, "/problems/invalid-request")
    assert answer.body["detail"][: len(detail)] == detail
    assert [row for row in roster.log() if row["status"] != "failed"] == []


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ('{"as_of": "soon"}', "as_of", "Value error, a day is written as 2026-11-22"),
        ('{"as_of": 0}', "as_of", "Value error, a day is written as 2026-11-22"),
        ('{"as_of": "1795478400"}', "as_of", "Value error, a day is written as 2026-11-22"),
        ('{"as_of": "2026-02-30"}', "as_of", "Input should be a valid date"),
        ('{"dry_run": "perhaps"}', "dry_run", "Input should be a valid boolean"),
        ('{"dry_run": 1}', "dry_run", "Input should be a valid boolean"),
        ('{"dryrun": true}', "dryrun", "Extra inputs are not permitted"),
    ],
)
def test_an_invalid_field_is_named_with_the_reason(
    http: Http, roster: Roster, coordinator: str, body: str, field: str, reason: str
) -> None:
    """O3: 422, and no run."""
    answer = http.ask("POST", "/jobs/certification_expiry/runs", coordinator, body)
    assert (answer.status, problem_of(answer)) == (422, "/problems/invalid-request")
    (error,) = answer.body["errors"]
    assert (error["field"], error["detail"][: len(reason)]) == (f"body.{field}", reason)
    assert answer.body["detail"] == "1 field is not valid"
    assert roster.log() == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "json", "Application/JSON"]
)
def test_a_body_without_the_content_type_of_json_is_not_read(
    http: Http, roster: Roster, coordinator: str, kind: str
) -> None:
    """415."""
    header = {"Authorization": f"Bearer {coordinator}"}
    event = request_event("POST", "/jobs/certification_expiry/runs", header, "{}")
    event["multiValueHeaders"]["Content-Type"] = [kind]
    answer = http.send(event)
    assert (answer.status, problem_of(answer)) == (415, "about:blank")
    event["multiValueHeaders"]["Content-Type"] = ["application/json"]
    answer = http.send(event | {"body": "%%%", "isBase64Encoded": True})
    assert (answer.status, problem_of(answer)) == (415, "about:blank")
    assert roster.log() == []


def test_a_dry_run_lists_the_mentors_and_changes_nothing(
    http: Http, roster: Roster, admin: str
) -> None:
    """By the same code path as a real run, and also for a later day."""
    mentor = roster.add_mentor(TODAY)
    later = roster.add_mentor(TOMORROW)
    before = _everything(roster)
    job_run_id = run_of(http.start(admin, as_of="2199-01-01", dry_run=True))
    http.night.work_off()
    found = http.ask("GET", f"/runs/{job_run_id}", admin).body
    assert {str(mentor), str(later)} <= set(found["mentor_ids_applied"])
    assert (found["status"], found["dry_run"], found["paused_count"]) == ("completed", True, 5)
    assert _everything(roster) == before


def _everything(roster: Roster) -> object:
    tables = ("peer_mentors", "peer_mentor_status_history", "coordinator_notifications",
              "portal_sync_state", "certifications")  # fmt: skip
    return [roster.rows(f"select * from {table} order by 1") for table in tables]  # noqa: S608


def test_of_a_hundred_faults_ten_are_named(http: Http, coordinator: str) -> None:
    """So that the answer stays small."""
    body = json.dumps({f"field-{n}": n for n in range(100)})
    answer = http.ask("POST", "/jobs/certification_expiry/runs", coordinator, body)
    assert (answer.status, len(answer.body["errors"])) == (422, 10)
    assert answer.body["detail"] == "100 fields are not valid; errors has the first 10"
