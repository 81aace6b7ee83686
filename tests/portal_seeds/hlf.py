"""HLF's people edit the portal, and keep a record of the certifications that are valid there.

The record never reads the stand-in or the product: after a sync, the database must hold it (H1).
"""

import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from support.portal import CERTIFICATIONS
from support.sync import PortalRows

if TYPE_CHECKING:
    from collections.abc import Callable

_ID, _KEY, _DAY = "hlf_certificationid", "hlf_mentornumber", "hlf_validuntil"
_MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as HLF's people see it."""

    key: str | None
    last_day: date | None
    is_active: bool = True


class Hands:
    """HLF's people."""

    def __init__(self, portal: PortalRows, keys: list[str], dice: random.Random) -> None:
        """`keys` are the keys of our mentors and of some people who are not ours."""
        self.rows: dict[str, Row] = {}
        self._portal = portal
        self._keys = keys
        self._dice = dice
        self._hours = 0
        self._acts: tuple[Callable[[], None], ...] = (
            self.enter, self._redate, self._redate_within_the_second, self._give_to_another,
            self._clear, self._deactivate, self._reactivate, self._delete, self._replace,
        )  # fmt: skip

    def act(self) -> None:
        """Make one random edit."""
        self._dice.choice(self._acts)()

    def valid(self) -> dict[str, tuple[str, date]]:
        """Return the mentor's key and the first invalid day of each valid row, by the row's id."""
        return {
            row_id: (row.key, row.last_day + timedelta(days=1))
            for row_id, row in self.rows.items()
            if row.is_active and row.key and row.last_day
        }

    def enter(self) -> None:
        """Enter a certification."""
        self._hours += 1
        key, day = self._dice.choice(self._keys), self._day()
        row = self._portal.certify(key, day, _MONDAY + timedelta(hours=self._hours))
        self.rows[row[_ID]] = Row(key, day)

    def _redate(self) -> None:
        if (row_id := self._some()) is not None:
            day = self._day()
            self._change(row_id, replace(self.rows[row_id], last_day=day), {_DAY: str(day)})

    def _redate_within_the_second(self) -> None:
        """Change the day, and keep the moment of the change."""
        if (row_id := self._some()) is not None:
            moment, day = self._visible()[row_id]["modifiedon"], self._day()
            columns: dict[str, object] = {_DAY: str(day), "modifiedon": moment}
            self._change(row_id, replace(self.rows[row_id], last_day=day), columns)

    def _give_to_another(self) -> None:
        if (row_id := self._some()) is not None:
            key = self._dice.choice(self._keys)
            self._change(row_id, replace(self.rows[row_id], key=key), {_KEY: key})

    def _clear(self) -> None:
        if (row_id := self._some()) is not None:
            cleared = self._dice.choice([{"key": None}, {"last_day": None}])
            column = _KEY if "key" in cleared else _DAY
            self._change(row_id, replace(self.rows[row_id], **cleared), {column: None})

    def _deactivate(self) -> None:
        if (row_id := self._some()) is not None:
            self._change(row_id, replace(self.rows[row_id], is_active=False), {"statecode": 1})

    def _reactivate(self) -> None:
        if (row_id := self._some()) is not None:
            self._change(row_id, replace(self.rows[row_id], is_active=True), {"statecode": 0})

    def _delete(self) -> None:
        if (row_id := self._some()) is not None:
            self._portal.portal.delete(CERTIFICATIONS, row_id)
            del self.rows[row_id]

    def _replace(self) -> None:
        self._delete()
        self.enter()

    def _change(self, row_id: str, row: Row, columns: dict[str, object]) -> None:
        self._portal.portal.change(CERTIFICATIONS, row_id, **columns)
        self.rows[row_id] = row

    def _some(self) -> str | None:
        there = sorted(self.rows.keys() & self._visible().keys())
        return self._dice.choice(there) if there else None

    def _visible(self) -> dict[str, dict[str, Any]]:
        return self._portal.portal.table(CERTIFICATIONS).rows

    def _day(self) -> date:
        return date(2026, 1, 1) + timedelta(days=self._dice.randint(0, 2000))
