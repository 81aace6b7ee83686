"""Approving a plan by HTTP: who may, for which plan, and what follows (G4)."""

import json
from uuid import UUID, uuid4

import pytest

from mentor_pause.domain.runs import run_id_of
from mentor_pause.errors import DispatcherUnavailable
from support.brake import Brake
from support.http import Answer, Http, add_member, problem_of
from support.identity import MACHINE_SECRET, token_of
from support.night import run_id
from support.roster import ORG, TODAY, TOMORROW, Roster

NOTE = "Portalen hadde rett dato"
RELEASE = run_id_of("certification_expiry", ORG, f"approval-{run_id()}")


@pytest.fixture
def plan_hash(http: Http, roster: Roster, admin: str) -> str:
    """The hash of a plan that holds three mentors."""
    Brake(roster).set("hold", 0, 0)
    http.night.fire()
    http.night.work_off()
    return hash_of(http, admin)


def hash_of(http: Http, credential: str, job_run_id: UUID | None = None) -> str:
    """Return the hash of a run's plan."""
    return http.ask("GET", f"/runs/{job_run_id or run_id()}/plan", credential).body["plan_hash"]


def approve(http: Http, credential: str, plan_hash: str, job_run_id: UUID | None = None) -> Answer:
    """Ask for an approval."""
    body = json.dumps({"plan_hash": plan_hash, "note": NOTE})
    return http.ask("POST", f"/runs/{job_run_id or run_id()}/approval", credential, body)


def approvals(roster: Roster) -> list[str]:
    """Return who approved a plan."""
    return [row["approved_by"] for row in roster.rows("select * from plan_approvals")]


def test_an_approval_starts_the_run_that_pauses_the_held(
    http: Http, roster: Roster, plan_hash: str
) -> None:
    """G4: the run's row names who asked for it, the plan, and the approval."""
    person = add_member(roster, "admin")
    answer = approve(http, token_of(person), plan_hash)
    assert (answer.status, answer.body["job_run_id"]) == (202, str(RELEASE))
    assert answer.headers["Location"] == f"../{RELEASE}"
    assert answer.body["approval"].items() >= {
        "approved_by": f"user {person}", "note": NOTE,
    }.items()  # fmt: skip
    assert (answer.body["held_count"], answer.body["changed_count"]) == (3, 0)
    http.night.work_off()
    row = roster.log()[-1]
    assert (row["job_run_id"], row["status"], row["paused_count"]) == (RELEASE, "completed", 3)
    assert (row["trigger"], row["triggered_by"]) == ("manual", f"user {person}")
    found = http.ask("GET", f"/runs/{RELEASE}", token_of(person)).body
    assert found["approval"] == answer.body["approval"]
    assert (found["plan_hash"], found["plan_of"]) == (plan_hash, str(run_id()))


def test_a_coordinator_sees_neither_the_approver_nor_the_note(
    http: Http, roster: Roster, plan_hash: str, admin: str, coordinator: str
) -> None:
    """S4: machines see who approved, and no note. The note is a part of a mentor's history (G4)."""
    approve(http, admin, plan_hash)
    http.night.work_off()
    mentor = roster.rows("select id from peer_mentors limit 1")[0]["id"]
    for path in (
        "/runs", f"/runs/{RELEASE}", f"/runs/{run_id()}/plan", f"/mentors/{mentor}/why",
    ):  # fmt: skip
        seen = http.ask("GET", path, coordinator)
        has_note = (NOTE in seen.text) is path.endswith("/why")
        assert (seen.status, has_note, "user " in seen.text) == (200, True, False)
        assert "a person" in seen.text
        assert NOTE in http.ask("GET", path, admin).text
    seen = http.ask("GET", f"/runs/{RELEASE}", MACHINE_SECRET).body["approval"]
    assert (seen["approved_by"][:5], seen["note"]) == ("user ", None)


def test_a_repeated_request_gets_the_same_approval_and_the_same_run(
    http: Http, roster: Roster, plan_hash: str, admin: str
) -> None:
    """G4: also when it is another administrator who repeats it."""
    first = approve(http, admin, plan_hash)
    http.night.work_off()
    other = token_of(add_member(roster, "admin"))
    for again in (approve(http, admin, plan_hash), approve(http, other, plan_hash)):
        assert (again.status, again.body["status"]) == (202, "completed")
        assert again.body["job_run_id"] == first.body["job_run_id"]
        assert again.body["approval"] == first.body["approval"]
    assert len(approvals(roster)) == 1
    assert len(roster.history()) == 3


def test_mentors_who_have_changed_are_named_and_not_paused(
    http: Http, roster: Roster, plan_hash: str, admin: str
) -> None:
    """G4."""
    changed = roster.rows("select id from peer_mentors order by id")[0]["id"]
    roster.certify(changed, TOMORROW)
    answer = approve(http, admin, plan_hash)
    assert (answer.body["changed_count"], answer.body["mentor_ids_changed"]) == (1, [str(changed)])
    http.night.work_off()
    found = http.ask("GET", f"/runs/{RELEASE}", admin).body
    assert (found["paused_count"], found["skipped_count"]) == (2, 1)
    assert roster.status(changed) == "active"


