"""What the stand-in for a Supabase project answers to which request.

The REST side speaks PostgREST's dialect for RPC, over a real PostgreSQL. It follows PostgREST's own
specification: `rest_errors.py` for errors, `rest_callers.py` for keys and tokens, and for the rest
these files of its repository:

* `test/spec/Feature/Query/RpcSpec.hs`: named arguments from a JSON object; a scalar as bare JSON, a
  set as an array, nothing (204) for void; filters and order; overloaded functions (300, PGRST203).
* `test/spec/Feature/Query/QueryLimitedSpec.hs`, `RangeSpec.hs`: `max-rows` cuts silently (200,
  total `*`); with `Prefer: count=exact` an answer that is cut is 206, and `Content-Range` has the
  total.
* `src/PostgREST/Query/Statements.hs`: the count is of the same call, which is made once.
* `src/PostgREST/Plan.hs`: a function that is not volatile runs in a read only transaction.

The Auth side is `auth.py`. Faults that tests and developers switch on are in `supabase_faults.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec

from local.auth import Auth
from local.auth_errors import AuthError
from local.auth_mail import Mailer
from local.rest_callers import KEYS, LEGACY_JWT, Gate
from local.rest_calls import Rest
from local.rest_errors import Refusal, status_of
from local.rest_pool import Pool
from local.supabase_faults import Faults

_NO_KEY = {
    "message": "No API key found in request",
    "hint": "No `apikey` request header or url param was found.",
}
_WRONG_KEY = {
    "message": "Invalid API key",
    "hint": "Double check your Supabase `anon` or `service_role` API key.",
}


class Reply(NamedTuple):
    """An answer over HTTP."""

    status: int
    text: str
    headers: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Project:
    """The parts of a project."""

    pool: Pool
    key: ec.EllipticCurvePrivateKey
    auth: Auth
    rest: Rest
    gate: Gate
    counts: bool = True
    faults: Faults = field(default_factory=Faults)

    def sign_in(self, name: str, query: str, headers: Any, body: bytes) -> Reply:
        """Answer a POST to `/auth/v1/NAME`."""
        key = headers["apikey"]
        if key not in (*KEYS, LEGACY_JWT):
            return Reply(401, json.dumps(_NO_KEY if key is None else _WRONG_KEY))
        bearer = headers["Authorization"] or ""
        try:
            status, answer = self.auth.post(name, dict(parse_qsl(query)), _object(body), bearer)
        except AuthError as error:
            return Reply(error.line.status, json.dumps(error.body()), error.headers())
        return Reply(status, "" if answer is None else json.dumps(answer))

    def call(self, path: str, query: str, headers: Any, body: bytes) -> Reply:
        """Answer a POST to another address, which should begin with `/rest/v1/`."""
        caller = None
        try:
            caller = self.gate.caller(headers)
            counted = self.counts and "count=exact" in headers.get("Prefer", "")
            answer = self.rest.post(caller, path, query, _json(body), counted=counted)
        except Refusal as refusal:
            return refused(refusal)
        except psycopg.Error as error:
            is_anonymous = caller is not None and caller.role == "anon"
            return refused(_refusal(error), is_anonymous=is_anonymous)
        ranged = {"Content-Range": answer.content_range} if answer.content_range else {}
        return Reply(answer.status, answer.text, ranged)

    def change(self, what: str, body: bytes) -> Reply:
        """Answer a PUT to `/stand-in/WHAT`, which a real project does not have."""
        changes = {"faults": self.faults.replace, "settings": self.auth.codes.change}
        if what not in changes:
            return Reply(404, "{}")
        try:
            changes[what](json.loads(body))
        except ValueError as error:
            return Reply(400, json.dumps({"message": str(error)}))
        return Reply(200, "{}")


def make_project(
    database_url: str,
    key: ec.EllipticCurvePrivateKey | None = None,
    ses: str | None = None,
    max_rows: int | None = 1000,
    *,
    counts: bool = True,
) -> Project:
    """Make a project over a database; `ses` is the URL of the emulator that sends the codes.

    Without `counts` the project ignores `count=exact`, as one does whose operator has disabled it.
    """
    pool, key = Pool(database_url), key or ec.generate_private_key(ec.SECP256R1())
    auth, gate = Auth(pool, key, Mailer(ses)), Gate(key.public_key())
    return Project(pool, key, auth, Rest(pool, max_rows), gate, counts)


def refused(refusal: Refusal, *, is_anonymous: bool = False) -> Reply:
    """Return PostgREST's answer for an error."""
    headers = {"Proxy-Status": f"PostgREST; error={refusal.code}"}
    status = status_of(refusal.code, str(refusal))
    if is_anonymous and refusal.code == "42501":
        status, headers["WWW-Authenticate"] = 401, "Bearer"
    elif refusal.code in ("PGRST301", "PGRST303"):
        told = f'error="invalid_token", error_description="{refusal}"'
        headers["WWW-Authenticate"] = f"Bearer {told}"
    return Reply(status, json.dumps(refusal.body()), headers)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Refusal("PGRST102", "Empty or invalid json") from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError as error:
        raise AuthError("no JSON", error) from None
    if not isinstance(found, dict):
        raise AuthError("no JSON", f"cannot unmarshal {type(found).__name__}")
    return cast("dict[str, Any]", found)


def _refusal(error: psycopg.Error) -> Refusal:
    if error.sqlstate is None:
        text = "Database connection error. Retrying the connection."
        return Refusal("PGRST000", text, details=str(error))
    return Refusal(
        error.sqlstate,
        error.diag.message_primary or "",
        details=error.diag.message_detail,
        hint=error.diag.message_hint,
    )
