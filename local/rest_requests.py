"""Reads the requests to the PostgREST stand-in: body, filters, order and limits."""

from dataclasses import dataclass
from typing import Any, LiteralString, cast
from urllib.parse import parse_qsl

from psycopg import sql

from local.rest_errors import Refusal

_OPERATORS: dict[str, LiteralString] = {"gt": ">", "lt": "<", "gte": ">=", "lte": "<=", "eq": "="}

_PARTS = {"order", "limit", "offset", "select"}
"""The parts of a query that are no filters."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function's name, its arguments, and the query of the address."""

    name: str
    arguments: dict[str, Any]
    parts: dict[str, str]


def read_call(name: str, query: str, body: Any) -> Call:
    """Read a call of a function.

    Raises:
        Refusal: body or query are wrong.
    """
    parts = dict(parse_qsl(query))
    numbers = [parts.get(part, "0") for part in ("limit", "offset")]
    operators = [value.partition(".")[0] for part, value in parts.items() if part not in _PARTS]
    if not all(number.isdecimal() for number in numbers) or not _OPERATORS.keys() >= {*operators}:
        raise Refusal("PGRST100", f'"failed to parse filter ({query})"')
    return Call(name, (objects_of(body) or [{}])[0], parts)


def objects_of(body: Any) -> list[dict[str, Any]]:
    """Return the objects of a body; of a list, a function gets the first one (`Payload.hs`).

    Raises:
        Refusal: it has others than objects, or they have different keys.
    """
    rows: list[Any] = [body] if isinstance(body, dict) else []
    if isinstance(body, list):
        rows = cast("list[Any]", body)
    if not all(isinstance(row, dict) and row.keys() == rows[0].keys() for row in rows):
        raise Refusal("PGRST102", "All object keys must match")
    return rows


def where_of(parts: dict[str, str]) -> sql.Composable:
    """Return the filters of a query, as a condition."""
    filters: list[sql.Composable] = []
    for column, condition in parts.items():
        operator, _, value = condition.partition(".")
        if column not in _PARTS:
            filters.append(
                sql.SQL("{} {} {}").format(
                    sql.Identifier(column), sql.SQL(_OPERATORS[operator]), sql.Literal(value)
                )
            )
    return sql.SQL("where ") + sql.SQL(" and ").join(filters) if filters else sql.SQL("")


def order_of(parts: dict[str, str]) -> sql.Composable:
    """Return the order of a query."""
    if "order" not in parts:
        return sql.SQL("")
    column, _, direction = parts["order"].partition(".")
    word = sql.SQL("desc" if direction == "desc" else "asc")
    return sql.SQL("order by {} {}").format(sql.Identifier(column), word)
