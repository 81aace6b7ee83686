"""Why mentors count as errors: a reason for each, and groups of equal reasons (E7). No I/O.

mentor-pause writes every reason itself: one bounded line of ASCII, without a mentor's id and
without a text of a server or a vendor (E12, E13). Equal failures therefore have equal reasons and
can be counted.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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

_MOST_REASONS = 500
"""Reasons that a run counts one by one; the mentors with other reasons are added up."""

_OTHERS = "another reason, after the first 500"

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


@dataclass(slots=True)
class ErrorCounts:
    """Counts mentors by reason, in a bounded memory."""

    groups: dict[str, ErrorGroup] = field(default_factory=dict[str, ErrorGroup])
    """The counted reasons; the example is the first mentor with the reason."""
    others: ErrorGroup | None = None
    """The mentors whose reasons came after the first `_MOST_REASONS`."""

    def add(self, mentor: UUID, reason: str) -> None:
        """Count one mentor."""
        if (group := self.groups.get(reason)) is not None:
            self.groups[reason] = replace(group, count=group.count + 1)
        elif len(self.groups) < _MOST_REASONS:
            self.groups[reason] = ErrorGroup(reason, 1, mentor)
        else:
            others = self.others or ErrorGroup(_OTHERS, 0, mentor)
            self.others = replace(others, count=others.count + 1)

    def ranked(self) -> tuple[ErrorGroup, ...]:
        """Return the groups, the largest first; each mentor is in exactly one of them."""
        groups = sorted(self.groups.values(), key=lambda group: (-group.count, group.reason))
        groups += [self.others] if self.others else []
        if len(groups) <= _MOST_GROUPS:
            return tuple(groups)
        rest = groups[_MOST_GROUPS - 1 :]
        count = sum(group.count for group in rest)
        other = ErrorGroup(f"one of {len(rest)} other reasons", count, rest[0].example, len(rest))
        return (*groups[: _MOST_GROUPS - 1], other)

    def as_json(self) -> list[dict[str, object]]:
        """The groups as the ledger keeps them while a run is being completed."""
        return [group.as_json() for group in (*self.groups.values(), self.others) if group]

    @classmethod
    def from_json(cls, groups: Iterable[Mapping[str, object]]) -> "ErrorCounts":
        """Return the counts from the groups that `as_json` returned."""
        read = {group.reason: group for group in map(ErrorGroup.from_json, groups)}
        others = read.pop(_OTHERS, None)
        return cls(read, others)


def group_errors(reasons: Mapping[UUID, str]) -> tuple[ErrorGroup, ...]:
    """Group mentors by reason (`ErrorCounts`), in the order of `reasons`."""
    counts = ErrorCounts()
    for mentor, reason in reasons.items():
        counts.add(mentor, reason)
    return counts.ranked()


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
