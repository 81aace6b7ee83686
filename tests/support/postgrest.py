"""A small server that speaks PostgREST's documented dialect for RPC, over a real PostgreSQL.

Only what its documentation says of `POST /rest/v1/rpc/<function>`: named arguments from a JSON
object, a scalar as bare JSON, a set as an array, errors as `{code, message, details, hint}` with
the documented HTTP status, the keys' rules. It stands in for the REST side of a Supabase project
in contract tests.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
from psycopg import sql

SECRET_KEY = "sb_secret_of_the_tests"
LEGACY_JWT = "header.payload-of-service-role.signature"

_STATUS = {"23503": 409, "23505": 409, "42501": 403, "42883": 404, "42P01": 404, "P0001": 400}
_STATUS_BY_CLASS = {
    "08": 503, "23": 400, "25": 500, "28": 403, "40": 500, "53": 503, "54": 500, "55": 500,
    "57": 500, "58": 500, "P0": 500, "XX": 500,
}  # fmt: skip


class _Refusal(Exception):
    def __init__(self, status: int, code: str, message: str, details: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "details": details, "hint": None}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    database_url = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, _Server)
        self.database = _Session(self.server.database_url)

    def finish(self) -> None:
        self.database.close()
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            _authorise(self.headers)
            self._answer(*self.database.post(self.path.partition("?")[0], json.loads(body)))
        except _Refusal as refusal:
            self._answer(refusal.status, json.dumps(refusal.body))
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
                self._answer(503, json.dumps({"code": "PGRST000", "message": "no connection"}))
            else:
                self._answer(*_database_error(error))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def postgrest(database_url: str) -> Generator[str]:
    """Serve the database's functions as role service_role on loopback; yield the project's URL."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.database_url = database_url
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
    code, message = ("PGRST302", "no token") if key is None else ("PGRST301", "bad token")
    raise _Refusal(401, code, message)


class _Session:
    """A client's session: like PostgREST it keeps a connection, and reads the schema once."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: psycopg.Connection | None = None
        self._functions: dict[str, tuple[bool, dict[str, str]]] = {}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def post(self, path: str, body: Any) -> tuple[int, str]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url)
        with self._connection.transaction():
            self._connection.execute("set local role service_role")
            name = path.removeprefix("/rest/v1/")
            if (function := name.removeprefix("rpc/")) != name:
                return 200, self._call(self._connection, function, body)
            self._connection.execute(_insert(name, body), (json.dumps(body),))
            return 201, ""

    def _call(
        self, connection: psycopg.Connection, function: str, arguments: dict[str, Any]
    ) -> str:
        is_set, types = self._signature(connection, function)
        if not types.keys() >= arguments.keys():
            raise _Refusal(404, "PGRST202", f"Could not find the function public.{function}")
        query = _query(function, arguments, types)
        (text,) = connection.execute(query, (json.dumps(arguments),)).fetchone() or ("[]",)
        rows = json.loads(text)
        return json.dumps(rows if is_set else next(iter(rows[0].values())))

    def _signature(
        self, connection: psycopg.Connection, function: str
    ) -> tuple[bool, dict[str, str]]:
        if function not in self._functions:
            found = connection.execute(
                "select proretset, proargnames, proargtypes::regtype[]::text[] from pg_proc"
                " where proname = %s and pronamespace = 'public'::regnamespace",
                (function,),
            ).fetchone()
            if found is None:
                return False, {}
            self._functions[function] = found[0], dict(zip(found[1], found[2], strict=False))
        return self._functions[function]


def _insert(table: str, rows: list[dict[str, Any]]) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    return sql.SQL(
        "insert into public.{table} ({columns})"
        " select {columns} from json_populate_recordset(null::public.{table}, %s)"
    ).format(table=sql.Identifier(table), columns=columns)


def _query(function: str, arguments: dict[str, Any], types: dict[str, str]) -> sql.Composed:
    columns = sql.SQL(", ").join(
        sql.Identifier(name) + sql.SQL(" " + types[name])  # pyright: ignore[reportArgumentType]
        for name in arguments
    )
    named = sql.SQL(", ").join(
        sql.SQL("{0} => a.{0}").format(sql.Identifier(name)) for name in arguments
    )
    return sql.SQL(
        "select coalesce(json_agg(row_to_json(q)), '[]')::text from ("
        "select r.* from json_to_record(%s) as a({columns}),"
        " lateral public.{function}({named}) as r) as q"
    ).format(columns=columns, function=sql.Identifier(function), named=named)


def _database_error(error: psycopg.Error) -> tuple[int, str]:
    code = error.sqlstate or ""
    if code.startswith("PT"):
        status = int(code[2:])
    else:
        status = _STATUS.get(code, _STATUS_BY_CLASS.get(code[:2], 400))
    body = {
        "code": code,
        "message": error.diag.message_primary,
        "details": error.diag.message_detail,
        "hint": error.diag.message_hint,
    }
    return status, json.dumps(body)
