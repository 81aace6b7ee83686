"""The messages between the parts: the dispatcher's request, the page, the RunCompleted event.

Times are aware datetimes, days are ISO dates, ids are UUIDs. Nothing here holds personal data
(E13).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mentor_pause.domain.jobs import MAX_PAGE_SIZE
from mentor_pause.domain.runs import TriggerKind
from mentor_pause.errors import InvalidRequest

PAGE_VERSION = 1

_ESCAPED = '"\\'
_MOST_FAULTS = 10
_LONGEST_NAME = 25
_DEEPEST = 3
"""Steps of a field's path that an error names; our messages are never nested deeper."""

_ISO_DAY = r"\d{4}-\d{2}-\d{2}"
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


def _written_out(value: object) -> object:
    """Refuse a number, which Pydantic would read as seconds after 1970."""
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(_ISO_DAY, value)):
        return value
    raise ValueError("a day is written as 2026-11-22")


type Day = Annotated[
    date, BeforeValidator(_written_out), Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))
]
"""A day in the range that the database functions accept."""


class Message(BaseModel):
    """A message whose unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Read a JSON text or a decoded JSON object.

        Raises:
            InvalidRequest: names each wrong field and the reason; never repeats a value.
        """
        try:
            if isinstance(raw, str | bytes):
                return cls.model_validate_json(raw)
            return cls.model_validate(raw)
        except ValidationError as error:
            reasons = reasons_of(error.errors(include_input=False, include_url=False))
            raise InvalidRequest(f"not a valid {cls.__name__}: {reasons}") from None


def reasons_of(faults: Sequence[Mapping[str, Any]]) -> str:
    """Name the first ten faults of an input in at most 2,000 bytes of ASCII.

    Each fault is an entry of pydantic's `errors()`. The sender chooses the names of unknown fields:
    a name is cut, and each character that JSON escapes or that is not printable ASCII becomes a
    question mark.
    """
    named = [f"{field}: {reason}" for field, reason in field_errors(faults)]
    more = len(faults) - _MOST_FAULTS
    return "; ".join(named) + (f" (and {more} more)" if more > 0 else "")


def field_errors(faults: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the first ten faults of an input, each as the field's name and the reason."""
    return [(_name(fault["loc"]), _cut(fault["msg"], 100)) for fault in faults[:_MOST_FAULTS]]


def _name(place: Sequence[int | str]) -> str:
    return ".".join(_cut(str(step), _LONGEST_NAME) for step in place[:_DEEPEST]) or "body"


def _cut(text: str, longest: int) -> str:
    short = text if len(text) <= longest else f"{text[: longest - 3]}..."
    return "".join(
        "?" if not c.isascii() or not c.isprintable() or c in _ESCAPED else c for c in short
    )


class DispatchRequest(Message):
    """Asks the dispatcher for a run (D1). The nightly rule's input transformer builds one."""

    job_name: Annotated[str, Field(min_length=1, max_length=100)]
    trigger: TriggerKind = "manual"
    trigger_id: Annotated[str | None, Field(min_length=1, max_length=128, pattern=_PRINTABLE)] = (
        None
    )
    """EventBridge's event id, the same when EventBridge delivers the event again."""
    scheduled_at: datetime | None = None
    requested_by: Annotated[str | None, Field(max_length=200, pattern=_PRINTABLE)] = None
    as_of: Day | None = None
    """The day on which certifications must be valid; None: today in the organisation's zone."""
    dry_run: bool = False
    redrive_of: UUID | None = None
    """An ended run: the new run takes its errored mentors and its day."""
    releases: UUID | None = None
    """The run whose plan is approved: the new run pauses the mentors whom that plan holds (G4)."""
    withdraws: UUID | None = None
    """The run whose pauses the new run, of the job withdrawal, takes back (G5)."""
    waiting_since: AwareDatetime | None = None
    """When the dispatcher first queued this request; accepted from its own queue only."""
    handed_over_fence: Annotated[int | None, Field(ge=1)] = None
    """The fence under which a dispatcher without time left handed its run over to the next
    invocation; accepted from its own queue only."""

    @property
    def comes_again(self) -> bool:
        """Whether the request waits and comes again while a service is away.

        A person waits for the first answer to a manual request. A run that was handed over has
        given it.
        """
        return self.trigger != "manual" or self.handed_over_fence is not None


class MentorPage(Message):
    """One page of a run's mentors, a message on the job's queue."""

    version: Literal[1] = PAGE_VERSION
    job_name: str
    job_run_id: UUID
    org_id: UUID
    as_of: Day
    page: Annotated[int, Field(strict=True, ge=1)]
    mentor_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_PAGE_SIZE)]
    dry_run: Annotated[bool, Field(strict=True)] = False
    copy_number: Annotated[int, Field(strict=True, ge=0)] = 0
    """How often a worker sent the page again (`Pages.record_copy`)."""


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
    resumed_count: int = 0
    skipped_count: int
    error_count: int
    renewed_count: int = 0
    left_count: int = 0
    """Mentors that changed during a sync run and that the run did not push (H4)."""
    unforeseen_count: int = 0
    """Mentors of the run's plan who were not warned in time (G2)."""
    held_count: int = 0
    """Mentors of the run's plan who wait for an approval (G3)."""
    brake_acts: bool = False
    """Whether there were more unforeseen mentors than the limits."""
    redrive_of: UUID | None = None
    """The run whose errored mentors this run took."""
    releases: UUID | None = None
    """The run whose held mentors this run paused."""
    withdraws: UUID | None = None
    """The run whose pauses this run took back."""
