"""Compares the oracle's expectations with the product's answers."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

_SOON = timedelta(seconds=60)
"""The database's clock goes on while a step is done; the oracle's does not."""

_MISSING = "nothing"


class Look(NamedTuple):
    """One thing that differs."""

    what: str
    expected: Any
    found: Any


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Look]:
    """Yield each difference, and each name that is on one side only."""
    for what in sorted(expected.keys() | found.keys()):
        one, other = expected.get(what, _MISSING), found.get(what, _MISSING)
        if not agree(one, other):
            yield Look(what, one, other)


def agree(expected: Any, found: Any) -> bool:
    """Whether the product shows what is expected.

    Moments may differ by seconds, and of several days that are expected any one will do.
    """
    if isinstance(expected, datetime):
        return isinstance(found, datetime) and abs(found - expected) < _SOON
    if isinstance(found, date) and isinstance(expected, frozenset):
        return found in expected
    if is_dataclass(expected):
        return type(expected) is type(found) and all(
            agree(getattr(expected, f.name), getattr(found, f.name))
            for f in fields(expected)
            if f.compare
        )
    if isinstance(expected, tuple):
        return (
            isinstance(found, tuple)
            and len(expected) == len(found)
            and all(map(agree, expected, found))
        )
    return bool(expected == found)
