"""The stand-in for Supabase Auth answers as the real one does (C3)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local.rest_callers import PUBLISHABLE_KEY
from local.supabase import serving
from local.supabase_project import Project, make_project
from support.cluster import Cluster
from support.roster import ORG, Roster

ADDRESS = "kari@example.org"


@dataclass
class Sent:
    """Keeps the codes instead of sending them."""

    codes: list[str] = field(default_factory=list[str])

    def send(self, address: str, code: str) -> None:
        """Keep a code."""
        assert address == ADDRESS
        self.codes.append(code)


@pytest.fixture
def project(roster: Roster, cluster: Cluster) -> Project:
    """A project in which one coordinator has an account."""
    roster.db.execute(
        "insert into org_members (org_id, user_id, role)"
        " values (%s, gen_random_uuid(), 'coordinator')",
        (ORG,),
    )
    roster.db.execute(
        "insert into member_contacts (org_id, user_id, display_name, email, language)"
        " select org_id, user_id, 'Kari', %s, 'nb' from org_members limit 1",
        (ADDRESS,),
    )
    made = make_project(cluster.server.url(str(roster.db.info.dbname)))
    made.auth.sender = Sent()
    return made


@pytest.fixture
def client(project: Project) -> Iterator[httpx.Client]:
    """A client of the project, with its publishable key."""
    with (
        serving(project) as url,
        httpx.Client(base_url=url, headers={"apikey": PUBLISHABLE_KEY}, trust_env=False) as found,
    ):
        yield found


def ask(client: httpx.Client, **body: Any) -> httpx.Response:
    """Ask for a code."""
    return client.post("/auth/v1/otp", json={"email": ADDRESS, "create_user": False} | body)


def verify(client: httpx.Client, code: str) -> httpx.Response:
    """Type a code."""
    return client.post("/auth/v1/verify", json={"type": "email", "email": ADDRESS, "token": code})


def code_of(project: Project) -> str:
    """Return the newest code."""
    assert isinstance(project.auth.sender, Sent)
    return project.auth.sender.codes[-1]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error."""
    assert answer.json().keys() == {"code", "error_code", "msg"}
    assert answer.headers["x-sb-error-code"] == answer.json()["error_code"]
    return answer.status_code, answer.json()["error_code"]


def test_a_code_signs_in_once(client: httpx.Client, project: Project) -> None:
    """otp.go, verify.go, tokens/service.go: in any case of the address; the token reaches REST."""
    assert ask(client, email=ADDRESS.upper()).json() == {}
    code = code_of(project)
    assert re.fullmatch(r"\d{6}", code)
    signed_in = verify(client, code)
    assert (signed_in.status_code, signed_in.json()["expires_in"]) == (200, 3600)
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
