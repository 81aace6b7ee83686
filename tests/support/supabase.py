"""A client of the stand-in for a Supabase project, as tests need it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec

from local.identity import token_of
from local.rest_callers import PUBLISHABLE_KEY
from support.roster import ORG

ADDRESS = "kari@example.org"
HOUR = 3600


@dataclass
class Sent:
    """Keeps the codes instead of sending them."""

    codes: list[str] = field(default_factory=list[str])

    def send(self, address: str, code: str) -> None:
        """Keep a code."""
        assert address == ADDRESS
        self.codes.append(code)


def add_coordinator(db: psycopg.Connection, address: str = ADDRESS) -> UUID:
    """Add a coordinator who has an account, and return the person's id."""
    user_id = uuid4()
    db.execute(
        "insert into org_members (org_id, user_id, role) values (%s, %s, 'coordinator')",
        (ORG, user_id),
    )
    db.execute(
        "insert into member_contacts (org_id, user_id, display_name, email, language)"
        " values (%s, %s, 'Kari', %s, 'nb')",
        (ORG, user_id, address),
    )
    return user_id


def visitor(url: str) -> httpx.Client:
    """Return a client with the publishable key."""
    return httpx.Client(base_url=url, headers={"apikey": PUBLISHABLE_KEY}, trust_env=False)


def ask(client: httpx.Client, **body: Any) -> httpx.Response:
    """Ask for a code."""
    return client.post("/auth/v1/otp", json={"email": ADDRESS, "create_user": False} | body)


def verify(client: httpx.Client, code: str) -> httpx.Response:
    """Type a code."""
    return client.post("/auth/v1/verify", json={"type": "email", "email": ADDRESS, "token": code})


def call(client: httpx.Client, function: str, body: Any = None, token: str = "") -> httpx.Response:
    """Call a function, with a person's token unless it is empty."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.post(
        f"/rest/v1/rpc/{function}", json={} if body is None else body, headers=headers
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error of Auth's."""
    assert answer.json().keys() == {"code", "error_code", "msg"}
    assert answer.headers["x-sb-error-code"] == answer.json()["error_code"]
    return answer.status_code, answer.json()["error_code"]


def error(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error of PostgREST's."""
    assert answer.json().keys() == {"code", "message", "details", "hint"}
    assert answer.headers["Proxy-Status"] == f"PostgREST; error={answer.json()['code']}"
    return answer.status_code, answer.json()["code"]


def token(key: ec.EllipticCurvePrivateKey, seconds: int = HOUR, role: str = "authenticated") -> str:
    """Return the token of a person, who is nobody in particular."""
    return token_of(uuid4(), "http://127.0.0.1/auth/v1", key, seconds, role=role)
