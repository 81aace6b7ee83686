"""Changes of the SQL in `supabase/schemas`, each as statements for a migrated database.

A function or a view is created again with one change in its text. A policy is dropped and created
again. A check of a table is dropped. `integration/supabase/test_access.py` removes and adds grants,
policies and guards one at a time already, so those changes are not repeated here.

The text is cut into tokens; nothing here understands SQL further. A change that PostgreSQL refuses
is not counted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from mutants.changes import Mutant, short

_TOKENS = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\$\w*\$|\w+(?:\.\w+)*|<>|<=|>=|:=|=>|::|\|\||\s+|.")
_STOPS = {
    "and", "or", "then", "group", "order", "limit", "returning", "union", "for", "having", "loop",
    "when", "else", "on", "inner", "left", "cross", "where", "from", "into", "window", "using",
    ";", ",",
}  # fmt: skip
_CONDITIONS = {"where", "on", "and", "or", "if", "elsif", "when", "having"}
_NOT_COMPARED = {"set", "using"}
_COMPARED = {*_CONDITIONS, "not", "select", "return", ":=", "constant", "then", "else", "distinct"}
_BEGINNINGS = {"begin", "then", "else", "loop", ";"}
_STATEMENTS = {"perform", "update", "delete", "insert", "return", "raise", "exit", "continue"}
_SWAPS = {
    "<>": "=", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "+": "-", "-": "+", "min": "max",
    "max": "min", "greatest": "least", "least": "greatest", "true": "false", "false": "true",
    "distinct": "", "desc": "", "not": "", "exists": "not exists", "any": "all",
}  # fmt: skip
_PAIRS = {
    ("is", "null"): "is not", ("is", "true"): "is not", ("is", "false"): "is not",
    ("is", "distinct"): "is not", ("in", "("): "not in", ("left", "join"): "inner",
}  # fmt: skip
"""What the first of two words becomes."""
_KEY = re.compile(r"'[a-z_]+'")
_NAMED = re.compile(
    r"create (?:or replace )?(?:function|view|policy) ([\w.]+)(?: on ([\w.]+))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class SqlChange:
    """A mutant, and the statements that make it."""

    mutant: Mutant
    statements: str
    name: str
    """The function, view or table."""


@dataclass(frozen=True)
class SqlSource:
    """The text of one statement of a schema file: a function, a view or a policy."""

    file: Path
    text: str
    first_line: int

    @cached_property
    def name(self) -> str:
        """The function or view, or the table of a policy."""
        found = _NAMED.search(self.text)
        assert found is not None
        return found[2] or found[1]

    @cached_property
    def _label(self) -> str:
        found = _NAMED.search(self.text)
        assert found is not None
        return f"policy {found[1]} on {found[2]}" if found[2] else found[1]

    def changes(self, first: int) -> Iterator[SqlChange]:
        """Yield each change; the numbers of the mutants begin with `first`."""
        tokens = _TOKENS.findall(self.text)
        made = dict[str, tuple[int, str, str]]()
        for start, end, new in _edits(tokens):
            text = "".join([*tokens[:start], new, *tokens[end:]])
            if text != self.text:
                made.setdefault(text, (start, "".join(tokens[start:end]), new))
        for number, (text, (start, old, new)) in enumerate(made.items(), first):
            line = self.first_line + "".join(tokens[:start]).count("\n")
            mutant = Mutant(
                self.file, number, line, self._label, short(old), short(new) or "nothing"
            )
            yield SqlChange(mutant, self._statements(text), self.name)

    def _statements(self, text: str) -> str:
        found = _NAMED.search(self.text)
        if found and found[2]:
            return f"drop policy {found[1]} on {found[2]}; {text}"
        return text


def read_sql(file: Path) -> list[SqlSource]:
    """Return the functions, views and policies of a schema file."""
    text = file.read_text()
    return [
        SqlSource(file, text[start:end], text[:start].count("\n") + 1)
        for start, end in _statements_of(text)
        if _NAMED.match(text[start:end])
    ]


def _statements_of(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each statement begins and ends."""
    place, start, quoted = 0, -1, False
    for token in _TOKENS.findall(text):
        if start < 0 and token.strip() and not token.startswith("--"):
            start = place
        place += len(token)
        quoted ^= token.startswith("$") and len(token) > 1
        if token == ";" and not quoted:
            yield start, place
            start = -1


def _edits(tokens: list[str]) -> Iterator[tuple[int, int, str]]:
    """Yield changes as the tokens to replace, from and up to, and the new text."""
    body = _body(tokens)
    code = [i for i in body if tokens[i].strip() and not tokens[i].startswith("--")]
    for here, following in pairwise([*code, len(tokens)]):
        token = tokens[here].lower()
        if token in _CONDITIONS and following < len(tokens):
            yield from _condition(tokens, code, here, following)
        yield from _single(tokens, code, here)
    for before, here in pairwise(code):
        if tokens[before] in _BEGINNINGS and _is_statement(tokens, code, here):
            end = _end(tokens, here, {";"})
            if end < len(tokens):
                yield here, end + 1, ""


