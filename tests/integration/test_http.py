"""The HTTP entry on a real PostgreSQL, as its own role: who may, what they get, what is kept."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.models import MAX_IDS
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import Page, PageOutcome, run_id_of
from mentor_pause.errors import ConfigurationError, DispatcherUnavailable
from mentor_pause.retry import seconds_left, time_limit
from support import identity
from support.cluster import Cluster
from support.http import Answer, Http, add_member, open_http, request_event
from support.identity import MACHINE_SECRET, token_of
from support.night import Night
from support.roster import ORG, TODAY, TOMORROW, Roster

WRONG = identity.wrong_tokens()
PATHS = [
    ("GET", "/jobs"),
    ("GET", "/runs"),
    ("GET", f"/runs/{UUID(int=7)}"),
    ("POST", "/jobs/certification_expiry/runs"),
    ("POST", "/jobs/unknown/runs"),
    ("GET", "/nowhere"),
]


@pytest.fixture
def http(night: Night, roster: Roster, cluster: Cluster) -> Iterator[Http]:
    """The entry, with three active mentors who are expired."""
    roster.add_mentors(3)
    with open_http(night, roster, cluster) as found:
        yield found


@pytest.fixture
def coordinator(http: Http, roster: Roster) -> str:
    """A coordinator's token."""
    return token_of(add_member(roster, "coordinator"))


@pytest.fixture
def admin(http: Http, roster: Roster) -> str:
    """An administrator's token."""
    return token_of(add_member(roster, "admin"))


def run_of(answer: Answer) -> UUID:
    """The run that an answer is about, which is also where it points."""
    job_run_id = UUID(answer.body["job_run_id"])
    assert answer.headers["Location"] == f"../../runs/{job_run_id}"
    return job_run_id


def problem_of(answer: Answer) -> str:
    """The type of an answer's problem details, which have every member of RFC 9457 but one."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body.keys() >= {"type", "title", "status", "detail"}
    assert answer.body["status"] == answer.status
    return answer.body["type"]


@pytest.mark.parametrize("role", ["coordinator", "admin"])
def test_a_member_starts_a_run_and_is_recorded(http: Http, roster: Roster, role: str) -> None:
    """O3: 202, where to look, and who it was."""
    member = add_member(roster, role)
    answer = http.start(token_of(member), as_of=TODAY.isoformat())
    assert answer.status == 202
    job_run_id = run_of(answer)
    http.night.work_off()
    (row,) = roster.log()
    assert (row["job_run_id"], row["status"], row["paused_count"]) == (job_run_id, "completed", 3)
    assert (row["trigger"], row["triggered_by"]) == ("manual", f"user {member}")


@pytest.mark.parametrize("body", [None, "", "{}", "null"])
def test_a_machine_starts_a_run_without_saying_how(
    http: Http, roster: Roster, body: str | None
) -> None:
    """O3, O5: today, by the ledger's clock here, and for real."""
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


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("credential", [None, "expired", "alg none", "other project"])
def test_without_a_valid_credential_nothing_else_happens(
    http: Http, roster: Roster, method: str, path: str, credential: str | None
) -> None:
    """D3: 401 before the body is read, and no database, no ledger, no dispatcher."""
    http.runs = _untouchable()
    body = '{"as_of": 7, not even JSON' if method == "POST" else None
    answer = http.ask(method, path, credential and WRONG[credential], body)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert problem_of(answer) == "/problems/authentication-required"
    assert roster.log() == []


def _untouchable() -> Any:
    class Untouchable:
        def __getattr__(self, name: str) -> object:
            pytest.fail(f"{name} was asked for")

    return Untouchable()


@pytest.mark.parametrize("what", sorted(WRONG))
def test_no_wrong_token_starts_anything_or_gets_into_the_log(
    http: Http, roster: Roster, what: str
) -> None:
    """Shows: every wrong token that we could think of."""
    answer = http.start(WRONG[what])
    assert answer.status == 401
    assert (roster.log(), roster.history()) == ([], [])
    if len(WRONG[what]) > 8:
        assert WRONG[what][:1000] not in http.night.output.getvalue()


