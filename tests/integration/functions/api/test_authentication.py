"""Callers of the HTTP entry are checked before anything else happens (D3, O3, D4)."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from mentor_pause.retry import seconds_left, time_limit
from support import identity
from support.http import Http, problem_of
from support.identity import token_of
from support.roster import Roster

WRONG = identity.wrong_tokens()
PATHS = [
    ("GET", "/jobs"),
    ("GET", "/runs"),
    ("GET", f"/runs/{UUID(int=7)}"),
    ("POST", "/jobs/certification_expiry/runs"),
    ("POST", "/jobs/unknown/runs"),
    ("GET", "/nowhere"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("credential", [None, "expired", "alg none", "other project"])
def test_without_a_valid_credential_nothing_else_happens(
    http: Http, roster: Roster, method: str, path: str, credential: str | None
) -> None:
    """D3: 401, before the entry reads the body. It calls no database, ledger or dispatcher."""
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
def test_no_wrong_token_starts_a_run_or_is_logged(http: Http, roster: Roster, what: str) -> None:
    """D3: every wrong token of `support/identity.py`."""
    answer = http.start(WRONG[what])
    assert answer.status == 401
    assert (roster.log(), roster.history()) == ([], [])
    if len(WRONG[what]) > 8:
        assert WRONG[what][:1000] not in http.night.output.getvalue()


def test_a_caller_who_is_not_a_member_is_refused_with_a_row(http: Http, roster: Roster) -> None:
    """O3, D4: 403. The row names the job. The same holds for members of another organisation."""
    other = roster.add_organisation()
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
        for job in ["certification_expiry"]  # one row a minute, so that no caller can fill the log
    ]
    assert {(row["status"], row["trigger"]) for row in rows} == {("refused", "manual")}
    assert "only coordinators and administrators" in rows[0]["error"]
    assert roster.history() == []


def test_a_caller_who_has_left_the_organisation_is_refused(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """The token is still valid, but the present membership counts."""
    assert http.ask("GET", "/runs", coordinator).status == 200
    roster.db.execute("delete from org_members")
    assert http.ask("GET", "/runs", coordinator).status == 403


def test_a_refusal_stays_a_refusal_when_its_row_cannot_be_written(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """The log line says why the row is missing."""
    roster.db.execute("alter function begin_execution rename to begin_execution_gone")
    assert http.start(coordinator, "nonsense").status == 404
    assert http.start(token_of(uuid4())).status == 403
    assert len(http.night.lines("refusal not recorded")) == 2


def test_without_a_credential_the_entry_reads_no_secret(http: Http) -> None:
    """D3: 401, even if the secrets could not be read."""

    def broken() -> Any:
        pytest.fail("the secrets were read")

    http.handler = replace(http.handler, open_authenticator=broken)
    for credential in (None, "", "nøkkel", "a" * 9000):
        assert http.ask("GET", "/runs", credential).status == 401


def test_no_caller_is_let_in_while_the_database_is_down(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """Their membership is unknown."""
    roster.db.execute("drop function get_member_role")
    assert http.start(coordinator).status == 503
    assert roster.log() == []


def test_authentication_has_its_own_limit_and_the_rest_has_that_of_the_request(
    http: Http, coordinator: str
) -> None:
    """R2: every call of the entry has a time limit."""
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
