"""The queries by which the PostgREST stand-in answers a request."""

import json
from dataclasses import dataclass
from typing import Any, LiteralString, cast
from urllib.parse import parse_qsl

import psycopg
from psycopg import sql

_FUNCTIONS = """
select
    p.proretset, p.prorettype = 'void'::regtype, p.prorettype::regtype::text, p.pronargdefaults,
    coalesce(p.proargnames[1:p.pronargs], '{}'), p.proargtypes::regtype[]::text[]
from pg_proc as p
where p.proname = %s and p.pronamespace = 'public'::regnamespace
"""
_OPERATORS: dict[str, LiteralString] = {"gt": ">", "lt": "<", "gte": ">=", "lte": "<=", "eq": "="}


class Refusal(Exception):
    """An error of PostgREST's own, or one that it relays."""

    def __init__(
        self, code: str, message: str, details: str | None = None, hint: str | None = None
    ) -> None:
        """`code` decides the HTTP status."""
        super().__init__(message)
        self.code, self.details, self.hint = code, details, hint

    def body(self) -> dict[str, str | None]:
        """Return the JSON object of the answer."""
        return {
            "code": self.code, "message": str(self), "details": self.details, "hint": self.hint,
        }  # fmt: skip


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
    returns: str
    defaults: int
    names: list[str]
    types: list[str]

    def takes(self, arguments: dict[str, Any]) -> bool:
        required = self.names[: len(self.names) - self.defaults]
        return set(required) <= arguments.keys() <= set(self.names)


class Session:
    """A client's session: like PostgREST it keeps a connection, and reads the schema once."""

    def __init__(self, database_url: str, max_rows: int | None) -> None:
        """`max_rows` caps the rows of an answer."""
        self._url = database_url
        self._max_rows = max_rows
        self._connection: psycopg.Connection | None = None
        self._functions: dict[str, list[_Function]] = {}

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def post(self, path: str, query: str, body: Any, counted: bool) -> Answer:
        """Answer a POST."""
        name = path.removeprefix("/rest/v1/")
        if name == path or name.removeprefix("rpc/").count("/"):
            raise Refusal("PGRST125", "Invalid path specified in request URL")
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, client_encoding="UTF8")
        with self._connection.transaction():
            if name.startswith("rpc/"):
                function = self._choose(self._connection, name.removeprefix("rpc/"), body)
                self._connection.execute("set local role service_role")
                return self._call(function, name.removeprefix("rpc/"), query, body, counted)
            self._connection.execute("set local role service_role")
            self._connection.execute(_insert(name, body), (json.dumps(body),))
            return Answer(201, "")

    def _choose(
        self, connection: psycopg.Connection, name: str, arguments: dict[str, Any]
    ) -> _Function:
        if name not in self._functions:
            rows = connection.execute(_FUNCTIONS, (name,)).fetchall()
            self._functions[name] = [_Function(*row) for row in rows]
        fitting = [f for f in self._functions[name] if f.takes(arguments)]
        if not fitting:
            named = f"public.{name}({', '.join(arguments)})"
            raise Refusal(
                "PGRST202", f"Could not find the function {named} in the schema cache",
                f"Searched for the function {named}, but no matches were found.",
            )  # fmt: skip
        if len(fitting) > 1:
            text = "Could not choose the best candidate function between: public."
            raise Refusal("PGRST203", text + f", public.{name}".join(f"{name}" for _ in fitting))
        return fitting[0]

    def _call(
        self, function: _Function, name: str, query: str, arguments: dict[str, Any], counted: bool
    ) -> Answer:
        assert self._connection is not None
        parts = dict(parse_qsl(query))
        wanted = int(parts.get("limit", 2**31 - 1))
        limit = wanted if self._max_rows is None else min(wanted, self._max_rows)
        offset = int(parts.get("offset", 0))
        rows, total = self._connection.execute(
            _query(function, name, arguments, parts), (json.dumps(arguments), limit, offset)
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


def _insert(table: str, rows: list[dict[str, Any]]) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    return sql.SQL(
        "insert into public.{table} ({columns})"
        " select {columns} from json_populate_recordset(null::public.{table}, %s)"
    ).format(table=sql.Identifier(table), columns=columns)


def _query(
    function: _Function, name: str, arguments: dict[str, Any], parts: dict[str, str]
) -> sql.Composed:
    types = dict(zip(function.names, function.types, strict=True))
    columns = sql.SQL(", ").join(
        sql.Identifier(argument) + sql.SQL(cast("LiteralString", f" {types[argument]}"))
        for argument in arguments
    )
    named = sql.SQL(", ").join(
        sql.SQL("{0} => a.{0}").format(sql.Identifier(argument)) for argument in arguments
    )
    # Without arguments the body is still a parameter, and nothing is read from it.
    source = (
        sql.SQL("json_to_record(%s) as a({})").format(columns)
        if arguments
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
        source=source, function=sql.Identifier(name), named=named,
        where=_where(parts), order=_order(parts),
    )  # fmt: skip


def _where(parts: dict[str, str]) -> sql.Composable:
    filters: list[sql.Composable] = []
    for column, condition in parts.items():
        operator, _, value = condition.partition(".")
        if column not in ("order", "limit", "offset", "select"):
            filters.append(
                sql.SQL("{} {} {}").format(
                    sql.Identifier(column), sql.SQL(_OPERATORS[operator]), sql.Literal(value)
                )
            )
    return sql.SQL("where ") + sql.SQL(" and ").join(filters) if filters else sql.SQL("")


def _order(parts: dict[str, str]) -> sql.Composable:
    if "order" not in parts:
        return sql.SQL("")
    column, _, direction = parts["order"].partition(".")
    word = sql.SQL("desc" if direction == "desc" else "asc")
    return sql.SQL("order by {} {}").format(sql.Identifier(column), word)
