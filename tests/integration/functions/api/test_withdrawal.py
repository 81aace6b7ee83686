"""Withdrawing a run by HTTP: the preview, the three lists, and who may (G5)."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from mentor_pause.errors import DispatcherUnavailable
from support.http import Answer, Http, add_member, problem_of
from support.identity import MACHINE_SECRET, token_of
from support.night import run_id
from support.roster import ORG, TODAY, Roster

LISTS = {
    "resumed": "mentor_ids_applied",
    "changed": "mentor_ids_changed_since",
    "expired": "mentor_ids_still_expired",
}


@pytest.fixture
def mentors(http: Http, roster: Roster) -> dict[str, UUID]:
    """Three mentors whom the night paused; since then one was renewed, and one was ended."""
    http.night.fire()
    http.night.work_off()
    ids = sorted(row["id"] for row in roster.rows("select id from peer_mentors"))
    found: dict[str, UUID] = dict(zip(("resumed", "changed", "expired"), ids, strict=True))
    roster.certify(found["resumed"], datetime.now(UTC).date() + timedelta(days=400))
    roster.db.execute(
        "select update_mentor_status(%s, %s, 'inactive', 'moved_away')", (found["changed"], ORG)
    )
    return found


def withdraw(
    http: Http, credential: str, job_run_id: UUID | None = None, *, dry_run: bool = False
) -> Answer:
    """Ask for the withdrawal of a run."""
    path = f"/runs/{job_run_id or run_id()}/withdrawal"
    return http.ask("POST", path, credential, json.dumps({"dry_run": dry_run}))


def result_of(http: Http, answer: Answer, credential: str) -> dict[str, object]:
    """Finish the run of an answer, and return it."""
    assert answer.status == 202
    assert answer.headers["Location"] == f"../{answer.body['job_run_id']}"
    http.night.work_off()
    return http.ask("GET", f"/runs/{answer.body['job_run_id']}", credential).body


def test_a_withdrawal_lists_resumed_changed_and_still_expired(
    http: Http, roster: Roster, mentors: dict[str, UUID]
) -> None:
    """G5: the run's row names who asked for it, and the run that it takes back."""
    person = add_member(roster, "admin")
    found = result_of(http, withdraw(http, token_of(person)), token_of(person))
    assert {name: found[kept] for name, kept in LISTS.items()} == {
        name: [str(mentor)] for name, mentor in mentors.items()
    }
    assert (found["job_name"], found["status"], found["resumed_count"]) == (
        "withdrawal", "completed", 1,
    )  # fmt: skip
    assert (found["withdraws"], found["triggered_by"]) == (str(run_id()), f"user {person}")
    assert roster.status(mentors["resumed"]) == "active"


def test_a_preview_lists_the_same_and_changes_nothing(
    http: Http, roster: Roster, mentors: dict[str, UUID], admin: str
) -> None:
    """G5."""
    before = roster.history()
    found = result_of(http, withdraw(http, admin, dry_run=True), admin)
    assert (found["dry_run"], [found[kept] for kept in LISTS.values()]) == (
        True, [[str(mentor)] for mentor in mentors.values()],
    )  # fmt: skip
    assert roster.history() == before


def test_a_coordinator_sees_the_counts_of_a_withdrawal(
    http: Http, mentors: dict[str, UUID], admin: str, coordinator: str
) -> None:
    """S4: some of its mentors belong to other coordinators."""
    assert len(mentors) == 3
    found = result_of(http, withdraw(http, admin), coordinator)
    assert [found[kept] for kept in LISTS.values()] == [None, None, None]
    assert (found["resumed_count"], found["skipped_count"]) == (1, 2)


@pytest.mark.parametrize("who", ["coordinator", "machine", "stranger"])
def test_nobody_but_an_administrator_withdraws(
    http: Http, roster: Roster, mentors: dict[str, UUID], coordinator: str, who: str
) -> None:
    """G5, O3: the log has a row about the refused request."""
    credential = {
        "coordinator": coordinator, "machine": MACHINE_SECRET, "stranger": token_of(uuid4()),
    }[who]  # fmt: skip
    answer = withdraw(http, credential)
    assert (answer.status, problem_of(answer)) == (403, "/problems/permission-denied")
    row = roster.log()[-1]
    assert (row["status"], row["job_name"]) == ("refused", "withdrawal")
    assert roster.status(mentors["resumed"]) == "paused"


def test_a_run_that_pauses_nobody_is_not_withdrawable(http: Http, admin: str) -> None:
    """G5: a dry run, a run in progress, a withdrawal."""
    dry = UUID(http.start(admin, as_of=str(TODAY), dry_run=True).body["job_run_id"])
    http.night.work_off()
    http.night.fire()
    for job_run_id in (dry, run_id()):
        answer = withdraw(http, admin, job_run_id)
        assert (answer.status, problem_of(answer)) == (409, "/problems/not-withdrawable")
    http.night.work_off()
    done = withdraw(http, admin)
    http.night.work_off()
    again = withdraw(http, admin, UUID(done.body["job_run_id"]))
    assert (again.status, problem_of(again)) == (409, "/problems/not-withdrawable")


def test_an_unknown_run_is_not_found(http: Http, admin: str) -> None:
    """404."""
    answer = withdraw(http, admin, uuid4())
    assert (answer.status, problem_of(answer)) == (404, "/problems/unknown-run")


@pytest.mark.parametrize("body", [None, "{}", '{"dry_run": 1}', '{"dry_run": true, "x": 1}'])
def test_a_wrong_body_withdraws_nothing(
    http: Http, roster: Roster, mentors: dict[str, UUID], admin: str, body: str | None
) -> None:
    """R5: the caller has to say whether they want a preview."""
    answer = http.ask("POST", f"/runs/{run_id()}/withdrawal", admin, body)
    assert (answer.status, problem_of(answer)) == (422, "/problems/invalid-request")
    assert roster.status(mentors["resumed"]) == "paused"


def test_a_silent_dispatcher_leaves_the_state_open(
    http: Http, mentors: dict[str, UUID], admin: str
) -> None:
    """R6: 503 with the run's address. A repetition resumes nobody twice."""
    assert len(mentors) == 3
    http.answer = DispatcherUnavailable("the dispatcher broke down")
    answer = withdraw(http, admin)
    assert (answer.status, problem_of(answer)) == (503, "/problems/run-state-unknown")
    assert answer.headers["Location"] == f"../{answer.body['job_run_id']}"
