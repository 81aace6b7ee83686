"""Prints tables that fit the terminal and cut nothing.

If a table is too wide, each row becomes a record: the first cells on one line, the others below.
A narrow terminal shows every id as a whole.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cli.output import headline, result, width, wrapped

_GAP = "  "


class Column(NamedTuple):
    """A column of a table; `right` aligns numbers."""

    name: str
    right: bool = False
    explains_itself: bool = False
    """In a record, its cells stand without the column's name."""


class Row(NamedTuple):
    """The cells of a row, and an error to show below it."""

    cells: Sequence[str]
    trouble: str | None = None


def show_table(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print rows as a table, or as records if the table is wider than the terminal."""
    widths = [
        max(len(column.name), *(len(row.cells[i]) for row in rows)) if rows else len(column.name)
        for i, column in enumerate(columns)
    ]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > width():
        _show_records(columns, rows)
        return
    headline(_line(columns, [column.name for column in columns], widths))
    for row in rows:
        result(_line(columns, row.cells, widths))
        _show_trouble(row)


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    placed = (
        cell.rjust(size) if column.right else cell.ljust(size)
        for column, cell, size in zip(columns, cells, widths, strict=True)
    )
    return _GAP.join(placed).rstrip()


def _show_records(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    for row in rows:
        first, *rest = zip(columns, row.cells, strict=True)
        if rest and rest[0][0].explains_itself:
            headline(f"{first[1]}{_GAP}{rest.pop(0)[1]}".rstrip())
        else:
            headline(f"{first[0].name} {first[1]}" if first[0].right else first[1])
        cells = [
            cell if column.explains_itself else f"{column.name} {cell}"
            for column, cell in rest
            if cell
        ]
        for line in _packed(cells, width() - len(_GAP)):
            result(f"{_GAP}{line}")
        _show_trouble(row)


def _packed(cells: Sequence[str], columns: int) -> list[str]:
    """Put as many cells on a line as fit. Only a cell longer than a line is wrapped."""
    lines: list[str] = []
    for cell in cells:
        if lines and len(lines[-1]) + len(f", {cell}") <= columns:
            lines[-1] += f", {cell}"
        else:
            lines += wrapped(cell, columns) or [""]
    return lines


def _show_trouble(row: Row) -> None:
    if row.trouble:
        result(f"{_GAP}{row.trouble}", is_bad=True)
