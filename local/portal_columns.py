"""The tables of the stand-in portal: their definitions and their rows."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from local.portal_manners import Refusal

type Row = dict[str, Any]
type Right = Literal["read", "update"]

STATE, STATUS, MODIFIED = "statecode", "statuscode", "modifiedon"


@dataclass(slots=True)
class Column:
    """How a column is defined."""

    kind: str = "String"
    """Dataverse's `AttributeType`, such as String, Memo, Picklist, DateTime, Lookup."""
    choices: set[int] = field(default_factory=set[int])
    max_length: int = 100
    behavior: Literal["DateOnly", "UserLocal", "TimeZoneIndependent"] = "DateOnly"
    format: Literal["DateOnly", "DateAndTime"] = "DateOnly"
    writable: bool = True
    """False: the portal calculates it."""
    secured: bool = False
    granted: set[Right] = field(default_factory=set[Right])
    """The rights of our application user on a secured column."""
    id: str = field(default_factory=lambda: str(uuid4()))

    def shown(self, value: object) -> object:
        """Return a value as a reader gets it: a column with a time shows a day with a time."""
        if self.secured and "read" not in self.granted:
            return None
        if self.kind != "DateTime" or self.behavior == "DateOnly":
            return value
        try:
            day = datetime.strptime(str(value), "%Y-%m-%d")  # noqa: DTZ007 - a day has no zone
        except ValueError:
            return value
        # UserLocal stores midnight in Oslo as UTC; the other behaviours do not convert.
        hours = 1 if self.behavior == "UserLocal" else 0
        return f"{day - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"

    def assert_takes(self, name: str, value: object) -> None:
        """Raise `Refusal` if a value cannot be saved in the column."""
        if self.secured and "update" not in self.granted:
            raise Refusal(403, "0x8004f508", f"Caller has no update privilege for '{name}'.")
        if not self.writable:
            raise Refusal(400, "0x80044332", f"'{name}' is calculated.")
        if value is None:
            return
        if self.kind == "Picklist" and type(value) is int and value not in self.choices:
            raise Refusal(400, "0x80044330", f"A validation error occurred for '{name}'.")
        kept_as = str if self.kind in ("String", "Memo", "DateTime") else int
        timed = self.kind == "DateTime" and self.behavior != "DateOnly"
        if type(value) is not kept_as or (timed and "T" not in str(value)):
            raise Refusal(400, "0x80048d19", f"Cannot convert the literal of '{name}'.")
        if self.kind in ("String", "Memo") and len(str(value)) > self.max_length:
            raise Refusal(400, "0x80044331", f"The length of '{name}' exceeded the maximum.")


@dataclass(slots=True)
class Table:
    """A table: its rows by primary key."""

    name: str
    entity_set: str
    id: str
    key: str | None
    """The column of its alternate key."""
    columns: dict[str, Column]
    states: set[tuple[int, int]] = field(default_factory=set)
    """The allowed pairs of state and status code of a row."""
    key_with: tuple[str, ...] = ()
    """Further columns of the alternate key."""
    rows: dict[str, Row] = field(default_factory=dict)

    def column(self, name: str) -> Column:
        """Return a column for `$select` and `$filter`; a lookup is not available by its name."""
        column = self.columns.get(name) or OF_EVERY_TABLE.get(name)
        if name == self.id:
            return _ID
        if column is None or column.kind in ("Lookup", "Customer", "Owner"):
            raise Refusal(400, "0x80060888", f"Could not find a property named '{name}'.")
        return column

    def read(self, row: Row, column: str) -> object:
        """Return the value of a row's column as a reader gets it."""
        return self.column(column).shown(row.get(column))

    def find(self, key: str) -> Row | None:
        """Return the row of an alternate key."""
        rows = self.rows.values()
        return next((row for row in rows if same(row.get(self.key or ""), key)), None)


_ID = Column("Uniqueidentifier")
OF_EVERY_TABLE = {
    STATE: Column("State"),
    STATUS: Column("Status"),
    MODIFIED: Column("DateTime", behavior="UserLocal", format="DateAndTime"),
}


def etag(row: Row) -> str:
    """Return a row's version, for conditions; each change gives it another one."""
    digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
    return f'W/"{int(digest[:12], 16)}"'


def same(one: object, other: str) -> bool:
    """Whether two texts are the same to Dataverse, which ignores case."""
    return isinstance(one, str) and one.casefold() == other.casefold()
