"""The stand-in's listings: `$select`, `$filter`, `$orderby`, and pages.

A link to the next page is opaque, as in Dataverse: the client must send it back unchanged. The
stand-in finds the next page in one of two ways. By number: the page begins after a number of rows,
so if a row moves to the end, the reader misses another one. By cookie: the page begins after the
last row that was read, so a row that moves to the end is read again.

Source: Microsoft's documentation of the Dataverse Web API ("Page results", "Filter rows").
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from local.portal_columns import MODIFIED, Row, Table, etag, same
from local.portal_manners import Refusal
from local.portal_tables import Portal

type _Key = tuple[tuple[bool, str], ...]

_CONDITION = re.compile(r"(\w+) (eq|ne|ge|gt|le|lt) ('(?:[^']|'')*'|[^ ']+)")
_SIZE = re.compile(r"odata\.maxpagesize=(\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins."""

    page: int = 1
    skipped: int = 0
    """By number: how many rows are before it."""
    after: _Key | None = None
    """By cookie: the sort key of the last row before it."""


def page_of(portal: Portal, table: Table, options: dict[str, str], prefer: str, path: str) -> Row:
    """Return a page of a table's rows, and the path of the next one as `@odata.nextLink`.

    `path` is the path of the request, unchanged; `prefer` is its header of that name.
    """
    asked = _SIZE.search(prefer)
    if asked is None:
        raise Refusal(400, "", "Each page is asked for with the same odata.maxpagesize.")
    place = _place(portal, options, path)
    rows = _sorted(table, options, _visible(portal, table, options.get("$filter")))
    rest = _rest(place, table, options, rows)
    size = _size(portal, place, min(int(asked[1]), portal.page_size))
    page: Row = {"value": [shown(table, row, options["$select"]) for row in rest[:size]]}
    if len(rest) > size:
        last = _key(table, options, rest[size - 1]) if size else place.after
        begins = Place(place.page + 1, len(rows) - len(rest) + size, last)
        page["@odata.nextLink"] = _promise(portal, begins, path)
    return page


def shown(table: Table, row: Row, select: str) -> Row:
    """Return the selected columns of a row, and its version."""
    return {"@odata.etag": etag(row)} | {c: table.read(row, c) for c in select.split(",")}


def _visible(portal: Portal, table: Table, condition: str | None) -> list[Row]:
    """Return the rows that pass the `$filter` and that our application user may see."""
    tests = [_condition(table, part) for part in condition.split(" and ")] if condition else []
    return [
        row
        for row in table.rows.values()
        if not portal.is_foreign(table, row) and all(test(row) for test in tests)
    ]


def _condition(table: Table, text: str) -> Callable[[Row], bool]:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise Refusal(400, "0x80060888", f"The stand-in knows no filter '{text}'.")
    column, operator, literal = found.groups()
    table.column(column)
    value = literal[1:-1].replace("''", "'") if literal.startswith("'") else literal

    def equal(row: Row) -> bool:
        kept = table.read(row, column)
        if literal == "null" or kept is None:
            return literal == "null" and kept is None
        return same(str(kept), value)

    if operator in ("eq", "ne"):
        return lambda row: equal(row) is (operator == "eq")
    compare = {"ge": str.__ge__, "gt": str.__gt__, "le": str.__le__, "lt": str.__lt__}[operator]
    return lambda row: compare(str(table.read(row, column)), value)


def _sorted(table: Table, options: dict[str, str], rows: list[Row]) -> list[Row]:
    for column, descending in reversed(_order(table, options)):
        rows = sorted(rows, key=lambda row: _sortable(row.get(column)), reverse=descending)
    return rows


def _order(table: Table, options: dict[str, str]) -> list[tuple[str, bool]]:
    """Return the columns to sort by, and whether each is descending; the primary key is last."""
    given = options.get("$orderby", MODIFIED)
    order = [
        (name, direction == "desc")
        for name, _, direction in (part.strip().partition(" ") for part in given.split(","))
    ]
    for name, _ in order:
        table.column(name)
    return order if table.id in dict(order) else [*order, (table.id, False)]


def _rest(place: Place, table: Table, options: dict[str, str], rows: list[Row]) -> list[Row]:
    """Return the rows of a page and of all later pages."""
    if place.after is None:
        return rows[place.skipped :]
    order = _order(table, options)

    def follows(row: Row) -> bool:
        key = _key(table, options, row)
        for one, other, (_, descending) in zip(key, place.after or (), order, strict=True):
            if one != other:
                return (one < other) is descending
        return False

    return [row for row in rows if follows(row)]


def _key(table: Table, options: dict[str, str], row: Row) -> _Key:
    return tuple(_sortable(row.get(column)) for column, _ in _order(table, options))


def _sortable(value: object) -> tuple[bool, str]:
    return value is not None, str(value)


def _size(portal: Portal, place: Place, asked: int) -> int:
    """Return how many rows a page has; the manner `small pages` makes it smaller or empty."""
    if "small pages" not in portal.manners:
        return asked
    return (max(1, asked // 2), max(1, asked // 3), 0)[(place.page - 1) % 3]


def _place(portal: Portal, options: dict[str, str], path: str) -> Place:
    if "$skiptoken" not in options:
        return Place()
    if path not in portal.next_links:
        raise Refusal(400, "0x80060888", "The skiptoken was never given out.")
    place: Place = portal.next_links[path]
    return place


def _promise(portal: Portal, place: Place, path: str) -> str:
    """Return a path for the next page; its escapes are uneven, as Dataverse's are."""
    cookie = quote(quote(f'<cookie page="{place.page}"><id last="{secrets.token_hex(8)}"/>'))
    token = (
        f"%3Ccookie%20pagenumber=%22{place.page}%22%20pagingcookie=%22{cookie.lower()}%22%20/%3E"
    )
    first = re.split(r"&(?:\$|%24)skiptoken=", path)[0]
    link = f"{first}&$skiptoken={token}"
    kept = place if "pages by cookie" in portal.manners else Place(place.page, place.skipped)
    portal.next_links[link] = kept
    return link
