"""Reads single columns of the portal's rows, and names the reason if one cannot be read (R3).

Every text from here can be sent to the database over either transport: it has no lone surrogate,
no control character, and no more characters than its column takes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

type Row = Mapping[str, object]

LONGEST_KEY = 450
"""Characters of an alternate key: Dataverse limits it to 900 bytes of UTF-16."""
LONGEST_ID = 200
_LONGEST_NAME = 64
_LONGEST_MOMENT = 40
_FIRST_YEAR = 1900
"""Moments of a change before this year are unreadable; the database refuses them, too."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_NOT_IN_A_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Unreadable(ValueError):
    """A row cannot be read; the message names the column and holds nothing of its value."""


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that was skipped; a person should look at it in the portal."""

    name: str
    """Its id, or its place in the listing if the id itself cannot be read."""
    problem: str

    def __str__(self) -> str:
        return f"{self.name} ({self.problem})"


def text_of(row: Row, column: str, longest: int = LONGEST_KEY) -> str:
    """Return a column's text.

    Raises:
        Unreadable: it is not text, or not a text that the database can store.
    """
    value = row.get(column)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{column} is {'empty' if value == '' else 'not text'}")
    if len(value) > longest:
        raise Unreadable(f"{column} has more than {longest} characters")
    if _NOT_IN_A_TEXT.search(value):
        raise Unreadable(f"{column} has a character that no text may have")
    return value


def day_of(row: Row, column: str) -> date:
    """Return a Date Only column's day.

    Raises:
        Unreadable: it is not a day of the years 1 to 9999, or has a time.
    """
    text = text_of(row, column)
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 2026-02-30
    raise Unreadable(f"{column} is not a day (YYYY-MM-DD)")


def moment_of(row: Row, column: str) -> datetime:
    """Return a column's moment, in UTC.

    Raises:
        Unreadable: it is not a moment with an offset, or not within the years 1900 to 9999 of UTC.
    """
    text = text_of(row, column, _LONGEST_MOMENT)
    try:
        if _MOMENT.fullmatch(text):
            moment = datetime.fromisoformat(text).astimezone(UTC)
            if moment.year >= _FIRST_YEAR:
                return moment
    except (ValueError, OverflowError):
        pass
    raise Unreadable(f"{column} is not a moment with an offset")


def name_of(row: Row, column: str, page: int, number: int) -> str:
    """Return the row's id if a log line can hold it, otherwise its place in the listing."""
    value = row.get(column)
    if isinstance(value, str) and value and loggable(value) == value:
        return value
    return f"row {number} of page {page}"


def loggable(text: str) -> str:
    """Return a text of the portal for a log line: short, and printable."""
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST_NAME])