def _body(tokens: list[str]) -> range:
    """Return the places between the dollar quotes; all places where there are none."""
    quotes = [i for i, token in enumerate(tokens) if token.startswith("$") and len(token) > 1]
    return range(quotes[0] + 1, quotes[-1]) if quotes else range(len(tokens))


def _condition(
    tokens: list[str], code: list[int], here: int, following: int
) -> Iterator[tuple[int, int, str]]:
    word = tokens[here].lower()
    earlier = [tokens[i].lower() for i in code if i < here][-1:]
    if tokens[following] == "conflict" or (word == "if" and earlier == ["end"]):
        return
    if word == "and" and _follows_between(tokens, here):
        return
    if word in {"if", "elsif", "when"}:
        end = _end(tokens, following, {"then", ";"})
        yield following, end, "true "
        yield following, end, "false "
        following_end = _end(tokens, following, _STOPS)
        if following_end < end:
            yield following, following_end, "true "
            yield following, following_end, "false "
        return
    end = _end(tokens, following, _STOPS)
    if word in {"and", "or"}:
        yield here, end, ""
        yield here, here + 1, "or" if word == "and" else "and"
    else:
        yield following, end, "true "


def _follows_between(tokens: list[str], here: int) -> bool:
    depth = 0
    for token in reversed(tokens[:here]):
        word = token.lower()
        depth += (token == ")") - (token == "(")
        if depth == 0 and word == "between":
            return True
        if depth < 0 or (depth == 0 and word in {*_CONDITIONS, "select", ";"}):
            return False
    return False


def _end(tokens: list[str], start: int, stops: set[str]) -> int:
    """Return the place of the first stop at the same depth, or of the bracket that closes it."""
    depth = between = 0
    for place in range(start, len(tokens)):
        word = tokens[place].lower()
        if depth == 0 and word == "and" and between:
            between -= 1
            continue
        if depth == 0 and word in stops:
            return place
        between += depth == 0 and word == "between"
        depth += word in {"(", "[", "case"}
        depth -= word in {")", "]", "end"}
        if depth < 0:
            return place
    return len(tokens)


def _single(tokens: list[str], code: list[int], here: int) -> Iterator[tuple[int, int, str]]:
    """Yield changes of one word, operator, number or key."""
    token = tokens[here].lower()
    after = next((tokens[i].lower() for i in code if i > here), "")
    if (token, after) in _PAIRS:
        yield here, here + 1, _PAIRS[token, after]
    elif token in _SWAPS:
        yield here, here + 1, _SWAPS[token]
    elif token == "=" and _clause(tokens, here) not in _NOT_COMPARED:
        yield here, here + 1, "<>"
    elif token == "coalesce":
        yield from _coalesce(tokens, here)
    elif token.isdecimal():
        yield here, here + 1, str(int(token) + 1)
    elif _KEY.fullmatch(token):
        yield here, here + 1, "''"
    else:
        yield from _tails(tokens, here, token, after)


def _tails(tokens: list[str], here: int, token: str, after: str) -> Iterator[tuple[int, int, str]]:
    """Yield the last parts of a query, dropped: the lock and the limit."""
    if token == "for" and after in {"update", "share", "key", "no"}:
        yield here, _end(tokens, here + 1, {";", "loop"}), ""
    elif token == "skip" and after == "locked":
        yield here, here + 3, ""
    elif token == "limit":
        yield here, _end(tokens, here + 1, {";", "union", "for"}), ""


def _clause(tokens: list[str], here: int) -> str:
    """Return the word that says what a `=` means: a condition, or `set` for an assignment."""
    depth = 0
    for token in reversed(tokens[:here]):
        word = token.lower()
        depth += (word in {")", "end"}) - (word in {"(", "case"})
        if depth <= 0 and word in {*_COMPARED, *_NOT_COMPARED}:
            return word
        depth = max(depth, 0)
    return ""


def _coalesce(tokens: list[str], here: int) -> Iterator[tuple[int, int, str]]:
    opening = here + 1
    comma = _end(tokens, opening + 1, {","})
    closing = _end(tokens, opening + 1, set())
    if comma < closing:
        yield here, closing + 1, "(" + "".join(tokens[opening + 1 : comma]).strip() + ")"
        yield here, closing + 1, "coalesce(" + "".join(tokens[comma + 1 : closing]).strip() + ")"


def _is_statement(tokens: list[str], code: list[int], here: int) -> bool:
    after = [tokens[i] for i in code if i > here][:1]
    return tokens[here].lower() in _STATEMENTS or after == [":="]
