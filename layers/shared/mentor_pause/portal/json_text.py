"""Reads the portal's JSON; an unreadable value affects only its own row (R3).

Python's reader rejects a whole answer for one text that is not UTF-8, one number of 5,000 digits,
or one value that is nested too deeply. Here each of these becomes a value that no column may have;
`rows.py` then names the row.
"""

import json
import re
from collections import Counter
from typing import Final

UNREADABLE: Final = object()
"""Takes the place of a value that cannot be read; no column accepts it."""

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
    unique = dict(pairs)
    if len(unique) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        unique |= {name: UNREADABLE for name, count in counted.items() if count > 1}
    return unique


def _pruned(text: str) -> str:
    """Replace every value that is nested more than 16 levels deep by an empty object."""
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


# Control characters within a text pass here; the check of the row names the column (`rows.py`).
_DECODER = json.JSONDecoder(strict=False, parse_int=_integer, object_pairs_hook=_object)
