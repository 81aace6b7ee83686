"""Serves the stand-in for a Supabase project: its REST interface and its Auth, on one port."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local.identity import public_keys
from local.processes import LOOPBACK
from local.rest_errors import Refusal
from local.supabase_project import Project, Reply, make_project, refused

_JWKS = "/auth/v1/.well-known/jwks.json"
_AUTH, _STAND_IN = "/auth/v1/", "/stand-in/"
_NOT_FOUND = Reply(404, "{}")


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
            self._send(Reply(200, json.dumps(public_keys(project.key))))
        elif self.path == f"{_STAND_IN}requests":
            self._send(Reply(200, json.dumps(project.faults.requests)))
        else:
            self._send(_NOT_FOUND)

    def do_PUT(self) -> None:
        body, project = self._body(), self.server.project
        is_ours = self.path.startswith(_STAND_IN)
        what = self.path.removeprefix(_STAND_IN)
        self._send(project.change(what, body) if is_ours else _NOT_FOUND)

    def do_POST(self) -> None:
        body, url, project = self._body(), urlsplit(self.path), self.server.project
        fault = project.faults.next_for(url.path)
        if fault == "silent":
            self.server.closing.wait()
        if fault in ("silent", "down"):
            self.close_connection = True
        elif fault:
            self._send(Reply(*fault))
        elif url.path.startswith(_AUTH):
            name = url.path.removeprefix(_AUTH)
            self._send(project.sign_in(name, url.query, self.headers, body))
        else:
            self._send(project.call(url.path, url.query, self.headers, body))

    def do_PURGE(self) -> None:
        self._send(refused(Refusal("PGRST117", "Unsupported HTTP method: PURGE")))

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        content = reply.text.encode()
        if reply.status != HTTPStatus.NO_CONTENT:
            kind = "text/html" if content[:1] == b"<" else "application/json; charset=utf-8"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

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
