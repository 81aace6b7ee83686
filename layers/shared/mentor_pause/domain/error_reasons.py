"""Why mentors count as errors: a reason for each, and groups of equal reasons (E7). No I/O.

mentor-pause writes every reason itself: one bounded line of ASCII, without a mentor's id and
without a text of a server or a vendor (E12, E13). Equal failures therefore have equal reasons and
can be counted.
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
UNNAMED = "no worker reported a result for the mentor"

DELIVERIES = 5
"""After this many failed deliveries SQS moves a page's message to the dead-letter queue."""

_MOST_GROUPS = 20
"""Groups in a summary line; the other groups are added up."""

_LONGER_THAN_IDS = 50
"""Characters. A longer word cannot be an id, so `cut` may shorten it."""

_QUOTE = re.compile(r" \(it says: .*\)")
"""The part of a message that quotes a server; see `database/error_classification.py`."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class RequeueReason(NamedTuple):
    """Why a worker requeued a page, and at which delivery of its message."""

    reason: str
    delivery: int


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """The mentors that count as errors for the same reason."""

    reason: str
    count: int
    example: UUID
    kinds: int = 1
    """How many reasons the group stands for; more than one in the last group of a long list."""

    def as_json(self) -> dict[str, object]:
        """The fields of the summary line, the command line and the ledger."""
        return {"reason": self.reason, "count": self.count, "example": str(self.example)}

    @classmethod
    def from_json(cls, fields: Mapping[str, object]) -> "ErrorGroup":
        """Return the group from the fields that `as_json` returned."""
        return cls(str(fields["reason"]), int(str(fields["count"])), UUID(str(fields["example"])))


def plain(text: str) -> str:
    """Return a text as a reason: one bounded line without ids and quotations."""
    line = " ".join(_UNPRINTABLE.sub(" ", _QUOTE.sub("", text)).split())
    return cut(without_ids(line), LONGEST)


def without_ids(text: str) -> str:
    """Return a text with `(id)` in the place of every UUID."""
    return _ID.sub("(id)", text)


def cut(text: str, longest: int) -> str:
    """Shorten a text at a space, so that an id stays whole."""
    if len(text) <= longest:
        return text
    head = text[: longest - 3]
    whole_words = head.rpartition(" ")[0]
    return f"{head if len(head) - len(whole_words) > _LONGER_THAN_IDS else whole_words}..."


def join_notes(*notes: str) -> str:
    """Return all notes in one text, each once."""
    joined = ""
    for note in notes:
        if note and f"; {note}; " not in f"; {joined}; ":
            joined = f"{joined}; {note}" if joined else note
    return joined


def reason_of_failed_page(last: RequeueReason | None) -> str:
    """Return the reason for the unprocessed mentors of a page in the dead-letter queue (R1)."""
    failed = f"its page failed {DELIVERIES} times"
    if last is None:
        return f"{failed} and no worker gave a reason; Lambda may have killed the workers"
    if last.delivery < DELIVERIES:
        return plain(
            f"{failed}, the last time without a reason; Lambda may have killed the worker;"
            f" before that: {last.reason}"
        )
    return plain(f"{failed}, last: {last.reason}")


def reason_of_unfinished_page(why: str, last: RequeueReason | None) -> str:
    """Return the reason for the unprocessed mentors of a page whose run was ended (E8, O2)."""
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


def describe_errors(groups: tuple[ErrorGroup, ...], room: int) -> str:
    """Describe the errors in at most `room` characters: how many, the reasons, an example of each.

    Groups that do not fit are counted. `room` is at least 400, so that one group always fits.
    """
    if not groups:
        return ""
    total = sum(group.count for group in groups)
    text = f"{total} error{'s' * (total > 1)}: "
    for place, group in enumerate(groups):
        part = f"{'; ' * (place > 0)}{group.count} {group.reason}, such as mentor {group.example}"
        rest = groups[place + 1 :]
        if place and len(text) + len(part) + len(_and_more(rest)) > room:
            return text + _and_more(groups[place:])
        text += part
    return text


def _and_more(groups: tuple[ErrorGroup, ...]) -> str:
    kinds = sum(group.kinds for group in groups)
    mentors = sum(group.count for group in groups)
    if not kinds:
        return ""
    return f"; and {kinds} more kind{'s' * (kinds > 1)} ({mentors} mentor{'s' * (mentors > 1)})"
