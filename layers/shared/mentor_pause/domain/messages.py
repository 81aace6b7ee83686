"""What comes in and goes out: the dispatcher's event, the page message, the RunCompleted event.

Times are aware datetimes, days are ISO dates, ids are UUIDs. Nothing here holds personal data
(E13).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mentor_pause.errors import InvalidRequest

PAGE_VERSION = 1
MAX_PAGE_SIZE = 500

_ESCAPED = '"\\'
_MOST_FAULTS = 10
_LONGEST_NAME = 25
_DEEPEST = 3
"""Of a fault's place so many steps are named; our own messages are never nested deeper."""

_ISO_DAY = r"\d{4}-\d{2}-\d{2}"
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


def _written_out(value: object) -> object:
    """Pydantic takes a number, too, for a day: so many seconds after 1970."""
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(_ISO_DAY, value)):
        return value
    raise ValueError("a day is written as 2026-11-22")


type Day = Annotated[
    date, BeforeValidator(_written_out), Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))
]
"""A day as the database functions take it; they refuse others."""
type Trigger = Literal["schedule", "manual", "event"]


class Message(BaseModel):
    """Strict about its fields: what is not known is refused, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Read a JSON text or an object that JSON gave.

        Raises:
            InvalidRequest: names each field that is wrong and why; never repeats a value.
        """
        try:
            if isinstance(raw, str | bytes):
                return cls.model_validate_json(raw)
            return cls.model_validate(raw)
        except ValidationError as error:
            reasons = reasons_of(error.errors(include_input=False, include_url=False))
            raise InvalidRequest(f"not a valid {cls.__name__}: {reasons}") from None


def reasons_of(faults: Sequence[Mapping[str, Any]]) -> str:
    """Name the first ten faults of an input in at most 2,000 bytes of ASCII, however large it was.

    Each fault is an entry of pydantic's `errors()`. The names of unknown fields are the sender's
    own text: each is cut, and every character that is not printable ASCII, or that JSON escapes,
    becomes a question mark.
    """
    named = [f"{_name(fault['loc'])}: {_cut(fault['msg'], 100)}" for fault in faults[:_MOST_FAULTS]]
    more = len(faults) - _MOST_FAULTS
    return "; ".join(named) + (f" (and {more} more)" if more > 0 else "")


def _name(place: Sequence[int | str]) -> str:
    return ".".join(_cut(str(step), _LONGEST_NAME) for step in place[:_DEEPEST]) or "body"


def _cut(text: str, longest: int) -> str:
    short = text if len(text) <= longest else f"{text[: longest - 3]}..."
    return "".join(
        "?" if not c.isascii() or not c.isprintable() or c in _ESCAPED else c for c in short
    )


class DispatchRequest(Message):
    """Asks the dispatcher for a run (D1). The nightly rule's input transformer makes one."""

    job_name: Annotated[str, Field(min_length=1, max_length=100)]
    trigger: Trigger = "manual"
    trigger_id: Annotated[str | None, Field(min_length=1, max_length=128, pattern=_PRINTABLE)] = (
        None
    )
    """The firing: EventBridge's event id, the same when it is delivered again."""
    scheduled_at: datetime | None = None
    requested_by: Annotated[str | None, Field(max_length=200, pattern=_PRINTABLE)] = None
    as_of: Day | None = None
    """The day that certifications are judged by; None: today in the organisation's time zone."""
    dry_run: bool = False
    redrive_of: UUID | None = None
    """A run that has ended: only those whom it errored on, with its day, in a run of their own."""
    waiting_since: AwareDatetime | None = None
    """When the dispatcher first let this request wait. Only its own queue is believed in that."""


class MentorPage(Message):
    """One page of a run's mentors, on the job's queue."""

    version: Literal[1] = PAGE_VERSION
    job_name: str
    job_run_id: UUID
    org_id: UUID
    as_of: Day
    page: Annotated[int, Field(strict=True, ge=1)]
    mentor_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_PAGE_SIZE)]
    dry_run: Annotated[bool, Field(strict=True)] = False
    copy_number: Annotated[int, Field(strict=True, ge=0)] = 0
    """How often a worker has sent the page again (`Ledger.note_copy`)."""


class RunCompleted(Message):
    """The detail of the event that follows every completed run (E11, H4)."""

    version: Literal[1] = 1
    job_name: str
    job_run_id: UUID
    org_id: UUID
    as_of: date
    dry_run: bool
    status: Literal["completed", "failed"]
    processed_count: int
    paused_count: int = 0
    synced_count: int = 0
    skipped_count: int
    error_count: int
    renewed_count: int = 0
    left_count: int = 0
    """Mentors who changed while a sync run went on and were not told to the portal by it (H4)."""
    redrive_of: UUID | None = None
    """The run whose errored mentors this one was about."""
