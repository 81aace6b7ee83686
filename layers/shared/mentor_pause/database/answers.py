"""Reads the HTTP answers of PostgREST and of the gateways in front of it.

A gateway may answer with any status and any body, so nothing in an answer is taken for granted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from mentor_pause.database.error_classification import error_from_answer, is_code
from mentor_pause.database.transport import Row
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.http import Response

_TOTAL = re.compile(r"/(\d+)$")
_SENTENCES = ("message", "msg", "error_description", "error")


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of one answer."""

    rows: Sequence[Row]
    total: int | None
    """How many rows the function returned in all; None: the server did not count them."""
    is_list: bool

    def may_be_cut(self, *, has_key: bool) -> bool:
        """Whether the server may have more rows. Without a count, an empty answer ends a list."""
        if not self.is_list:
            return False
        if self.total is None:
            return has_key and bool(self.rows)
        return self.total > len(self.rows)


def read_answer(function: str, response: Response) -> Answer:
    """Return the rows of an answer; a scalar is one row with one column, named as the function.

    Raises:
        DatabaseError: the database refused.
        RetryableDatabaseError: the call failed for another reason; see `error_table.py`.
    """
    if not response.is_success:
        raise _error(response)
    if not response.content.strip():
        return Answer([{function: None}], None, is_list=False)
    body, is_json = _json(response)
    if not is_json:
        raise DatabaseUnavailable(f"HTTP {response.status_code} with a body that is not JSON")
    if not isinstance(body, list):
        return Answer([{function: body}], None, is_list=False)
    rows = [
        cast("Row", row) if isinstance(row, dict) else {function: row}
        for row in cast("list[object]", body)
    ]
    total = _TOTAL.search(response.header("Content-Range"))
    return Answer(rows, int(total[1]) if total else None, is_list=True)


def _json(response: Response) -> tuple[object, bool]:
    try:
        return response.json(), True
    except (ValueError, RecursionError):
        return None, False


def _error(response: Response) -> Exception:
    content, _ = _json(response)
    body = cast("dict[str, object]", content) if isinstance(content, dict) else {}
    code = body.get("code")
    return error_from_answer(
        response.status_code,
        cast("str", code) if is_code(code) else None,
        _sentence(body) or _plain_text(response),
        _text(body.get("details")),
        _text(body.get("hint")),
    )


def _sentence(body: dict[str, object]) -> str:
    if isinstance(inner := body.get("error"), dict):
        body = cast("dict[str, object]", inner)
    return next((text for name in _SENTENCES if (text := _text(body.get(name)))), "")


def _plain_text(response: Response) -> str:
    is_plain = response.header("Content-Type").startswith("text/plain")
    return response.text if is_plain else ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
