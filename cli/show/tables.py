"""Tables of plain text that fit the terminal and cut nothing.

Where a table is too wide, each row becomes a record: its first cells on a line, the rest below.
So a row is as easy to read at 80 columns as at 160, and an id is whole in both.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cli.output import headline, result, width, wrapped

_GAP = "  "


class Column(NamedTuple):
    """A column by its name; numbers stand to the right."""

    name: str
    right: bool = False
    speaks: bool = False
    """Its cells need no name beside them in a record."""


class Row(NamedTuple):
    """The cells of a row, and what is wrong with what it stands for."""

    cells: Sequence[str]
    trouble: str | None = None


def show_table(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print rows as a table, or as records where the table is wider than the terminal."""
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
        if rest and rest[0][0].speaks:
            headline(f"{first[1]}{_GAP}{rest.pop(0)[1]}".rstrip())
        else:
            headline(f"{first[0].name} {first[1]}" if first[0].right else first[1])
        told = [cell if column.speaks else f"{column.name} {cell}" for column, cell in rest if cell]
        for line in _packed(told, width() - len(_GAP)):
            result(f"{_GAP}{line}")
        _show_trouble(row)


def _packed(cells: Sequence[str], columns: int) -> list[str]:
    """Put as many cells on a line as have room. Only a cell longer than a line is broken."""
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
