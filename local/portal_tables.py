"""The state of the stand-in portal: its tables, and the faults and manners that are on."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from local.portal_columns import MODIFIED, STATE, STATUS, Row, Table
from local.portal_manners import (
    FEW_REQUESTS,
    FEW_SECONDS,
    LATE_REQUESTS,
    SHORT_SECONDS,
    Fault,
    Manner,
    Refusal,
    foreign,
    too_many_requests,
    waits_for,
)

_ACTIVE, _INACTIVE = {STATE: 0, STATUS: 1}, {STATE: 1, STATUS: 2}


@dataclass(slots=True)
class Portal:
    """The state of the stand-in, and the requests that it has had."""

    tables: list[Table]
    client_secret: str
    privileges: set[str]
    depth: str = "Global"
    """How far each privilege reaches, unless `depths` says otherwise."""
    depths: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """How far a privilege reaches: one value for each role that gives it."""
    parent_unit: str | None = None
    """The parent of our application user's business unit; None: that unit is the root."""
    answers_column_security: bool = True
    """Whether our application user may read its own rights on secured columns."""
    key_index: str = "Active"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    page_size: int = 5000
    retry_after: int = 1
    expires_in: object = 3599
    """The seconds of validity that the login states; the stand-in accepts the token for longer."""
    drip_seconds: float = 2.0
    failing: set[str] = field(default_factory=set[str])
    """Keys of rows whose updates fail, for example because a plug-in fails."""
    foreign: set[str] = field(default_factory=set[str])
    """Keys or ids of rows of another business unit, which we may neither see nor change."""
    faults: list[Fault] = field(default_factory=list)
    """One for each of the next requests, logins included."""
    manners: set[Manner] = field(default_factory=set[Manner])
    late_requests: int = LATE_REQUESTS
    """After how many requests a save of the manner `late saves` becomes visible."""
    tokens: set[str] = field(default_factory=set)
    requests: list[tuple[str, str]] = field(default_factory=list)
    next_links: dict[str, Any] = field(default_factory=dict[str, Any])
    """Where each next page begins, by its exact link."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _accepted: deque[datetime] = field(default_factory=deque[datetime])
    """When the manner `few requests` accepted its latest requests."""
    _asked: int = 0
    _due: list[tuple[int, Callable[[], object]]] = field(default_factory=list)

    def table(self, entity_set: str) -> Table:
        """Return a table by its entity set."""
        for table in self.tables:
            if table.entity_set == entity_set:
                return table
        raise Refusal(404, "0x80060888", f"Resource not found for the segment '{entity_set}'.")

    def put(self, entity_set: str, **columns: Any) -> Row:
        """Add an active row, as somebody at HLF would."""
        table = self.table(entity_set)
        row = self._new(table, columns)
        self._save(lambda: table.rows.update({row[table.id]: row}))
        return row

    def change(self, entity_set: str, row_id: str, **columns: Any) -> None:
        """Change a row, as somebody at HLF would."""
        changed = {MODIFIED: self.now(), **columns}
        self._save(lambda: self.table(entity_set).rows[row_id].update(changed))

    def deactivate(self, entity_set: str, row_id: str) -> None:
        """Deactivate a row: it stays in the table."""
        self.change(entity_set, row_id, **_INACTIVE)

    def delete(self, entity_set: str, row_id: str) -> None:
        """Delete a row."""
        self._save(lambda: self.table(entity_set).rows.pop(row_id))

    def all_rows(self) -> dict[str, list[Row]]:
        """Return every row by entity set."""
        return {table.entity_set: list(table.rows.values()) for table in self.tables}

    def replace_rows(self, rows: dict[str, list[Row]]) -> None:
        """Replace all rows."""
        for table in self.tables:
            found = [self._new(table, row) for row in rows.get(table.entity_set, [])]
            self._save(lambda t=table, f=found: setattr(t, "rows", {r[t.id]: r for r in f}))

    def update(self, table: Table, row: Row, body: Row) -> None:
        """Change a row as a PATCH does."""
        known = table.columns.keys() | {STATE, STATUS}
        if unknown := body.keys() - known:
            raise Refusal(
                400, "0x80048d19", f"Could not find a property named '{min(unknown)}' on the table."
            )
        for name, value in body.items():
            table.column(name).assert_takes(name, value)
        row |= body | {MODIFIED: self.now()}

    def assert_ours(self, table: Table, row: Row) -> None:
        """Raise `Refusal` if a row is another business unit's."""
        if self.is_foreign(table, row):
            raise foreign()

    def is_foreign(self, table: Table, row: Row) -> bool:
        """Whether a row is another business unit's."""
        return not self.foreign.isdisjoint((str(row[table.id]), str(row.get(table.key or ""))))

    def switch(self, manner: Manner, on: bool, of: Sequence[str] = ()) -> None:
        """Begin or end a manner; `of` names the rows or columns that it affects, if any."""
        (self.manners.add if on else self.manners.discard)(manner)
        if manner == "foreign rows":
            self.foreign = {*self.foreign, *of} if on else set()
        if manner == "secured columns":
            for table in self.tables:
                for name, column in table.columns.items():
                    column.secured = on and (column.secured or name in of)

    def after(self, requests: int, act: Callable[[], object]) -> None:
        """Call `act` after so many further requests, just before the next one."""
        self._due.append((self._asked + requests, act))

    def note(self, method: str, path: str) -> Fault | None:
        """Record a request, make the calls that are due before it, and return its fault."""
        due = [act for number, act in self._due if number <= self._asked]
        self._due = [wait for wait in self._due if wait[0] > self._asked]
        self._asked += 1
        for act in due:
            act()
        self.requests.append((method, path))
        for number, fault in enumerate(self.faults):
            if waits_for(fault) in (None, method):
                return self.faults.pop(number)
        return None

    def assert_within_limit(self) -> None:
        """Raise `Refusal` if the manner `few requests` accepts no request now."""
        if "few requests" not in self.manners:
            return
        now, window = self.clock(), timedelta(seconds=FEW_SECONDS)
        while self._accepted and self._accepted[0] <= now - window:
            self._accepted.popleft()
        if len(self._accepted) >= FEW_REQUESTS:
            raise too_many_requests((self._accepted[0] + window - now).total_seconds())
        self._accepted.append(now)

    def token_seconds(self) -> object:
        """Return the seconds of validity that the login states for a token."""
        return SHORT_SECONDS if "short tokens" in self.manners else self.expires_in

    def now(self) -> str:
        """Return the portal's moment, to the second."""
        return f"{self.clock():%Y-%m-%dT%H:%M:%SZ}"

    def _new(self, table: Table, columns: Row) -> Row:
        return {table.id: str(uuid4()), MODIFIED: self.now(), **_ACTIVE, **columns}

    def _save(self, act: Callable[[], object]) -> None:
        """Save now; in the manner `late saves`, the save becomes visible some requests later."""
        if "late saves" in self.manners:
            self.after(self.late_requests, act)
        else:
            act()