def test_who_is_no_member_may_not_and_is_recorded(http: Http, roster: Roster) -> None:
    """O3, D4: 403, the job named, nothing started; also somebody of another organisation."""
    other = uuid4()
    roster.db.execute("insert into organisations (id, slug) values (%s, 'other')", (other,))
    stranger, foreign, mentor = uuid4(), uuid4(), uuid4()
    roster.db.execute("insert into org_members values (%s, %s, 'admin')", (other, foreign))
    roster.db.execute("update peer_mentors set user_id = %s", (mentor,))
    for caller in (stranger, foreign, mentor):
        for method, path in PATHS:
            assert http.ask(method, path, token_of(caller)).status == 403, (method, path)
    assert http.start(token_of(uuid4()), "Kari-Nordmann-555").status == 403
    assert http.night.lines("refusal not recorded") == []
    *rows, named = roster.log()
    assert named["job_name"] == "unknown", "no text of a stranger's is kept for ever (E13)"
    assert [(row["job_name"], row["triggered_by"]) for row in rows] == [
        (job, f"user {caller}")
        for caller in (stranger, foreign, mentor)
        for job in ["certification_expiry"]  # one row a minute: nobody fills the log
    ]
    assert {(row["status"], row["trigger"]) for row in rows} == {("refused", "manual")}
    assert "only coordinators and administrators" in rows[0]["error"]
    assert roster.history() == []


