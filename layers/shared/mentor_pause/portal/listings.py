"""Turns the rows of a listing into what they stand for; one unreadable row costs one row (R3)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import cast

from mentor_pause.portal import MentorPage, PortalMentor, Renewal, RenewalPage
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


def renewal_page(names: CertificationMapping, page: int, rows: list[object]) -> RenewalPage:
    """Read a page of certifications; `page` counts from 1."""
    renewals, unreadable = _read(
        rows,
        lambda row: _renewal(names, row),
        lambda row, number: name_of(row, names.id, page, number),
    )
    return RenewalPage(tuple(r for r in renewals if r is not None), unreadable)


def mentor_page(names: MentorMapping, page: int, rows: list[object]) -> MentorPage:
    """Read a page of mentors; `page` counts from 1.

    What identifies a mentor's row is what cannot be read, so such a row is named by its place.
    """
    mentors, unreadable = _read(
        rows, lambda row: mentor_of(names, row), lambda _, number: f"row {number} of page {page}"
    )
    return MentorPage(tuple(mentors), unreadable)


def mentor_of(names: MentorMapping, row: Row) -> PortalMentor:
    """Read one mentor's row.

    Raises:
        Unreadable: its key cannot be read.
    """
    status = names.status_of(row.get(names.status))
    return PortalMentor(text_of(row, names.key), status, row, _changed(row))


def _read[T](
    rows: list[object], read: Callable[[Row], T], name: Callable[[Row, int], str]
) -> tuple[list[T], tuple[UnreadableRow, ...]]:
    found: list[T] = []
    unreadable: list[UnreadableRow] = []
    for number, row in enumerate(rows, 1):
        columns = cast("Row", row if isinstance(row, dict) else {})
        try:
            if not isinstance(row, dict):
                raise Unreadable("it is not an object")  # noqa: TRY301 - named as any other
            found.append(read(columns))
        except Unreadable as error:
            unreadable.append(UnreadableRow(name(columns, number), str(error)))
    return found, tuple(unreadable)


def _renewal(names: CertificationMapping, row: Row) -> Renewal | None:
    """Return a row's certification; None: it is nobody's, or without a day."""
    if any(row.get(column) in _NOTHING for column in (names.mentor_key, names.expires_on)):
        return None
    day = day_of(row, names.expires_on)
    if names.expires == "after the day" and day < date.max:
        day += timedelta(days=1)
    return Renewal(
        text_of(row, names.id, LONGEST_ID),
        text_of(row, names.mentor_key),
        day,
        moment_of(row, "modifiedon"),
    )


def _changed(row: Row) -> datetime | None:
    try:
        return moment_of(row, "modifiedon")
    except Unreadable:
        return None
