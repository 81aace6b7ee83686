"""The queries by which the PostgREST stand-in answers a request."""

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol, cast

import psycopg
from psycopg import sql

from local.rest_callers import Caller
from local.rest_errors import Refusal
from local.rest_requests import Call, objects_of, order_of, read_call, where_of

_FUNCTIONS = """
select
    p.proretset, p.prorettype = 'void'::regtype, p.provolatile = 'v', p.pronargdefaults,
    coalesce(p.proargnames[1:p.pronargs], '{}'), p.proargtypes::regtype[]::text[]
from pg_proc as p
where p.proname = %s and p.pronamespace = 'public'::regnamespace
"""
_BEGIN = """
select
    set_config('statement_timeout', coalesce(%s, current_setting('statement_timeout')), true),
    set_config('role', %s, true), set_config('request.jwt.claims', %s, true)
"""
_TIMEOUTS = {"anon": "3s", "authenticated": "8s"}
"""The roles' `statement_timeout` in every Supabase project."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A success."""

    status: int
    text: str
    content_range: str = ""


@dataclass(frozen=True, slots=True)
class _Function:
    is_set: bool
    is_void: bool
    is_volatile: bool
    defaults: int
    names: list[str]
    types: list[str]

    def takes(self, arguments: dict[str, Any]) -> bool:
        required = self.names[: len(self.names) - self.defaults]
        return set(required) <= arguments.keys() <= set(self.names)


class Connections(Protocol):
    """Lends a connection for one transaction."""

    def transaction(self) -> AbstractContextManager[psycopg.Connection]:
        """Begin a transaction, and end it."""
        ...


class Rest:
    """Answers requests. It reads a function's arguments for each call, so none is out of date."""

    def __init__(self, connections: Connections, max_rows: int | None) -> None:
        """`max_rows` caps the rows of an answer."""
        self._connections = connections
        self._max_rows = max_rows

    def post(self, caller: Caller, path: str, query: str, body: Any, *, counted: bool) -> Answer:
        """Answer a POST."""
        name = path.removeprefix("/rest/v1/")
        if name == path or name.removeprefix("rpc/").count("/"):
            raise Refusal("PGRST125", "Invalid path specified in request URL")
        with self._connections.transaction() as connection:
            if name.startswith("rpc/"):
                call = read_call(name.removeprefix("rpc/"), query, body)
                function = _choose(connection, call)
                if not function.is_volatile:
                    connection.execute("set transaction read only")
                _begin(connection, caller)
                return self._call(connection, function, call, counted)
            _begin(connection, caller)
            if rows := objects_of(body):
                connection.execute(_insert(name, rows), (json.dumps(rows),))
            return Answer(201, "")

    def _call(
        self, connection: psycopg.Connection, function: _Function, call: Call, counted: bool
    ) -> Answer:
        wanted = int(call.parts.get("limit", 2**31 - 1))
        limit = wanted if self._max_rows is None else min(wanted, self._max_rows)
        offset = int(call.parts.get("offset", 0))
        rows, total = connection.execute(
            _query(function, call), (json.dumps(call.arguments), limit, offset)
        ).fetchone() or ([], 0)
        if counted and offset > total:
            text = f"An offset of {offset} was requested, but there are only {total} rows."
            raise Refusal("PGRST103", "Requested range not satisfiable", text)
        if function.is_void:
            return Answer(204, "")
        if not function.is_set:
            (value,) = rows[0].values() if len(rows[0]) == 1 else (rows[0],)
            return Answer(200, json.dumps(value), f"0-0/{'1' if counted else '*'}")
        shown = f"{offset}-{offset + len(rows) - 1}" if rows else "*"
        is_cut = counted and len(rows) < total
        return Answer(
            206 if is_cut else 200, json.dumps(rows), f"{shown}/{total if counted else '*'}"
        )


def _choose(connection: psycopg.Connection, call: Call) -> _Function:
    rows = connection.execute(_FUNCTIONS, (call.name,)).fetchall()
    fitting = [f for f in (_Function(*row) for row in rows) if f.takes(call.arguments)]
    if not fitting:
        named = f"public.{call.name}({', '.join(call.arguments)})"
        raise Refusal(
            "PGRST202", f"Could not find the function {named} in the schema cache",
            f"Searched for the function {named}, but no matches were found.",
        )  # fmt: skip
    if len(fitting) > 1:
        text = "Could not choose the best candidate function between: public."
        raise Refusal("PGRST203", text + f", public.{call.name}".join(call.name for _ in fitting))
    return fitting[0]


def _begin(connection: psycopg.Connection, caller: Caller) -> None:
    connection.execute(_BEGIN, (_TIMEOUTS.get(caller.role), caller.role, caller.claims))


def _insert(table: str, rows: list[dict[str, Any]]) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    return sql.SQL(
        "insert into public.{table} ({columns})"
        " select {columns} from json_populate_recordset(null::public.{table}, %s)"
    ).format(table=sql.Identifier(table), columns=columns)


def _query(function: _Function, call: Call) -> sql.Composed:
    types = dict(zip(function.names, function.types, strict=True))
    columns = sql.SQL(", ").join(
        sql.Identifier(argument) + sql.SQL(cast("LiteralString", f" {types[argument]}"))
        for argument in call.arguments
    )
    named = sql.SQL(", ").join(
        sql.SQL("{0} => a.{0}").format(sql.Identifier(argument)) for argument in call.arguments
    )
    # Without arguments the body is still a parameter, and nothing is read from it.
    source = (
        sql.SQL("json_to_record(%s) as a({})").format(columns)
        if call.arguments
        else sql.SQL("(select %s::json) as a")
    )
    return sql.SQL(
        "with source as materialized"
        " (select r.* from {source}, lateral public.{function}({named}) as r),"
        " filtered as (select * from source {where})"
        " select coalesce((select json_agg(row_to_json(q)) from"
        " (select * from filtered {order} limit %s offset %s) as q), '[]'),"
        " (select count(*) from filtered)"
    ).format(
        source=source, function=sql.Identifier(call.name), named=named,
        where=where_of(call.parts), order=order_of(call.parts),
    )  # fmt: skip
