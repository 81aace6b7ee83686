"""What the stand-in portal holds: its tables, its rows, and the faults that are switched on."""

import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

type Row = dict[str, Any]
type Fault = Literal[
    "none", "down", "unavailable", "throttled", "answer lost", "token ended", "no JSON", "forbidden"
]


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        """`code` is Dataverse's own, often empty."""
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message}}
        self.headers = headers


@dataclass(slots=True)
class Table:
    """A table: its rows by primary key."""

    name: str
    entity_set: str
    id: str
    key: str | None
    """The column of its alternate key."""
    columns: set[str]
    choices: dict[str, set[int]] = field(default_factory=dict)
    states: set[tuple[int, int]] = field(default_factory=set)
    """State and status code of a row, as far as they go together."""
    rows: dict[str, Row] = field(default_factory=dict)


@dataclass(slots=True)
class Portal:
    """What the stand-in holds, and what it was asked."""

    tables: list[Table]
    client_secret: str
    privileges: set[str]
    depth: str = "Global"
    key_index: str = "Active"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    page_size: int = 5000
    retry_after: int = 1
    failing: set[str] = field(default_factory=set[str])
    """Keys of rows that nobody can change, say for a plug-in that breaks over them."""
    faults: list[Fault] = field(default_factory=list)
    """Taken one per request, the login's included."""
    tokens: set[str] = field(default_factory=set)
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def table(self, entity_set: str) -> Table:
        """Return a table by its entity set."""
        for table in self.tables:
            if table.entity_set == entity_set:
                return table
        raise Refusal(404, "0x80060888", f"Resource not found for the segment '{entity_set}'.")

    def put(self, entity_set: str, **columns: Any) -> Row:
        """Put a row in, as somebody at HLF would."""
        table = self.table(entity_set)
        row = {table.id: secrets.token_hex(8), "modifiedon": self._now(), **columns}
        table.rows[row[table.id]] = row
        return row

    def all_rows(self) -> dict[str, list[Row]]:
        """Return every row by entity set."""
        return {table.entity_set: list(table.rows.values()) for table in self.tables}

    def replace_rows(self, rows: dict[str, list[Row]]) -> None:
        """Put other rows in the place of all that there are."""
        for table in self.tables:
            table.rows.clear()
            for row in rows.get(table.entity_set, []):
                self.put(table.entity_set, **row)

    def update(self, table: Table, row: Row, body: Row) -> None:
        """Change a row as a PATCH does."""
        unknown = body.keys() - table.columns
        if unknown:
            raise Refusal(
                400, "0x80048d19", f"Could not find a property named '{min(unknown)}' on the table."
            )
        for column, value in body.items():
            if column in table.choices and value not in table.choices[column]:
                raise Refusal(400, "0x80044330", f"A validation error occurred for '{column}'.")
        row |= body | {"modifiedon": self._now()}

    def _now(self) -> str:
        return f"{self.clock():%Y-%m-%dT%H:%M:%SZ}"


def etag(row: Row) -> str:
    """A row's version, for conditions: another one after each change."""
    digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
    return f'W/"{int(digest[:12], 16)}"'


def same(one: object, other: str) -> bool:
    """Dataverse compares texts without regard to case."""
    return isinstance(one, str) and one.casefold() == other.casefold()


def filtered(table: Table, condition: str | None) -> list[Row]:
    """Return the rows of a `$filter`, of the two kinds that are asked."""
    rows = list(table.rows.values())
    if condition is None:
        return rows
    column, operator, value = condition.split(" ")
    if (operator, value) == ("ne", "null"):
        return [row for row in rows if row.get(column) is not None]
    if operator == "ge":
        return [row for row in rows if str(row[column]) >= value]
    raise Refusal(400, "0x80060888", f"The stand-in knows no filter '{operator}'.")
