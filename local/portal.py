"""A stand-in for HLF's portal: the documented subset of the Dataverse Web API, over HTTP.

It holds the tables that a mapping names, answers with Dataverse's status codes and error bodies,
and has faults that can be switched on. The client knows nothing of it.

Sources: Microsoft's documentation of the Dataverse Web API ("Update and delete table rows", "Query
data", "Compose HTTP requests and handle errors", "Service protection API limits").
"""

import json
import re
import secrets
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

from local.portal_tables import Fault, Portal, Refusal, Row, Table, etag, filtered, same
from local.processes import LOOPBACK

TENANT, CLIENT_ID = "hlf-tenant", "mentor-pause"
_API = "/api/data/v9.2/"
_OWN_DOOR = "/stand-in/"
_BY_KEY = re.compile(r"(\w+)\((\w+)='((?:[^']|'')*)'\)")
_USER = "00000000-0000-0000-0000-00000000a11c"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    portal: Portal

    def do_PUT(self) -> None:
        self._stand_in()

    def do_POST(self) -> None:
        self._answer(self._login)

    def do_GET(self) -> None:
        if self.path.startswith(_OWN_DOOR):
            self._stand_in()
        else:
            self._answer(self._get)

    def do_PATCH(self) -> None:
        self._answer(self._patch)

    def _stand_in(self) -> None:
        """What a portal does not have: a door for who tests with it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.portal.lock:
            match self.command, self.path.removeprefix(_OWN_DOOR):
                case "GET", "rows":
                    self._send(200, json.dumps(self.portal.all_rows()))
                case "PUT", "rows":
                    self.portal.replace_rows(json.loads(body))
                    self._send(200, "{}")
                case "PUT", "faults":
                    self.portal.faults[:] = json.loads(body)
                    self._send(200, "{}")
                case _:
                    self._send(404, "{}")

    def _answer(self, act: Callable[[], tuple[int, Row | None]]) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.text = body.decode()
        portal = self.portal
        with portal.lock:
            portal.requests.append((self.command, self.path))
            fault = portal.faults.pop(0) if portal.faults else None
            if fault == "down":
                self.close_connection = True
                return
            try:
                self._before(fault)
                status, found = act()
            except Refusal as refusal:
                self._send(refusal.status, json.dumps(refusal.body), **refusal.headers)
                return
        if fault == "answer lost":
            self.close_connection = True
        elif fault == "no JSON":
            self._send(200, "<html>sign in</html>", Content_Type="text/html")
        else:
            self._send(status, "" if found is None else json.dumps(found))

    def _before(self, fault: Fault | None) -> None:
        if fault == "unavailable":
            raise Refusal(503, "", "The service is unavailable.")
        if fault == "throttled":
            raise Refusal(
                429, "0x80072322", "Number of requests exceeded the limit.",
                Retry_After=str(self.portal.retry_after),
            )  # fmt: skip
        if fault == "token ended":
            self.portal.tokens.clear()
        if fault == "forbidden":
            raise Refusal(403, "0x80040220", "Principal user is missing prvWrite privilege.")

    def _login(self) -> tuple[int, Row]:
        form = {name: values[0] for name, values in parse_qs(self.text).items()}
        given = (form.get("client_id"), form.get("client_secret"), form.get("grant_type"))
        if self.path != f"/{TENANT}/oauth2/v2.0/token":
            raise _LoginRefused("invalid_request")
        if given != (CLIENT_ID, self.portal.client_secret, "client_credentials"):
            raise _LoginRefused("invalid_client")
        if form.get("scope") != f"http://{self.headers['Host']}/.default":
            raise _LoginRefused("invalid_scope")
        token = secrets.token_urlsafe(24)
        self.portal.tokens.add(token)
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token}

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
        found = _BY_KEY.fullmatch(self._authorised())
        if found is None:
            raise Refusal(400, "0x80060888", "Bad request: error in query syntax.")
        table, key, row = self._find(found)
        body = json.loads(self.text)
        if key in self.portal.failing:
            raise Refusal(500, "0x80040265", "The plug-in failed.")
        condition = self.headers.get("If-Match")
        if row is None and condition is not None:
            raise _no_such_row()
        if row is not None and condition not in (None, "*", etag(row)):
            raise Refusal(412, "0x80060882", "The version of the existing record doesn't match.")
        if found[2] in body:
            raise Refusal(400, "0x80048d1a", "The key may not be in the body.")
        if row is None:  # what a client without If-Match does by a slip
            row = self.portal.put(table.entity_set, **{found[2]: key})
        self.portal.update(table, row, body)
        return 204, None

    def _find(self, address: re.Match[str]) -> tuple[Table, str, Row | None]:
        """Find the row of an alternate key."""
        table = self.portal.table(address[1])
        if address[2] != table.key:
            raise Refusal(400, "0x80060888", f"'{address[2]}' is no alternate key.")
        key = address[3].replace("''", "'")
        row = next((r for r in table.rows.values() if same(r.get(address[2]), key)), None)
        return table, key, row

    def _row(self, address: re.Match[str], columns: list[str]) -> Row:
        _, _, row = self._find(address)
        if row is None:
            raise _no_such_row()
        return {"@odata.etag": etag(row)} | {column: row.get(column) for column in columns}

    def _get(self) -> tuple[int, Row]:
        path, _, query = self._authorised().partition("?")
        options = dict(part.split("=", 1) for part in query.split("&") if part)
        if path == "WhoAmI":
            return 200, {"UserId": _USER}
        if path == f"systemusers({_USER})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()":
            held = sorted(self.portal.privileges)
            depth = self.portal.depth
            return 200, {
                "RolePrivileges": [{"PrivilegeName": name, "Depth": depth} for name in held]
            }
        if path.startswith("EntityDefinitions"):
            return 200, self._definition(path, options)
        if found := _BY_KEY.fullmatch(path):
            return 200, self._row(found, options["$select"].split(","))
        return 200, self._page(self.portal.table(path), options)

    def _page(self, table: Table, options: dict[str, str]) -> Row:
        columns = options["$select"].split(",")
        for column in columns:
            if column not in table.columns | {"modifiedon", table.id}:
                raise Refusal(400, "0x80060888", f"Could not find a property named '{column}'.")
        rows = sorted(
            filtered(table, options.get("$filter")),
            key=lambda r: (str(r["modifiedon"]), str(r[table.id])),
        )
        prefer = re.search(r"odata\.maxpagesize=(\d+)", self.headers.get("Prefer") or "")
        if prefer is None:
            raise Refusal(400, "", "Each page is asked for with the same odata.maxpagesize.")
        size = min(int(prefer[1]), self.portal.page_size)
        start = int(options.get("$skiptoken", "0"))
        page: Row = {
            "value": [
                {"@odata.etag": etag(row)} | {c: row.get(c) for c in columns}
                for row in rows[start : start + size]
            ],
        }
        if start + size < len(rows):
            host = self.headers["Host"]
            kept = self.path.partition("&$skiptoken=")[0]
            page["@odata.nextLink"] = f"http://{host}{kept}&$skiptoken={start + size}"
        return page

    def _definition(self, path: str, options: dict[str, str]) -> Row:
        if path == "EntityDefinitions":
            wanted = options["$filter"].removeprefix("EntitySetName eq ").strip("'")
            found = [t for t in self.portal.tables if t.entity_set == wanted]
            return {"value": [{"LogicalName": t.name, "SchemaName": t.name} for t in found]}
        name = path.partition("LogicalName='")[2].partition("'")[0]
        table = next(t for t in self.portal.tables if t.name == name)
        if path.endswith("/Attributes"):
            there = sorted(table.columns | {"modifiedon", table.id})
            return {"value": [{"LogicalName": column} for column in there]}
        if path.endswith("/Keys"):
            keys = [table.key] if table.key else []
            return {
                "value": [
                    {"KeyAttributes": [k], "EntityKeyIndexStatus": self.portal.key_index}
                    for k in keys
                ]
            }
        column = path.partition("Attributes(LogicalName='")[2].partition("'")[0]
        if column == "statuscode":
            return {
                "OptionSet": {
                    "Options": [{"State": s, "Value": v} for s, v in sorted(table.states)]
                }
            }
        if column not in table.choices:
            raise Refusal(404, "0x80060888", "The column is no choice.")
        options_there = [{"Value": value} for value in sorted(table.choices[column])]
        return {"OptionSet": {"Options": options_there}}

    def _send(self, status: int, text: str, **headers: str) -> None:
        self.send_response(status)
        told = {"Content_Type": "application/json; odata.metadata=minimal", **headers}
        for name, value in told.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("OData-Version", "4.0")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def _no_such_row() -> Refusal:
    return Refusal(404, "0x80060891", "A record with the specified key values does not exist.")


class _LoginRefused(Refusal):
    def __init__(self, error: str) -> None:
        super().__init__(401 if error == "invalid_client" else 400, "", "")
        self.body = {"error": error, "error_description": "AADSTS: told to people, at length."}  # type: ignore[assignment]


@contextmanager
def serving(portal: Portal, port: int = 0) -> Generator[str]:
    """Serve a portal on the loopback interface; yield its URL."""
    handler = type("Handler", (_Handler,), {"portal": portal})
    server = ThreadingHTTPServer((LOOPBACK, port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
