"""A stand-in for HLF's portal: the documented subset of the Dataverse Web API, over HTTP.

It holds the tables that a mapping names, and answers with Dataverse's status codes and error
bodies. Tests and developers can switch on faults and manners (`portal_manners.py`). The client does
not know that it talks to a stand-in.

Sources: Microsoft's documentation of the Dataverse Web API ("Update and delete table rows", "Query
data", "Compose HTTP requests and handle errors", "Service protection API limits").
"""

import gzip
import json
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from local.portal_columns import Row, Table, etag
from local.portal_login import CLIENT_ID, TENANT, log_in
from local.portal_manners import SLOW_SECONDS, Drip, Fault, Refusal, refusal_of
from local.portal_metadata import answer
from local.portal_query import page_of, shown
from local.portal_tables import Portal
from local.processes import LOOPBACK

__all__ = ["CLIENT_ID", "TENANT", "serving"]

_API = "/api/data/v9.2/"
_OWN_ADDRESSES = "/stand-in/"
_BY_KEY = re.compile(r"(\w+)\((\w+)='((?:[^']|'')*)'\)")
_BY_ID = re.compile(r"(\w+)\(([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\)")

type _Act = Callable[[], tuple[int, Row | None]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two packets. With Nagle's algorithm, the second one waits 40 ms for the
    # acknowledgement of the first one.
    disable_nagle_algorithm = True
    portal: Portal
    closing: threading.Event

    def do_PUT(self) -> None:
        self._stand_in()

    def do_POST(self) -> None:
        self._answer(self._login)

    def do_GET(self) -> None:
        if self.path.startswith(_OWN_ADDRESSES):
            self._stand_in()
        else:
            self._answer(self._get)

    def do_PATCH(self) -> None:
        self._answer(self._patch)

    def _stand_in(self) -> None:
        """Answer tests and developers on addresses that a real portal does not have."""
        body = self._body()
        with self.portal.lock:
            match self.command, self.path.removeprefix(_OWN_ADDRESSES):
                case "GET", "rows":
                    self._send(200, json.dumps(self.portal.all_rows()))
                case "GET", "requests":
                    self._send(200, json.dumps(self.portal.requests))
                case "PUT", "rows":
                    self.portal.replace_rows(json.loads(body))
                    self._send(200, "{}")
                case "PUT", "faults":
                    self.portal.faults[:] = json.loads(body)
                    self._send(200, "{}")
                case "PUT", "manners":
                    self.portal.switch(**json.loads(body))
                    self._send(200, "{}")
                case _:
                    self._send(404, "{}")

    def _body(self) -> str:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()

    def _answer(self, act: _Act) -> None:
        self.text = self._body()
        portal = self.portal
        if "slow answers" in portal.manners:
            self.closing.wait(SLOW_SECONDS)
        with portal.lock:
            fault = portal.note(self.command, self.path)
            status, text, headers = self._do(fault, act)
        if fault in ("down", "answer lost"):
            self.close_connection = True
        elif fault in ("no JSON", "login page"):
            self._send(200, "<html>sign in</html>", Content_Type="text/html")
        else:
            self._send(status, text, drips=fault == "drip", **headers)

    def _do(self, fault: Fault | None, act: _Act) -> tuple[int, str, dict[str, str]]:
        """Do what was asked, and return status, text and headers of the answer."""
        if fault == "down":
            return 0, "", {}
        if fault == "token ended":
            self.portal.tokens.clear()
        try:
            if refusal := refusal_of(fault, self.portal.retry_after):
                raise refusal
            if self.command != "POST":  # the login is another system, with a limit of its own
                self.portal.assert_within_limit()
            status, row = act()
        except Refusal as refusal:
            return refusal.status, json.dumps(refusal.body), refusal.headers
        return status, "" if row is None else json.dumps(row), {}

    def _login(self) -> tuple[int, Row]:
        return log_in(self.portal, self.path, self.text, self.headers["Host"])

    def _authorised(self) -> str:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in self.portal.tokens:
            raise Refusal(401, "", "")
        odata = [self.headers.get(f"OData-{name}") for name in ("Version", "MaxVersion")]
        if odata != ["4.0", "4.0"] or self.headers.get("Accept") != "application/json":
            raise Refusal(400, "", "The headers of a request are OData-Version and so on.")
        path = unquote(self.path)
        if not path.startswith(_API):
            raise Refusal(404, "", "No such address.")
        return path.removeprefix(_API)

    def _patch(self) -> tuple[int, None]:
        address = _BY_KEY.fullmatch(self._authorised())
        if address is None:
            raise Refusal(400, "0x80060888", "Bad request: error in query syntax.")
        table, key, row = self._find(address)
        body = json.loads(self.text)
        if key in self.portal.failing:
            raise Refusal(500, "0x80040265", "The plug-in failed.")
        condition = self.headers.get("If-Match")
        if row is None and condition is not None:
            raise _no_such_key()
        if row is not None and condition not in (None, "*", etag(row)):
            raise Refusal(412, "0x80060882", "The version of the existing record doesn't match.")
        if address[2] in body:
            raise Refusal(400, "0x80048d1a", "The key may not be in the body.")
        if row is None:  # Dataverse creates the row if the client forgets If-Match
            row = self.portal.put(table.entity_set, **{address[2]: key})
        self.portal.assert_ours(table, row)
        self.portal.update(table, row, body)
        return 204, None

    def _find(self, address: re.Match[str]) -> tuple[Table, str, Row | None]:
        """Find the row of an alternate key."""
        table = self.portal.table(address[1])
        if address[2] != table.key or table.key_with:
            raise Refusal(400, "0x80060888", f"'{address[2]}' is not an alternate key.")
        key = address[3].replace("''", "'")
        return table, key, table.find(key)

    def _get(self) -> tuple[int, Row]:
        path, _, query = self._authorised().partition("?")
        options = dict(part.split("=", 1) for part in query.split("&") if "=" in part)
        if (definition := answer(self.portal, path, options)) is not None:
            return 200, definition
        if address := _BY_KEY.fullmatch(path):
            table, _, row = self._find(address)
            return 200, self._row(table, row, options, _no_such_key())
        if address := _BY_ID.fullmatch(path):
            table = self.portal.table(address[1])
            return 200, self._row(table, table.rows.get(address[2].lower()), options, _no_such_id())
        table = self.portal.table(path)
        page = page_of(self.portal, table, options, self.headers.get("Prefer") or "", self.path)
        if link := page.get("@odata.nextLink"):
            page["@odata.nextLink"] = f"http://{self.headers['Host']}{link}"
        return 200, page

    def _row(self, table: Table, row: Row | None, options: Row, missing: Refusal) -> Row:
        if row is None:
            raise missing
        self.portal.assert_ours(table, row)
        return shown(table, row, options["$select"])

    def _send(self, status: int, text: str, *, drips: bool = False, **headers: str) -> None:
        content = text.encode()
        sent_headers = {"Content_Type": "application/json; odata.metadata=minimal", **headers}
        zips = "gzip" in self.portal.manners and "gzip" in self.headers.get("Accept-Encoding", "")
        if zips and content:
            content = gzip.compress(content)
            sent_headers["Content_Encoding"] = "gzip"
        if drips:
            self.wfile = Drip(self.wfile, self.closing, self.portal.drip_seconds)
            sent_headers["Connection"] = "close"
        self.send_response(status)
        for name, value in sent_headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("OData-Version", "4.0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


def _no_such_key() -> Refusal:
    return Refusal(404, "0x80060891", "A record with the specified key values does not exist.")


def _no_such_id() -> Refusal:
    return Refusal(404, "0x80040217", "An entity with the specified id does not exist.")


@contextmanager
def serving(portal: Portal, port: int = 0) -> Generator[str]:
    """Serve a portal on the loopback interface; yield its URL."""
    closing = threading.Event()
    handler = type("Handler", (_Handler,), {"portal": portal, "closing": closing})
    server = ThreadingHTTPServer((LOOPBACK, port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
