"""Evaluates DynamoDB's expressions on items, for the stand-in of the ledger's table.

It knows the expressions of top-level attributes. Each text is read once and kept.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import Any

type Value = dict[str, Any]
"""A value as DynamoDB writes it: `{"S": "text"}`."""
type Item = dict[str, Value]
type _Operand = Callable[["Given"], Value | None]
type _Test = Callable[["Given"], bool]

_TOKEN = re.compile(r"\s*([:#]?[A-Za-z_][A-Za-z0-9_]*|<>|<=|>=|[=<>(),+-])")
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
_SETS = ("SS", "NS")


@dataclass(frozen=True, slots=True)
class Given:
    """An item, and the values and names of a request."""

    item: Mapping[str, Value]
    values: Mapping[str, Value]
    names: Mapping[str, str]

    def name(self, token: str) -> str:
        """Return the attribute that a token names."""
        return self.names[token] if token.startswith("#") else token


def holds(text: str | None, given: Given) -> bool:
    """Return whether a condition holds; no condition always does."""
    return text is None or _read_condition(text)(given)


def changed(text: str, given: Given) -> Item:
    """Return the attributes that an update sets; the value of a removed one is empty."""
    changes: Item = {}
    for clause, steps in _read_update(text):
        for token, operand in steps:
            name, value = given.name(token), operand(given) if operand else None
            changes[name] = _applied(clause, given.item.get(name), value)
    return changes


def _applied(clause: str, old: Value | None, value: Value | None) -> Value:
    if clause == "REMOVE" or value is None:
        return {}
    if clause == "SET" or (clause == "ADD" and old is None):
        return value
    ((kind, more),) = value.items()
    before: Any = old[kind] if old else []
    if clause == "DELETE":
        left: list[str] = [one for one in before if one not in more]
        return {kind: left} if left else {}
    if kind == "N":
        return {"N": str(Decimal(before) + Decimal(more))}
    return {kind: list(dict.fromkeys([*before, *more]))}


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        if "".join(self._tokens) != re.sub(r"\s", "", text):
            raise ValueError(f"unknown expression: {text}")
        self._at = 0

    @property
    def next(self) -> str:
        """The next token; empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, *expected: str) -> str:
        """Return the next token, which must be one of `expected`, if there are any."""
        token = self.next
        if not token or (expected and token.upper() not in expected):
            raise ValueError(f"{token or 'the end'} instead of {' or '.join(expected)}")
        self._at += 1
        return token

    def is_next(self, *tokens: str) -> bool:
        """Whether the next token is one of these, whatever its case."""
        return self.next.upper() in tokens


@lru_cache
def _read_condition(text: str) -> _Test:
    reader = _Reader(text)
    test = _either(reader)
    if reader.next:
        raise ValueError(f"{reader.next} is not expected in: {text}")
    return test


def _either(reader: _Reader) -> _Test:
    tests = [_all(reader)]
    while reader.is_next("OR"):
        reader.take()
        tests.append(_all(reader))
    return lambda given: any(test(given) for test in tests)


def _all(reader: _Reader) -> _Test:
    tests = [_one(reader)]
    while reader.is_next("AND"):
        reader.take()
        tests.append(_one(reader))
    return lambda given: all(test(given) for test in tests)


def _one(reader: _Reader) -> _Test:
    if reader.is_next("NOT"):
        reader.take()
        inner = _one(reader)
        return lambda given: not inner(given)
    if reader.is_next("("):
        reader.take()
        inner = _either(reader)
        reader.take(")")
        return inner
    function = _FUNCTIONS.get(reader.next)
    if function is not None:
        reader.take()
        arguments = _arguments(reader)
        return lambda given: function([one(given) for one in arguments])
    return _comparison(reader)


def _comparison(reader: _Reader) -> _Test:
    left = _operand(reader)
    if reader.is_next("BETWEEN"):
        reader.take()
        low = _operand(reader)
        reader.take("AND")
        high = _operand(reader)
        return lambda given: (
            _compare(low(given), left(given), "<=") and _compare(left(given), high(given), "<=")
        )
    if reader.is_next("IN"):
        reader.take()
        among = _arguments(reader)
        return lambda given: any(_compare(left(given), one(given), "=") for one in among)
    sign = reader.take("=", "<>", "<", "<=", ">", ">=")
    right = _operand(reader)
    return lambda given: _compare(left(given), right(given), sign)


def _arguments(reader: _Reader) -> list[_Operand]:
    reader.take("(")
    found = [_operand(reader)]
    while reader.is_next(","):
        reader.take()
        found.append(_operand(reader))
    reader.take(")")
    return found


def _operand(reader: _Reader) -> _Operand:
    token = reader.take()
    if token in ("if_not_exists", "list_append", "size"):
        return _computed(token, _arguments(reader))
    if token.startswith(":"):
        return lambda given: given.values[token]
    return lambda given: given.item.get(given.name(token))


def _computed(function: str, arguments: list[_Operand]) -> _Operand:
    def compute(given: Given) -> Value | None:
        first, *rest = [one(given) for one in arguments]
        if function == "if_not_exists":
            return rest[0] if first is None else first
        if function == "size":
            return {"N": str(len(next(iter(first.values()))))} if first else None
        return {"L": [*(first or {"L": []})["L"], *(rest[0] or {"L": []})["L"]]}

    return compute


def _compare(left: Value | None, right: Value | None, sign: str) -> bool:
    if left is None or right is None or left.keys() != right.keys():
        return sign == "<>"
    one, other = _comparable(left), _comparable(right)
    comparisons: dict[str, Callable[[Any, Any], bool]] = {
        "=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge
    }  # fmt: skip
    return comparisons[sign](one, other)


def _comparable(value: Value) -> object:
    ((kind, found),) = value.items()
    if kind == "N":
        return Decimal(found)
    return frozenset[Any](found) if kind in _SETS else found


def _begins_with(values: list[Value | None]) -> bool:
    first, prefix = values
    return bool(first and prefix and first.get("S", "").startswith(prefix["S"]))


def _contains(values: list[Value | None]) -> bool:
    first, part = values
    if not first or not part:
        return False
    ((kind, among),), (one,) = first.items(), part.values()
    return (part in among) if kind == "L" else (one in among)


_FUNCTIONS: dict[str, Callable[[list[Value | None]], bool]] = {
    "attribute_exists": lambda values: values[0] is not None,
    "attribute_not_exists": lambda values: values[0] is None,
    "begins_with": _begins_with,
    "contains": _contains,
}


@lru_cache
def _read_update(text: str) -> list[tuple[str, list[tuple[str, _Operand | None]]]]:
    reader, clauses = _Reader(text), list[tuple[str, list[tuple[str, _Operand | None]]]]()
    while reader.next:
        clause = reader.take(*_CLAUSES).upper()
        steps = [_step(reader, clause)]
        while reader.is_next(","):
            reader.take()
            steps.append(_step(reader, clause))
        clauses.append((clause, steps))
    return clauses


def _step(reader: _Reader, clause: str) -> tuple[str, _Operand | None]:
    name = reader.take()
    if clause == "REMOVE":
        return name, None
    if clause == "SET":
        reader.take("=")
    first = _operand(reader)
    if not reader.is_next("+", "-"):
        return name, first
    sign, second = reader.take(), _operand(reader)

    def total(given: Given) -> Value | None:
        one, other = first(given), second(given)
        if one is None or other is None:
            raise ValueError(f"{name} cannot be added to")
        more = Decimal(other["N"])
        return {"N": str(Decimal(one["N"]) + (more if sign == "+" else -more))}

    return name, total
