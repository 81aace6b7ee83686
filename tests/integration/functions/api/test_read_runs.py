"""Reading runs: coordinators, administrators and machines see different parts (O3, S4)."""

from dataclasses import replace
from threading import Event
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.models import MAX_IDS
from mentor_pause.domain.runs import Page, PageOutcome
from mentor_pause.retry import time_limit
from support.http import Http, add_member, problem_of, run_of
from support.identity import MACHINE_SECRET, token_of
from support.roster import ORG, TODAY, Roster


def test_a_run_is_followed_to_its_end(http: Http, roster: Roster, admin: str) -> None:
    """O3: its progress first, then its result."""
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
    """S4: some of the mentors belong to other coordinators."""
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
    """S4: in the run, in its row and in the list of runs."""
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


def test_a_run_that_has_expired_in_the_ledger_is_read_from_the_log(
    http: Http, roster: Roster, admin: str
) -> None:
    """Runs of the database's own job are only there, too."""
    (ran,) = roster.rows("select * from run_certification_expiry(%s, %s)", ORG, TODAY)
    found = http.ask("GET", f"/runs/{ran['job_run_id']}", admin).body
    assert (found["status"], found["paused_count"]) == ("completed", 3)
    assert (found["pages_closed"], found["mentor_ids_applied"]) == (None, None)


def test_an_unknown_run_or_path_is_not_found(http: Http, roster: Roster, coordinator: str) -> None:
    """A run of another organisation gets the same answer."""
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


def test_the_newest_runs_come_first_up_to_the_limit(http: Http, coordinator: str) -> None:
    """The list has refused runs, too."""
    for _ in range(3):
        http.start(coordinator)
    found = http.ask("GET", "/runs", coordinator, limit="2").body
    assert [run["status"] for run in found] == ["refused", "refused"]
    assert len(http.ask("GET", "/runs", coordinator).body) == 3
    for wrong in ("0", "101", "many", "-1"):
        assert http.ask("GET", "/runs", coordinator, limit=wrong).status == 422


def test_coordinators_see_no_user_id_but_their_own(http: Http, roster: Roster, admin: str) -> None:
    """S4: as in row-level security. Administrators and machines see all user ids."""
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
    """An answer of Lambda may have 6 MB."""
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
def test_a_run_with_too_many_mentors_for_an_answer_has_only_counts(
    http: Http, admin: str, more: int
) -> None:
    """An answer of Lambda may have 6 MB."""
    job_run_id, ledger = run_of(http.start(admin)), http.night.ledger
    ids = tuple(UUID(int=number) for number in range(MAX_IDS + more))

    def pages(_job_run_id: UUID, _numbers: range) -> list[Page]:
        return [Page(1, ids, PageOutcome(applied=ids))]

    large: Any = SimpleNamespace(
        find_run=ledger.find_run, pages=SimpleNamespace(read=pages), closed=ledger.closed
    )
    http.runs = replace(http.runs, ledger=large)
    answer = http.ask("GET", f"/runs/{job_run_id}", admin)
    assert (answer.status, answer.body["pages_planned"]) == (200, 1)
    assert len(answer.body["mentor_ids_applied"] or ()) == (0 if more else MAX_IDS)
    assert answer.body["mentor_ids_errored"] == (None if more else [])
    assert len(answer.text) < 4_500_000


def test_a_silent_ledger_does_not_delay_the_answer(http: Http, admin: str) -> None:
    """R2: each call of the entry ends within the request's limit."""
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