@pytest.mark.parametrize("who", ["coordinator", "machine", "stranger"])
def test_nobody_but_an_administrator_approves(
    http: Http, roster: Roster, plan_hash: str, coordinator: str, who: str
) -> None:
    """G4, O3: also with a body that is not valid. The log has a row about the refused request."""
    credential = {
        "coordinator": coordinator, "machine": MACHINE_SECRET, "stranger": token_of(uuid4()),
    }[who]  # fmt: skip
    answer = approve(http, credential, plan_hash)
    assert (answer.status, problem_of(answer)) == (403, "/problems/permission-denied")
    path = f"/runs/{run_id()}/approval"
    assert http.ask("POST", path, credential, '{"x": 1}').status == 403
    assert approvals(roster) == []
    row = roster.log()[-1]
    assert (row["status"], row["job_name"]) == ("refused", "certification_expiry")
    assert "only" in row["error"]


def test_whoever_asked_for_the_run_does_not_approve_it(http: Http, roster: Roster) -> None:
    """G4."""
    Brake(roster).set("hold", 0, 0)
    me, other = token_of(add_member(roster, "admin")), token_of(add_member(roster, "admin"))
    job_run_id = UUID(http.start(me, as_of=str(TODAY)).body["job_run_id"])
    http.night.work_off()
    plan_hash = hash_of(http, me, job_run_id)
    answer = approve(http, me, plan_hash, job_run_id)
    assert (answer.status, problem_of(answer)) == (403, "/problems/own-run")
    assert approve(http, other, plan_hash, job_run_id).status == 202


def test_an_older_plan_is_refused_with_what_has_changed(
    http: Http, roster: Roster, plan_hash: str, admin: str
) -> None:
    """G4: the answer names the newest plan."""
    roster.add_mentor()
    http.night.fire("night-2")
    http.night.work_off()
    answer = approve(http, admin, plan_hash)
    assert (answer.status, problem_of(answer)) == (409, "/problems/plan-changed")
    assert "1 are new" in answer.body["detail"]
    assert str(run_id("night-2")) in answer.body["detail"]
    assert approve(http, admin, "0" * 64, run_id("night-2")).status == 409
    assert approvals(roster) == []


def test_a_plan_that_holds_nobody_is_refused(http: Http, admin: str) -> None:
    """G4."""
    http.night.fire()
    http.night.work_off()
    answer = approve(http, admin, hash_of(http, admin))
    assert (answer.status, problem_of(answer)) == (409, "/problems/nothing-held")


def test_the_plan_of_a_dry_run_or_of_no_run_cannot_be_approved(
    http: Http, roster: Roster, admin: str
) -> None:
    """G4."""
    Brake(roster).set("hold", 0, 0)
    other = token_of(add_member(roster, "admin"))
    job_run_id = UUID(http.start(admin, as_of=str(TODAY), dry_run=True).body["job_run_id"])
    plan_hash = hash_of(http, admin, job_run_id)
    for wanted in (job_run_id, uuid4()):
        answer = approve(http, other, plan_hash, wanted)
        assert (answer.status, problem_of(answer)) == (404, "/problems/unknown-plan")


@pytest.mark.parametrize(
    "body",
    [
        None, "{}", '{"plan_hash": "x", "note": "right"}', '{"plan_hash": "HASH"}',
        '{"plan_hash": "HASH", "note": "  x  "}', '{"plan_hash": "HASH", "note": "a\\u0000bc"}',
        '{"plan_hash": "HASH", "note": "right", "approver": "me"}',
    ],
)  # fmt: skip
def test_a_wrong_body_approves_nothing(
    http: Http, roster: Roster, plan_hash: str, admin: str, body: str | None
) -> None:
    """R5: 422. Nobody chooses the approver."""
    path = f"/runs/{run_id()}/approval"
    answer = http.ask("POST", path, admin, body and body.replace("HASH", plan_hash))
    assert (answer.status, problem_of(answer)) == (422, "/problems/invalid-request")
    assert approvals(roster) == []


def test_a_silent_dispatcher_leaves_the_approval_and_a_repetition_starts_the_run(
    http: Http, plan_hash: str, admin: str
) -> None:
    """G4, R6: the answer says both."""
    http.answer = DispatcherUnavailable("the dispatcher broke down")
    answer = approve(http, admin, plan_hash)
    assert (answer.status, problem_of(answer)) == (503, "/problems/run-state-unknown")
    detail = "the plan is approved, and its run may have started; repeat the request"
    assert (answer.body["detail"], answer.headers["Retry-After"]) == (detail, "10")
    assert answer.headers["Location"] == f"../{RELEASE}"
    plan = http.ask("GET", f"/runs/{run_id()}/plan", admin).body
    assert plan["approval"]["note"] == NOTE
    http.answer = {}
    answer = approve(http, admin, plan_hash)
    assert (answer.status, answer.body["job_run_id"]) == (202, str(RELEASE))


def test_an_approval_during_another_run_is_kept(
    http: Http, roster: Roster, plan_hash: str, admin: str
) -> None:
    """G4: 409 says so, and a repetition starts the run."""
    Brake(roster).warn([roster.add_mentor()])  # the run has a page
    coordinator = token_of(add_member(roster, "coordinator"))
    other = UUID(http.start(coordinator, as_of=str(TODAY)).body["job_run_id"])
    answer = approve(http, admin, hash_of(http, admin, other), other)
    assert (answer.status, problem_of(answer)) == (409, "/problems/run-in-progress")
    assert answer.body["detail"].startswith("the plan is approved, but")
    assert answer.headers["Location"] == f"../{other}"
    http.night.work_off()
    assert approve(http, admin, hash_of(http, admin, other), other).status == 202
