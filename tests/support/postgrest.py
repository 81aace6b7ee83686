"""A small server that speaks PostgREST's dialect for RPC, over a real PostgreSQL.

It stands in for the REST side of a Supabase project in contract tests, and follows PostgREST's own
specification: `postgrest_errors.py` for errors, and for the rest these files of its repository:

* `test/spec/Feature/Query/RpcSpec.hs`: named arguments from a JSON object; a scalar as bare JSON, a
  set as an array, nothing (204) for void; filters and order; overloaded functions (300, PGRST203).
* `test/spec/Feature/Query/QueryLimitedSpec.hs`, `RangeSpec.hs`: `max-rows` cuts silently (200,
  total `*`); with `Prefer: count=exact` an answer that is cut is 206, and `Content-Range` has the
  total.
* `src/PostgREST/Query/Statements.hs`: the count is of the same call, which is made once.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import psycopg

from support.postgrest_calls import Answer, Refusal, Session
from support.postgrest_errors import status_of

SECRET_KEY = "sb_secret_of_the_tests"
LEGACY_JWT = "header.payload-of-service-role.signature"
EXPIRED_JWT = "header.payload-that-has-expired.signature"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    database_url = ""
    max_rows: int | None = 1000
    counts = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, _Server)
        self.database = Session(self.server.database_url, self.server.max_rows)

    def finish(self) -> None:
        self.database.close()
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            _authorise(self.headers)
            url = urlsplit(self.path)
            self._answer(self.database.post(url.path, url.query, _json(body), self._counted()))
        except Refusal as refusal:
            self._refuse(refusal)
        except psycopg.Error as error:
            self._refuse(_refusal(error))

    def do_PURGE(self) -> None:
        self._refuse(Refusal("PGRST117", "Unsupported HTTP method: PURGE"))

    def _counted(self) -> bool:
        assert isinstance(self.server, _Server)
        return self.server.counts and "count=exact" in self.headers.get("Prefer", "")

    def _answer(self, answer: Answer) -> None:
        headers = {"Content-Range": answer.content_range} if answer.content_range else {}
        self._send(answer.status, answer.text, headers)

    def _refuse(self, refusal: Refusal) -> None:
        headers = {"Proxy-Status": f"PostgREST; error={refusal.code}"}
        self._send(status_of(refusal.code, str(refusal)), json.dumps(refusal.body()), headers)

    def _send(self, status: int, text: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def postgrest(
    database_url: str, max_rows: int | None = 1000, *, counts: bool = True
) -> Generator[str]:
    """Serve the database's functions as role service_role on loopback; yield the project's URL.

    Without `counts` the server ignores `count=exact`, as one does whose operator has disabled it.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    server.database_url, server.max_rows, server.counts = database_url, max_rows, counts
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _authorise(headers: Any) -> None:
    key, bearer = headers["apikey"], headers["Authorization"]
    if key == SECRET_KEY and bearer is None:
        return
    if key == LEGACY_JWT and bearer == f"Bearer {LEGACY_JWT}":
        return
    if key is None:
        raise Refusal("PGRST302", "Anonymous access is disabled")
    if key == EXPIRED_JWT:
        raise Refusal("PGRST303", "JWT expired")
    raise Refusal("PGRST301", "No suitable key or wrong key type")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Refusal("PGRST102", "Empty or invalid json") from None


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
