"""Results go to standard output, notices and problems to standard error.

Only terminals get colour, unless `NO_COLOR` is set (https://no-color.org).
"""

import json
import os
import shutil
import sys
import textwrap
from datetime import UTC, datetime
from typing import TextIO

import click


def result(text: str, *, is_bad: bool = False) -> None:
    """Print a line of a command's result; at a terminal it is wrapped between words."""
    _echo(_fit(text) if sys.stdout.isatty() else text, sys.stdout, fg="red" if is_bad else None)


def headline(text: str) -> None:
    """Print the line above a table."""
    _echo(text, sys.stdout, bold=True)


def machine(value: object) -> None:
    """Print JSON on one line of standard output."""
    click.echo(json.dumps(value, default=_as_json))


def say(text: str) -> None:
    """Print a notice on standard error."""
    _echo(text, sys.stderr, dim=True)


def problem(text: str) -> None:
    """Print on standard error what is wrong, and the next command."""
    _echo(f"mentor-pause: {text}", sys.stderr, fg="red")


def width() -> int:
    """Return the width of the terminal, or `COLUMNS`; 80 if neither is known."""
    return shutil.get_terminal_size((80, 24)).columns


def wrapped(text: str, columns: int, indent: str = "") -> list[str]:
    """Wrap a text between words; a word longer than a line, such as an id, stays whole."""
    return textwrap.wrap(
        text, columns, initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _fit(text: str) -> str:
    indent = " " * (len(text) - len(text.lstrip()))
    return "\n".join(wrapped(text.strip(), width(), indent))


def _echo(
    text: str, file: TextIO, *, fg: str | None = None, bold: bool = False, dim: bool = False
) -> None:
    is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    styled = click.style(text, fg=fg, bold=bold or None, dim=dim or None)
    click.echo(styled, file=file, color=False if is_plain else None)


def _as_json(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
