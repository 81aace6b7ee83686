"""The console's two ways to Supabase: database functions as the signed-in person, and sign-in.

It has no credential of its own. Each call of a database function carries the person's token, so
row-level security decides (C2). PostgREST verifies the token; the console only forwards it.

Sources: PostgREST's documentation, "Functions as RPC"; Supabase Auth's `openapi.yaml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, cast

from mentor_pause.database.answers import read_answer
from mentor_pause.database.rest import encode_arguments
from mentor_pause.errors import AuthUnavailable, DatabaseUnavailable, SessionEnded
from mentor_pause.http import Http, HttpError, Request, Response
from mentor_pause.http.client import HttpClient
from mentor_pause.retry import OutOfTime

type Json = Any
"""A decoded JSON value. The file of each database function describes its shape."""

CALL_SECONDS = 12.0
"""The wait for one answer. The database ends a person's call after 8 s (`statement_timeout`)."""

_REFUSALS = (
    HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY,
)  # fmt: skip
"""Statuses of Supabase Auth about the address or the code. Others, such as 401, are about us."""

_SENT_BEFORE = "over_email_send_rate_limit"

_LONGEST_TOKEN = 3800
"""Characters. A browser stores a cookie of 4,096 bytes with its name and attributes."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that Supabase Auth has just begun."""

    token: str = field(repr=False)
    seconds: int
    """How long the token is valid."""


class Supabase:
    """One HTTP client, which keeps its connections open between requests."""

    def __init__(self, url: str, publishable_key: str, http: Http | None = None) -> None:
        """`url` is the project's address."""
        self._url = url.rstrip("/")
        self._headers = {"apikey": publishable_key, "Content-Type": "application/json"}
        self._http = http or HttpClient(connect_seconds=4.0)

    def call(self, token: str, function: str, arguments: Mapping[str, object]) -> Json:
        """Call a database function as the person whose token it is; return its JSON answer.

        Raises:
            SessionEnded: the token is not valid any more.
            DatabaseError: the database refused; the error has the SQLSTATE and the hint.
            RetryableDatabaseError: the call failed for another reason.
        """
        response = self._post(f"/rest/v1/rpc/{function}", arguments, _bearer(token))
        if response is None:
            raise DatabaseUnavailable("Supabase's REST interface did not answer")
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise SessionEnded("Supabase does not accept the token")
        answer = read_answer(function, response)
        if answer.is_list:
            return [dict(row) for row in answer.rows]
        return answer.rows[0][function]

    def send_code(self, email: str) -> Literal["sent", "too often", "not sent"]:
        """Have Supabase Auth send a code, if the address belongs to an account.

        An unknown address counts as sent too. Supabase Auth sends an account one code a minute, and
        refuses more with an error of its own: that answer counts as sent, because only a known
        address gets it. For the same reason a failure that Supabase Auth itself reports, such as a
        mail server that refuses, is no exception: "not sent" is for the log, not for the person.
        The time of an answer tells a known address from an unknown one.

        Raises:
            AuthUnavailable: Supabase Auth cannot be reached.
        """
        response = self._post("/auth/v1/otp", {"email": email, "create_user": False})
        status = response.status_code if response is not None else 0
        if response is not None and status == HTTPStatus.TOO_MANY_REQUESTS:
            return "sent" if _error_code(response) == _SENT_BEFORE else "too often"
        if response is not None and response.is_server_error and _error_code(response):
            return "not sent"
        if response is None or not (response.is_success or status in _REFUSALS):
            raise AuthUnavailable(f"no code was sent: HTTP {status}")
        return "sent"

    def verify(self, email: str, code: str) -> Session | Literal["too often"] | None:
        """Exchange a code for a session; None: the code is wrong, used or too old.

        Raises:
            AuthUnavailable: the code was not checked.
        """
        wanted = {"type": "email", "email": email, "token": code}
        response = self._post("/auth/v1/verify", wanted)
        if response is None:
            raise AuthUnavailable("Supabase Auth did not answer")
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return "too often"
        if response.status_code in _REFUSALS:
            return None
        session = _session(response)
        if session is None:
            raise AuthUnavailable(f"no session: HTTP {response.status_code}")
        return session

    def end_session(self, token: str) -> None:
        """Have Supabase Auth forget the session's refresh token; a failure does not matter."""
        self._post("/auth/v1/logout?scope=local", {}, _bearer(token))

    def _post(
        self, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> Response | None:
        """Return the answer; None: there was none in time."""
        content, sent = encode_arguments(body), {**self._headers, **(headers or {})}
        try:
            return self._http.send(
                Request("POST", f"{self._url}{path}", sent, content, CALL_SECONDS)
            )
        except (OutOfTime, HttpError):
            return None


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _error_code(response: Response) -> str:
    try:
        return str(cast("dict[str, Any]", response.json())["error_code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _session(response: Response) -> Session | None:
    try:
        body = cast("dict[str, Any]", response.json())
        token, seconds = str(body["access_token"]), int(body["expires_in"])
    except (ValueError, KeyError, TypeError):
        return None
    is_usable = response.is_success and token.isascii() and len(token) <= _LONGEST_TOKEN
    return Session(token, seconds) if is_usable else None
