"""Turns the rows of a listing into typed values; an unreadable row affects no other row (R3)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Literal, cast

from mentor_pause.portal import Certification, CertificationPage, PortalMentor, PortalMentorPage
from mentor_pause.portal.mapping import CertificationMapping, MentorMapping
from mentor_pause.portal.rows import (
    LONGEST_ID,
    Row,
    Unreadable,
    UnreadableRow,
    day_of,
    moment_of,
    name_of,
    text_of,
)

_NOTHING = (None, "")

STATE = "statecode"
"""The column of a row's own state; without this column, a row counts as active."""

_ACTIVE = 0


def certification_page(
    names: CertificationMapping, page: int, rows: list[object]
) -> CertificationPage:
    """Read a page of certifications; `page` counts from 1."""
    read, unreadable = _read(
        rows,
        lambda row: certification_of(names, row),
        lambda row, number: name_of(row, names.id, page, number),
    )
    return CertificationPage(
        tuple(c for c in read if isinstance(c, Certification)), read.count("blank"), unreadable
    )


def certification_of(
    names: CertificationMapping, row: Row
) -> Certification | Literal["deactivated", "blank"]:
    """Read one certification's row, or say why it is not valid.

    Raises:
        Unreadable: a column is neither empty nor of the right kind.
    """
    if is_deactivated(row):
        return "deactivated"
    if any(row.get(column) in _NOTHING for column in (names.mentor_key, names.expires_on)):
        return "blank"
    day = day_of(row, names.expires_on)
    if names.expires == "after the day" and day < date.max:
        day += timedelta(days=1)
    return Certification(
        text_of(row, names.id, LONGEST_ID),
        text_of(row, names.mentor_key),
        day,
        moment_of(row, "modifiedon"),
    )


def is_deactivated(row: Row) -> bool:
    """Whether HLF has deactivated a row."""
    return row.get(STATE) not in (None, _ACTIVE)


def mentor_page(names: MentorMapping, page: int, rows: list[object]) -> PortalMentorPage:
    """Read a page of mentors; `page` counts from 1.

    An unreadable row is named by its place in the listing, since its key is what cannot be read.
    """
    mentors, unreadable = _read(
        rows, lambda row: mentor_of(names, row), lambda _, number: f"row {number} of page {page}"
    )
    return PortalMentorPage(tuple(mentors), unreadable)


def mentor_of(names: MentorMapping, row: Row) -> PortalMentor:
    """Read one mentor's row.

    Raises:
        Unreadable: its key cannot be read.
    """
    status = names.status_of(row.get(names.status))
    return PortalMentor(
        text_of(row, names.key), status, row, _changed(row), is_deactivated=is_deactivated(row)
    )


def _read[T](
    rows: list[object], read: Callable[[Row], T], name: Callable[[Row, int], str]
) -> tuple[list[T], tuple[UnreadableRow, ...]]:
    readable: list[T] = []
    unreadable: list[UnreadableRow] = []
    for number, row in enumerate(rows, 1):
        columns = cast("Row", row if isinstance(row, dict) else {})
        try:
            if not isinstance(row, dict):
                raise Unreadable("it is not an object")  # noqa: TRY301 - the handler names the row
            readable.append(read(columns))
        except Unreadable as error:
            unreadable.append(UnreadableRow(name(columns, number), str(error)))
    return readable, tuple(unreadable)


def _changed(row: Row) -> datetime | None:
    try:
        return moment_of(row, "modifiedon")
    except Unreadable:
        return None
