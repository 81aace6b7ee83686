"""A stand-in for Supabase Auth: sign-in by a code, and sign-out, as the console uses them.

Its errors are those of the real one (`auth_errors.py`). The people who have an account are the
members and mentors with an address whose rows name a user (`member_contacts`, `mentor_contacts`).

Sources: the repository supabase/auth, `internal/api/otp.go`, `verify.go`, `logout.go`, `auth.go`,
`internal/tokens/service.go`.
"""

import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec

from local.auth_codes import Codes
from local.auth_errors import AuthError
from local.identity import token_of
from local.rest_callers import Gate
from local.rest_calls import Connections
from local.rest_errors import Refusal

_LONGEST = 255
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PEOPLE = """
select c.user_id, lower(c.email), 1 as place from public.member_contacts as c
where lower(c.email) = lower(%(email)s)
union all
select m.user_id, lower(c.email), 2
from public.mentor_contacts as c join public.peer_mentors as m on m.id = c.mentor_id
where lower(c.email) = lower(%(email)s) and m.user_id is not null
order by place, user_id
limit 1
"""
"""Supabase has one account for an address. Here a member comes before a mentor with the same."""

type Answer = tuple[int, dict[str, Any] | None]


class Account(NamedTuple):
    """A person who can sign in."""

    user_id: UUID
    email: str


class Sender(Protocol):
    """Sends codes."""

    def send(self, address: str, code: str) -> None:
        """Send a code to an address."""
        ...


@dataclass(slots=True)
class Auth:
    """Answers the requests to `/auth/v1/`."""

    connections: Connections
    key: ec.EllipticCurvePrivateKey
    sender: Sender
    issuer: str = ""
    codes: Codes = field(default_factory=Codes)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sessions: dict[str, UUID] = field(default_factory=dict[str, UUID])

    def post(self, name: str, query: Mapping[str, str], body: Any, bearer: str) -> Answer:
        """Answer a POST; `name` is the last part of the address, `bearer` the header's value.

        Raises:
            AuthError: the request is refused.
        """
        with self._lock:
            match name:
                case "otp":
                    return self._otp(body)
                case "verify":
                    return self._verify(body)
                case "logout":
                    return self._logout(query.get("scope", "global"), bearer)
                case _:
                    return 404, None

    def _otp(self, body: Mapping[str, Any]) -> Answer:
        self.codes.count("otp", self.codes.settings.otp_limit)
        if not body.get("email"):
            raise AuthError("no address")
        # The real one would sign a new person up if the request and the project allowed it. If the
        # request does not, it says the same of an address that is none.
        fault = "unknown address" if body.get("create_user") is False else "bad address"
        account = self._find(_checked(body["email"], fault))
        if account is None:
            raise AuthError("unknown address")
        self.codes.assert_may_send(account.user_id)
        try:
            self.sender.send(account.email, self.codes.make(account.user_id))
        except Exception as error:
            self.codes.take_back(account.user_id)
            raise AuthError("not sent") from error
        return 200, {}

    def _verify(self, body: Mapping[str, Any]) -> Answer:
        self.codes.count("verify", self.codes.settings.verify_limit)
        if not body.get("type"):
            raise AuthError("no type")
        if not body.get("token"):
            raise AuthError("no code")
        if not body.get("email"):
            raise AuthError("no address to verify")
        address = _checked(body["email"], "bad address to verify")
        if body["type"] not in ("email", "magiclink"):
            raise AuthError("other type")
        account = self._find(address)
        if account is None:
            raise AuthError("wrong code")
        self.codes.use(account.user_id, str(body["token"]))
        return 200, self._session_of(account)

    def _session_of(self, account: Account) -> dict[str, Any]:
        session, seconds = str(uuid4()), self.codes.settings.token_seconds
        self._sessions[session] = account.user_id
        now = int(self.codes.clock())
        person = {"email": account.email, "session_id": session}
        token = token_of(account.user_id, self.issuer, self.key, seconds, now=now, **person)
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": seconds,
            "expires_at": now + seconds,
            "refresh_token": secrets.token_urlsafe(9),
            "user": {
                "id": str(account.user_id),
                "aud": "authenticated",
                "role": "authenticated",
                "email": account.email,
                "is_anonymous": False,
            },
        }

    def _logout(self, scope: str, bearer: str) -> Answer:
        claims = self._claims(bearer)
        session, user_id = claims.get("session_id"), claims.get("sub")
        if session and session not in self._sessions:
            raise AuthError("signed out")
        if scope not in ("", "global", "local", "others"):
            raise AuthError("bad scope", scope)
        for other, owner in list(self._sessions.items()):
            is_meant = {"local": other == session, "others": other != session}.get(scope, True)
            if is_meant and str(owner) == user_id:
                del self._sessions[other]
        return 204, None

    def _claims(self, bearer: str) -> dict[str, Any]:
        scheme, _, token = bearer.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise AuthError("no token")
        try:
            return Gate(self.key.public_key()).claims(token)
        except Refusal as refusal:
            raise AuthError("bad token", refusal) from None

    def _find(self, address: str) -> Account | None:
        try:
            with self.connections.transaction() as connection:
                row = connection.execute(_PEOPLE, {"email": address}).fetchone()
        except (psycopg.Error, Refusal) as error:
            raise AuthError("no database") from error
        return Account(row[0], row[1]) if row else None


def _checked(address: object, fault: str) -> str:
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address) or len(address) > _LONGEST:
        raise AuthError(fault)
    return address.lower()
