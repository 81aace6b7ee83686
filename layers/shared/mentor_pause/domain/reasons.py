"""Why mentors count as errors: a reason for each, and groups of equal reasons (E7). No I/O.

A reason is text of this project: bounded, in ASCII, without a mentor's id, and without words of a
server or a vendor (E12, E13). So equal troubles have equal texts, and can be counted.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

LONGEST = 200
"""Characters of a reason."""

NO_REASON = "the worker gave no reason"
UNNAMED = "no worker reported what became of the mentor"

DELIVERIES = 5
"""After so many failed deliveries SQS moves a page's message to the dead-letter queue."""

_MOST_GROUPS = 20
"""Groups in a summary line; the rest are counted together."""

_LONGER_THAN_IDS = 50
"""Longer than an id with a bracket or a comma: such a word may be cut."""

_QUOTE = re.compile(r" \(it says: .*\)")
"""What a message quotes of a server; see `supabase/failures.py`."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class PutBack(NamedTuple):
    """Why a worker put a page back or handed it back, and at which delivery of its message."""

    reason: str
    delivery: int


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Mentors who count as errors for the same reason."""

    reason: str
    count: int
    example: UUID
    kinds: int = 1
    """How many reasons it stands for: several, if there was not enough room for each of them."""

    def as_json(self) -> dict[str, object]:
        """The fields of the summary line, the command line and the ledger."""
        return {"reason": self.reason, "count": self.count, "example": str(self.example)}

    @classmethod
    def from_json(cls, found: Mapping[str, object]) -> "ErrorGroup":
        """Read what `as_json` has made."""
        return cls(str(found["reason"]), int(str(found["count"])), UUID(str(found["example"])))


def plain(text: str) -> str:
    """Return a text as a reason: one bounded line without ids and without quotations."""
    line = " ".join(_UNPRINTABLE.sub(" ", _QUOTE.sub("", text)).split())
    return cut(without_ids(line), LONGEST)


def without_ids(text: str) -> str:
    """Return a text with `(id)` in the place of every UUID."""
    return _ID.sub("(id)", text)


def cut(text: str, longest: int) -> str:
    """Shorten a text at a space, so that no id in it is cut in two."""
    if len(text) <= longest:
        return text
    head = text[: longest - 3]
    whole_words = head.rpartition(" ")[0]
    return f"{head if len(head) - len(whole_words) > _LONGER_THAN_IDS else whole_words}..."


def join_notes(*notes: str) -> str:
    """Return all the remarks in one text, each once."""
    said = ""
    for note in notes:
        if note and f"; {note}; " not in f"; {said}; ":
            said = f"{said}; {note}" if said else note
    return said


def reason_of_failed_page(last: PutBack | None) -> str:
    """Return why the open mentors of a page in the dead-letter queue count as errors (R1)."""
    failed = f"its page failed {DELIVERIES} times"
    if last is None:
        return f"{failed}, and no worker said why, as when workers are killed"
    if last.delivery < DELIVERIES:
        return plain(
            f"{failed}, at last without a word, as when workers are killed; before: {last.reason}"
        )
    return plain(f"{failed}, last: {last.reason}")


def reason_of_unfinished_page(why: str, last: PutBack | None) -> str:
    """Return why the open mentors of a page count as errors whose run was ended (E8, O2)."""
    unfinished = f"its page was not finished: {why}"
    return plain(f"{unfinished}, last: {last.reason}" if last else unfinished)


def group_errors(reasons: Mapping[UUID, str]) -> tuple[ErrorGroup, ...]:
    """Group mentors by reason, the largest group first; each mentor is in exactly one group.

    The example is the group's first mentor in the order of `reasons`.
    """
    counted = Counter(reasons.values())
    first = {reason: mentor for mentor, reason in reversed(list(reasons.items()))}
    groups = [
        ErrorGroup(reason, counted[reason], first[reason])
        for reason in sorted(counted, key=lambda reason: (-counted[reason], reason))
    ]
    if len(groups) <= _MOST_GROUPS:
        return tuple(groups)
    rest = groups[_MOST_GROUPS - 1 :]
    count = sum(group.count for group in rest)
    other = ErrorGroup(f"one of {len(rest)} other reasons", count, rest[0].example, len(rest))
    return (*groups[: _MOST_GROUPS - 1], other)


def tell(groups: tuple[ErrorGroup, ...], room: int) -> str:
    """Say in at most `room` characters how many errors there are, why, and an example of each.

    Groups without room are counted. `room` is at least 400: one group always fits.
    """
    if not groups:
        return ""
    total = sum(group.count for group in groups)
    text = f"{total} error{'s' * (total > 1)}: "
    for place, group in enumerate(groups):
        said = f"{'; ' * (place > 0)}{group.count} {group.reason}, such as mentor {group.example}"
        rest = groups[place + 1 :]
        if place and len(text) + len(said) + len(_and_more(rest)) > room:
            return text + _and_more(groups[place:])
        text += said
    return text


def _and_more(groups: tuple[ErrorGroup, ...]) -> str:
    kinds = sum(group.kinds for group in groups)
    mentors = sum(group.count for group in groups)
    if not kinds:
        return ""
    return f"; and {kinds} more kind{'s' * (kinds > 1)} ({mentors} mentor{'s' * (mentors > 1)})"
