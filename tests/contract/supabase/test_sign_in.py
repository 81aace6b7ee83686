"""The stand-in for Supabase Auth answers as the real one does (C3)."""

import re
import time
from uuid import UUID

import httpx
import pytest

from local.rest_callers import PUBLISHABLE_KEY
from local.supabase import serving
from local.supabase_project import Project, make_project
from support.roster import Roster
from support.supabase import (
    ADDRESS,
    HOUR,
    Sent,
    add_coordinator,
    ask,
    call,
    refusal,
    token,
    verify,
    visitor,
)


def code_of(project: Project) -> str:
    """Return the newest code."""
    assert isinstance(project.auth.sender, Sent)
    return project.auth.sender.codes[-1]


def test_a_code_signs_in_once(client: httpx.Client, project: Project) -> None:
    """otp.go, verify.go, tokens/service.go: in any case of the address; the token reaches REST."""
    assert ask(client, email=ADDRESS.upper()).json() == {}
    code = code_of(project)
    assert re.fullmatch(r"\d{8}", code)
    signed_in = verify(client, code)
    assert (signed_in.status_code, signed_in.json()["expires_in"]) == (200, HOUR)
    assert refusal(verify(client, code)) == (403, "otp_expired")
    bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    assert client.post("/rest/v1/rpc/list_my_messages", json={}, headers=bearer).json() == []
    assert client.post("/rest/v1/rpc/list_my_messages", json={}).status_code == 401
    assert client.post("/auth/v1/logout?scope=local", headers=bearer).status_code == 204
    again = client.post("/auth/v1/logout?scope=local", headers=bearer)
    assert refusal(again) == (403, "session_not_found")


def test_refusals(client: httpx.Client, project: Project) -> None:
    """otp.go, mail.go, verify.go, apilimiter.go."""
    assert refusal(ask(client, email="nobody@example.org")) == (422, "otp_disabled")
    assert refusal(ask(client, email="nobody")) == (422, "otp_disabled")
    assert refusal(ask(client, email="nobody", create_user=True)) == (400, "validation_failed")
    assert ask(client).status_code == 200
    assert refusal(ask(client)) == (429, "over_email_send_rate_limit")
    wrong = "000000" if code_of(project) != "000000" else "111111"
    assert {refusal(verify(client, wrong)) for _ in range(30)} == {(403, "otp_expired")}
    assert refusal(verify(client, wrong)) == (429, "over_request_rate_limit")


@pytest.mark.parametrize(("later", "status"), [(540, 200), (660, 403)])
def test_a_code_is_valid_for_ten_minutes(
    client: httpx.Client, project: Project, later: int, status: int
) -> None:
    """verify.go, isOtpValid."""
    ask(client)
    project.auth.codes.clock = lambda: time.time() + later
    assert verify(client, code_of(project)).status_code == status


def test_only_the_newest_code_is_valid(client: httpx.Client, project: Project) -> None:
    """mail.go: a new code replaces the old code of the same person."""
    ask(client)
    old = code_of(project)
    project.auth.codes.clock = lambda: time.time() + 61
    assert ask(client).status_code == 200
    assert code_of(project) != old, "the codes are random"
    assert refusal(verify(client, old)) == (403, "otp_expired")
    assert verify(client, code_of(project)).status_code == 200


def test_a_database_that_is_gone() -> None:
    """verify.go, magic_link.go."""
    gone = make_project("postgresql://x:y@127.0.0.1:1/x")
    with serving(gone) as url, visitor(url) as client:
        for answer in (ask(client), verify(client, "123456")):
            assert refusal(answer) == (500, "unexpected_failure")
            assert answer.json()["msg"] == "Database error finding user"


def test_two_people_with_one_address(
    client: httpx.Client, project: Project, roster: Roster
) -> None:
    """Supabase has no two; here a member comes before a mentor, then the smaller id."""
    (first,) = roster.rows("select user_id from member_contacts")
    second = add_coordinator(roster.db)
    mentor = roster.add_mentor()
    user_id = UUID(int=1)
    roster.db.execute("update peer_mentors set user_id = %s where id = %s", (user_id, mentor))
    roster.db.execute(
        "insert into mentor_contacts (mentor_id, display_name, email, language)"
        " values (%s, 'Ola', %s, 'nb')",
        (mentor, ADDRESS),
    )
    ask(client)
    signed_in = verify(client, code_of(project)).json()
    assert signed_in["user"]["id"] == str(min(first["user_id"], second))


@pytest.mark.parametrize("key", [None, "sb_publishable_of_another_project"])
def test_a_request_without_the_key(client: httpx.Client, key: str | None) -> None:
    """The gateway in front of both answers it."""
    url = client.base_url.join("auth/v1/otp")
    headers = {"apikey": key} if key else {}
    answer = httpx.post(url, json={"email": ADDRESS}, headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert PUBLISHABLE_KEY not in answer.text


def test_signing_out_needs_a_good_token(client: httpx.Client, project: Project) -> None:
    """auth.go."""
    assert refusal(client.post("/auth/v1/logout")) == (401, "no_authorization")
    old = {"Authorization": f"Bearer {token(project.key, -HOUR)}"}
    assert refusal(client.post("/auth/v1/logout", headers=old)) == (403, "bad_jwt")
    assert call(client, "list_my_messages", token=token(project.key)).status_code == 200
