"""A stand-in for a Supabase project: its REST interface and its Auth, on one port.

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
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec

from local.auth import Auth
from local.auth_errors import AuthError
from local.auth_mail import Mailer
from local.identity import public_keys
from local.processes import LOOPBACK
from local.rest_callers import KEYS, LEGACY_JWT, Gate
from local.rest_calls import Refusal, Rest
from local.rest_errors import status_of
from local.rest_pool import Pool
from local.supabase_faults import Faults

_JWKS = "/auth/v1/.well-known/jwks.json"
_AUTH, _STAND_IN = "/auth/v1/", "/stand-in/"
_NO_KEY = {
    "message": "No API key found in request",
    "hint": "No `apikey` request header or url param was found.",
}
_WRONG_KEY = {
    "message": "Invalid API key",
    "hint": "Double check your Supabase `anon` or `service_role` API key.",
}


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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    project: Project
    closing: threading.Event


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        project = self.server.project
        if self.path == _JWKS:
            self._send(200, json.dumps(public_keys(project.key)))
        elif self.path == f"{_STAND_IN}requests":
            self._send(200, json.dumps(project.faults.requests))
        else:
            self._send(404, "{}")

    def do_PUT(self) -> None:
        """Answer tests and developers on addresses that a real project does not have."""
        body, project = json.loads(self._body()), self.server.project
        match self.path:
            case "/stand-in/faults":
                project.faults.replace(body)
            case "/stand-in/settings":
                project.auth.codes.change(body)
            case _:
                self._send(404, "{}")
                return
        self._send(200, "{}")

    def do_POST(self) -> None:
        body, url = self._body(), urlsplit(self.path)
        fault = self.server.project.faults.next_for(url.path)
        if fault == "silent":
            self.server.closing.wait()
        if fault in ("silent", "down"):
            self.close_connection = True
        elif fault:
            status, answer = fault
            self._send(status, answer)
        elif url.path.startswith(_AUTH):
            self._auth(url.path.removeprefix(_AUTH), dict(parse_qsl(url.query)), body)
        else:
            self._rest(url.path, url.query, body)

    def do_PURGE(self) -> None:
        self._refuse(Refusal("PGRST117", "Unsupported HTTP method: PURGE"))

    def _auth(self, name: str, query: Mapping[str, str], body: bytes) -> None:
        key = self.headers["apikey"]
        if key not in (*KEYS, LEGACY_JWT):
            self._send(401, json.dumps(_NO_KEY if key is None else _WRONG_KEY))
            return
        try:
            bearer = self.headers["Authorization"] or ""
            status, answer = self.server.project.auth.post(name, query, _object(body), bearer)
        except AuthError as error:
            headers = {"x-sb-error-code": error.line.error_code}
            self._send(error.line.status, json.dumps(error.body()), headers)
        else:
            self._send(status, "" if answer is None else json.dumps(answer))

    def _rest(self, path: str, query: str, body: bytes) -> None:
        project = self.server.project
        caller = None
        try:
            caller = project.gate.caller(self.headers)
            counted = project.counts and "count=exact" in self.headers.get("Prefer", "")
            answer = project.rest.post(caller, path, query, _json(body), counted=counted)
        except Refusal as refusal:
            self._refuse(refusal)
        except psycopg.Error as error:
            self._refuse(_refusal(error), is_anonymous=caller is not None and caller.role == "anon")
        else:
            headers = {"Content-Range": answer.content_range} if answer.content_range else {}
            self._send(answer.status, answer.text, headers)

    def _refuse(self, refusal: Refusal, *, is_anonymous: bool = False) -> None:
        headers = {"Proxy-Status": f"PostgREST; error={refusal.code}"}
        status = status_of(refusal.code, str(refusal))
        if is_anonymous and refusal.code == "42501":
            status, headers["WWW-Authenticate"] = 401, "Bearer"
        elif refusal.code in ("PGRST301", "PGRST303"):
            told = f'error="invalid_token", error_description="{refusal}"'
            headers["WWW-Authenticate"] = f"Bearer {told}"
        self._send(status, json.dumps(refusal.body()), headers)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != HTTPStatus.NO_CONTENT:
            kind = "application/json; charset=utf-8" if text[:1] != "<" else "text/html"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def serving(project: Project, port: int = 0) -> Generator[str]:
    """Serve a project on the loopback interface; yield its URL."""
    server = _Server((LOOPBACK, port), _Handler)
    server.project, server.closing = project, threading.Event()
    url = f"http://{LOOPBACK}:{server.server_address[1]}"
    project.auth.issuer = f"{url}/auth/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield url
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
        project.pool.close()


@contextmanager
def postgrest(
    database_url: str, max_rows: int | None = 1000, *, counts: bool = True
) -> Generator[str]:
    """Serve a database's functions; yield the project's URL."""
    with serving(make_project(database_url, max_rows=max_rows, counts=counts)) as url:
        yield url


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
