"""Reads the portal's JSON so that one value nobody can read costs its own row and no other (R3).

Python's reader gives up on a whole answer for one text that is not UTF-8, one number of 5,000
digits, or one value that is nested too deeply. Here each of these becomes a value that no column
may have; `rows.py` then names the row.
"""

import json
import re
from collections import Counter
from typing import Final

UNREADABLE: Final = object()
"""Stands for a value that has no meaning: no column takes it for what it expects."""

_LONGEST_INTEGER = 20
_DEEPEST = 16
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def parse(content: bytes) -> object:
    """Return the value of a JSON text.

    Bytes that are not UTF-8 become lone surrogates. A name that an object has twice is
    `UNREADABLE`, and so is an integer of more than 20 digits.

    Raises:
        ValueError: it is not JSON.
    """
    text = content.decode("utf-8-sig", "surrogateescape")
    try:
        return _DECODER.decode(text)
    except RecursionError:
        return _DECODER.decode(_pruned(text))


def _integer(digits: str) -> object:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else UNREADABLE


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        found |= {name: UNREADABLE for name, count in counted.items() if count > 1}
    return found


def _pruned(text: str) -> str:
    """Put an empty object in the place of whatever is nested more than 16 levels deep."""
    kept: list[str] = []
    depth = start = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth == _DEEPEST + 1:
                kept += text[start : token.start()], "{}"
        elif token[0] in ("]", "}"):
            depth -= 1
            if depth == _DEEPEST:
                start = token.end()
    return "".join((*kept, text[start:]))


# Control characters within a text are let through here; the row's check names the column.
_DECODER = json.JSONDecoder(strict=False, parse_int=_integer, object_pairs_hook=_object)