def test_who_leaves_the_organisation_may_not_any_more(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """The token is still good; what counts is what they are now."""
    assert http.ask("GET", "/runs", coordinator).status == 200
    roster.db.execute("delete from org_members")
    assert http.ask("GET", "/runs", coordinator).status == 403


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
    """D2: the known ones are named; there is a row, and nothing of the caller's text is kept."""
    http.answer = AssertionError("the dispatcher was asked")
    answer = http.start(coordinator, "nonsense")
    assert answer.status == 404
    known = "unknown job; known jobs: certification_expiry, hlf_sync"
    assert (problem_of(answer), answer.body["detail"]) == ("/problems/unknown-job", known)
    (row,) = roster.log()
    assert (row["job_name"], row["status"], row["error"]) == ("unknown", "refused", known)
    assert row["triggered_by"].startswith("user ")


def test_a_refusal_that_cannot_be_written_down_stays_one(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """The log line says why there is no row."""
    roster.db.execute(
        "alter function begin_execution(text, uuid, uuid, text, text, text, date, boolean, text,"
        " uuid) rename to begin_execution_gone"
    )
    assert http.start(coordinator, "nonsense").status == 404
    assert http.start(token_of(uuid4())).status == 403
    assert len(http.night.lines("refusal not recorded")) == 2


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
def test_a_request_that_is_not_valid_as_a_whole_is_refused_with_the_reason(
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
def test_a_field_that_is_not_valid_is_named_with_the_reason(
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
def test_a_body_that_is_not_said_to_be_json_is_not_read(
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


def test_a_dry_run_says_who_would_be_paused_and_changes_nothing(
    http: Http, roster: Roster, admin: str
) -> None:
    """By the same code path; also for a day that has not come."""
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


def test_a_run_is_followed_to_its_end(http: Http, roster: Roster, admin: str) -> None:
    """O3: progress first, then what it came to."""
    first, *_ = mentors = sorted(m["id"] for m in roster.rows("select id from peer_mentors"))
    roster.fail_for(first)
    job_run_id = run_of(http.start(admin, as_of=TODAY.isoformat()))
    found = http.ask("GET", f"/runs/{job_run_id}", admin).body
    assert (found["status"], found["finished_at"], found["paused_count"]) == ("running", None, None)
    assert (found["pages_closed"], found["pages_planned"], found["mentor_ids_applied"]) == (
        0,
        1,
        [],
    )
    assert found["mentor_ids_errored"] == [], "who has not been tried is no error"
    assert found["errors"] is None
    http.night.work_off()
    found = http.ask("GET", f"/runs/{job_run_id}", admin).body
    assert (found["status"], found["paused_count"], found["error_count"]) == ("completed", 2, 1)
    assert found["mentor_ids_applied"] == [str(m) for m in mentors[1:]]
    assert found["mentor_ids_errored"] == [str(first)]
    reason = "a function or a trigger refuses this row (SQLSTATE P0001)"
    assert found["errors"] == [{"reason": reason, "count": 1, "example": str(first)}]
    assert found["error"] == f"1 error: 1 {reason}, such as mentor {first}"
    (newest,) = http.ask("GET", "/runs", admin).body
    assert newest.items() <= found.items()


def test_a_coordinator_sees_counts_and_no_mentors(http: Http, coordinator: str, admin: str) -> None:
    """S4: not all of them are theirs."""
    job_run_id = run_of(http.start(coordinator, as_of=TODAY.isoformat()))
    http.night.work_off()
    seen = http.ask("GET", f"/runs/{job_run_id}", coordinator).body
    assert (seen["paused_count"], seen["mentor_ids_applied"]) == (3, None)
    assert seen["mentor_ids_errored"] is None
    for credential in (admin, MACHINE_SECRET):
        assert (
            len(http.ask("GET", f"/runs/{job_run_id}", credential).body["mentor_ids_applied"]) == 3
        )


def test_a_coordinator_learns_why_mentors_are_errors_and_not_which(
    http: Http, roster: Roster, coordinator: str, admin: str
) -> None:
    """S4: neither by the run's groups, nor by the text of its row, nor in the list of runs."""
    first = min(m["id"] for m in roster.rows("select id from peer_mentors"))
    roster.fail_for(first)
    job_run_id = run_of(http.start(coordinator, as_of=TODAY.isoformat()))
    http.night.work_off()
    answers = [http.ask("GET", path, coordinator) for path in ("/runs", f"/runs/{job_run_id}")]
    assert [str(first) in answer.text for answer in answers] == [False, False]
    seen = answers[1].body
    reason = "a function or a trigger refuses this row (SQLSTATE P0001)"
    assert seen["errors"] == [{"reason": reason, "count": 1, "example": None}]
    assert seen["error"] == f"1 error: 1 {reason}, such as mentor (id)"
    assert str(first) in http.ask("GET", "/runs", admin).text


def test_a_run_that_the_ledger_has_forgotten_is_still_in_the_log(
    http: Http, roster: Roster, admin: str
) -> None:
    """As is one of the database's own."""
    (ran,) = roster.rows("select * from run_certification_expiry(%s, %s)", ORG, TODAY)
    found = http.ask("GET", f"/runs/{ran['job_run_id']}", admin).body
    assert (found["status"], found["paused_count"]) == ("completed", 3)
    assert (found["pages_closed"], found["mentor_ids_applied"]) == (None, None)


def test_what_is_not_there_is_not_found(http: Http, roster: Roster, coordinator: str) -> None:
    """A run of another organisation is not there either."""
    other, job_run_id = uuid4(), uuid4()
    roster.db.execute(
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " status) values ('certification_expiry', %s, %s, 'manual', 'me', 'running')",
        (job_run_id, other),
    )
    unknown_run = "/problems/unknown-run"
    for path, problem in (
        (f"/runs/{uuid4()}", unknown_run),
        (f"/runs/{job_run_id}", unknown_run),
        ("/nowhere", "about:blank"),
    ):
        answer = http.ask("GET", path, coordinator)
        assert (answer.status, problem_of(answer)) == (404, problem)
    assert http.ask("GET", "/runs/not-an-id", coordinator).status == 422
    assert http.ask("GET", "/runs", coordinator).body == []


def test_the_newest_runs_come_first_and_no_more_than_asked_for(
    http: Http, coordinator: str
) -> None:
    """Refused ones, too."""
    for _ in range(3):
        http.start(coordinator)
    found = http.ask("GET", "/runs", coordinator, limit="2").body
    assert [run["status"] for run in found] == ["refused", "refused"]
    assert len(http.ask("GET", "/runs", coordinator).body) == 3
    for wrong in ("0", "101", "many", "-1"):
        assert http.ask("GET", "/runs", coordinator, limit=wrong).status == 422


def test_a_dispatcher_that_takes_its_time_has_been_asked(http: Http, coordinator: str) -> None:
    """Its run is known before it answers."""
    http.answer = None
    answer = http.start(coordinator)
    assert (answer.status, answer.body["status"]) == (202, "running")
    run_of(answer)


UNKNOWN, FAILED = "/problems/run-state-unknown", "/problems/run-failed"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (DispatcherUnavailable("the dispatcher crashed"), UNKNOWN),
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
def test_a_run_that_has_not_begun_or_has_failed_is_not_taken_for_a_success(
    http: Http, coordinator: str, answer: Any, problem: str
) -> None:
    """503 with the run's address: whatever it came to is found there. No client's text is shown."""
    http.answer = answer
    found = http.start(coordinator)
    job_run_id = run_of(found)
    assert (found.status, problem_of(found)) == (503, problem)
    assert UUID(found.body["job_run_id"]) == job_run_id
    assert ("Retry-After" in found.headers) == (problem == UNKNOWN)
    assert "arn:aws" not in found.text


@pytest.mark.parametrize("status", ["running", "completed"])
def test_a_run_that_has_begun_is_accepted(http: Http, coordinator: str, status: str) -> None:
    """Also one that has completed by now."""
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
def test_a_run_that_another_dispatcher_has_is_as_its_row_says(
    http: Http, roster: Roster, coordinator: str, said: str, row: str, status: int, body: str | None
) -> None:
    """R6: neither word alone tells what became of the run."""

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


def test_a_run_that_fails_within_the_wait_leads_to_its_row(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """R6: from the dispatcher itself; the row at Location has failed."""
    roster.db.execute("update organisations set slug = 'renamed'")
    found = http.start(coordinator)
    assert found.status == 503
    row = http.ask("GET", f"/runs/{run_of(found)}", coordinator).body
    assert row["status"] == "failed"


def test_what_is_broken_here_is_no_secret_of_ours_and_no_fault_of_theirs(
    http: Http, coordinator: str
) -> None:
    """503, with one sentence that tells nothing; the log has the reason."""
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


def test_the_text_of_an_unexpected_error_is_not_logged(
    http: Http, coordinator: str, caplog: pytest.LogCaptureFixture
) -> None:
    """E12, E13: neither by us nor by the router; nor is the path, at DEBUG."""
    caplog.set_level(logging.DEBUG)
    http.answer = RuntimeError("Kari Nordmann")
    assert http.start(coordinator).status == 503
    assert http.ask("GET", "/Kari-Nordmann", coordinator).status == 404
    (line,) = http.night.lines("not answered")
    assert line["reason"] == "RuntimeError"
    assert "Kari" not in caplog.text
    assert "Kari" not in http.night.output.getvalue()


def test_without_a_credential_not_even_our_own_secrets_are_read(http: Http) -> None:
    """D3: 401, also when they could not be."""

    def broken() -> Any:
        pytest.fail("the secrets were read")

    http.handler = replace(http.handler, open_authenticator=broken)
    for credential in (None, "", "nøkkel", "a" * 9000):
        assert http.ask("GET", "/runs", credential).status == 401


def test_of_a_hundred_faults_ten_are_named(http: Http, coordinator: str) -> None:
    """An answer has its limits."""
    body = json.dumps({f"field-{n}": n for n in range(100)})
    answer = http.ask("POST", "/jobs/certification_expiry/runs", coordinator, body)
    assert (answer.status, len(answer.body["errors"])) == (422, 10)
    assert answer.body["detail"] == "100 fields are not valid; errors has the first 10"


def test_a_database_that_is_down_lets_nobody_in(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """Neither a member nor a stranger: who they are cannot be told."""
    roster.db.execute("drop function get_member_role")
    assert http.start(coordinator).status == 503
    assert roster.log() == []


def test_log_lines_name_the_caller_and_no_credential(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """Who asked, for how long one looks; never with what."""
    http.start(coordinator)
    http.ask("GET", "/runs", MACHINE_SECRET)
    answered = http.night.lines("answered")
    assert [(line["caller"][:5], line["status"]) for line in answered] == [
        ("user ", 202),
        ("machi", 200),
    ]
    said = http.night.output.getvalue()
    for secret in (coordinator, MACHINE_SECRET, coordinator.rpartition(".")[2]):
        assert secret not in said


def test_coordinators_see_no_user_id_but_their_own(http: Http, roster: Roster, admin: str) -> None:
    """S4: as row-level security has it; administrators and machines see who it was."""
    me, other = add_member(roster, "coordinator"), add_member(roster, "coordinator")
    hands = [
        f"user {me}", f"user {other}", "machine", "schedule of 2026-11-22T02:00:00+00:00, tick-1",
        "event, 0b9d3d0e-2e1c-5b59-9d4a-0a6a1d0c7b11", "database, postgres", "command line, kari",
        "manual, request-1", "Kari Nordmann",
    ]  # fmt: skip
    for by in hands:
        roster.db.execute(
            "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger,"
            " triggered_by, status) values ('hlf_sync', %s, %s, 'manual', %s, 'running')",
            (uuid4(), ORG, by),
        )
    seen = {
        run["triggered_by"]: run["job_run_id"]
        for run in http.ask("GET", "/runs", token_of(me)).body[::-1]
    }
    assert list(seen) == [hands[0], "a person", *hands[2:6]]
    for credential in (admin, MACHINE_SECRET):
        runs = http.ask("GET", "/runs", credential).body[::-1]
        assert [run["triggered_by"] for run in runs] == hands
    path = f"/runs/{runs[1]['job_run_id']}"
    assert http.ask("GET", path, token_of(me)).body["triggered_by"] == "a person"
    assert http.ask("GET", path, token_of(other)).body["triggered_by"] == hands[1]
    assert http.ask("GET", path, admin).body["triggered_by"] == hands[1]


def test_an_answer_holds_a_hundred_rows_of_any_size(http: Http, roster: Roster, admin: str) -> None:
    """Lambda lets an answer have 6 MB."""
    for _ in range(100):
        roster.db.execute(
            "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger,"
            " triggered_by, status, error) values ('hlf_sync', %s, %s, 'manual', 'me', 'running',"
            " repeat('x', 100000))",
            (uuid4(), ORG),
        )
    answer = http.ask("GET", "/runs", admin, limit="100")
    assert (answer.status, len(answer.body), len(answer.text) < 300_000) == (200, 100, True)


@pytest.mark.parametrize("more", [0, 1])
def test_a_run_of_more_mentors_than_an_answer_holds_has_its_counts_alone(
    http: Http, admin: str, more: int
) -> None:
    """Lambda refuses an answer above 6 MB."""
    job_run_id, ledger = run_of(http.start(admin)), http.night.ledger
    ids = tuple(UUID(int=number) for number in range(MAX_IDS + more))

    def pages(_job_run_id: UUID) -> list[Page]:
        return [Page(1, ids, PageOutcome(applied=ids))]

    large: Any = SimpleNamespace(find_run=ledger.find_run, pages=SimpleNamespace(list=pages))
    http.runs = replace(http.runs, ledger=large)
    answer = http.ask("GET", f"/runs/{job_run_id}", admin)
    assert (answer.status, answer.body["pages_planned"]) == (200, 1)
    assert len(answer.body["mentor_ids_applied"] or ()) == (0 if more else MAX_IDS)
    assert answer.body["mentor_ids_errored"] == (None if more else [])
    assert len(answer.text) < 4_500_000


def test_a_ledger_that_is_silent_holds_nobody_up(http: Http, admin: str) -> None:
    """R2: whatever is asked behind the door ends with the request's limit."""
    job_run_id, answered = run_of(http.start(admin)), Event()

    def find_run(_job_run_id: UUID) -> object:
        return answered.wait(10)

    silent: Any = SimpleNamespace(find_run=find_run)
    http.runs = replace(http.runs, ledger=silent)
    with time_limit(1):
        answer = http.ask("GET", f"/runs/{job_run_id}", admin)
    answered.set()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    (line,) = http.night.lines("not answered")
    assert line["reason"] == "the ledger was not read in time"


def test_authentication_has_its_own_limit_and_the_rest_has_that_of_the_request(
    http: Http, coordinator: str
) -> None:
    """R2: whatever is asked behind the door is asked within these seconds."""
    found: list[float] = []
    whole = http.handler
    http.handler = replace(
        whole,
        open_authenticator=lambda: (found.append(seconds_left()), whole.open_authenticator())[1],
        open_runs=lambda: (found.append(seconds_left()), whole.open_runs())[1],
    )
    with time_limit(24):
        assert http.ask("GET", "/jobs", coordinator).status == 200
    with time_limit(2):
        assert http.ask("GET", "/jobs", coordinator).status == 200
    assert [round(seconds) for seconds in found] == [5, 24, 2, 2]
