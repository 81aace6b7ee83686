"""Calls a database function through a transport, and types the rows of its answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
)

from mentor_pause.database.transport import Row, Transport
from mentor_pause.domain.mentors import Status
from mentor_pause.domain.runs import TriggerKind
from mentor_pause.domain.summary import BrakeCounts
from mentor_pause.errors import (
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    MentorPauseError,
)
from mentor_pause.retry import NO_RETRY, Retry

type Outcome = Literal[
    "changed",
    "replayed",
    "not_active",
    "not_expired",
    "would_change",
    "held",
    "changed_since",
    "still_expired",
]
type MemberRole = Literal["admin", "coordinator"]
type ExecutionStatus = Literal["running", "completed", "failed", "duplicate", "refused"]


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in UTC; the time zone of the database's session does not matter."""


class Result(BaseModel):
    """A row; unknown columns are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def read_all(cls, rows: Sequence[Row]) -> list[Self]:
        """Return every row, typed.

        Raises:
            DatabaseError: a value cannot be read.
            DatabaseMisconfigured: a column is missing.
        """
        return _read(lambda: [cls.model_validate(row) for row in rows])

    @classmethod
    def read_only(cls, rows: Sequence[Row]) -> Self:
        """Return the only row, typed.

        Raises:
            DatabaseUnavailable: the answer has no row or several; our functions return one.
            MentorPauseError: as `read_all` does.
        """
        return cls.read_all([_only(rows)])[0]


def read_value[T](kind: TypeAdapter[T], rows: Sequence[Row]) -> T:
    """Return a scalar: the only column of the only row.

    Raises:
        MentorPauseError: as `Result.read_only` does.
    """
    return _read(lambda: kind.validate_python(_only(list(_only(rows).values()))))


def _only[T](items: Sequence[T]) -> T:
    if len(items) != 1:
        raise DatabaseUnavailable("the answer does not come from our database functions")
    return items[0]


def _read[T](read: Callable[[], T]) -> T:
    try:
        return read()
    except ValidationError as error:
        failure = _unread(error)
    raise failure  # outside the handler: pydantic's error repeats the value


def _unread(error: ValidationError) -> MentorPauseError:
    (first, *_) = error.errors(include_input=False, include_url=False, include_context=False)
    column = ".".join(str(part) for part in first["loc"]) or "value"
    if first["type"] == "missing":
        return DatabaseMisconfigured(
            f"the column {column} is missing in the answer; apply every migration to the database"
        )
    return DatabaseError(f"the {column} in the answer cannot be read: {first['type']}")


class StatusChange(Result):
    """The answer of `update_mentor_status` for one mentor."""

    outcome: Outcome
    previous_status: str
    new_status: str
    certification_expiry_date: date | None
    version: int
    changed_at: Moment | None


class MentorStatus(Result):
    """A mentor's status before a change."""

    mentor_id: UUID
    status: Status
    version: int
    status_changed_at: Moment
    certification_expiry_date: date | None


class OrgScope(Result):
    """The organisation, and today in its time zone by the database's clock."""

    org_id: UUID
    slug: str
    time_zone: str
    today: date
    moment: Moment
    """The present moment by the database's clock."""


class RunFreshness(Result):
    """When a job last completed a run; the fields are None if it never did."""

    last_finished_at: Moment | None
    last_as_of: date | None
    hours_since_completed_run: float | None
    night_error_count: int | None
    """The errors of the night's best run; None: the night had no run."""


class Begun(Result):
    """The run's row, which this call or an earlier one wrote."""

    status: ExecutionStatus
    as_of: date | None


class LostEnd(Result):
    """The end of a run that the ledger has lost, with the counts from the database."""

    has_ended: bool
    """Whether this call ended the row."""
    effect_count: int
    error_count: int


class Execution(Result):
    """A row of the execution log."""

    id: int
    job_name: str
    job_run_id: UUID
    org_id: UUID | None
    trigger: TriggerKind
    triggered_by: str
    as_of: date | None
    dry_run: bool
    status: ExecutionStatus
    started_at: Moment
    finished_at: Moment | None
    processed_count: int | None
    paused_count: int | None
    skipped_count: int | None
    error_count: int | None
    synced_count: int | None
    renewed_count: int | None
    error: str | None
    redrive_of: UUID | None
    resumed_count: int | None
    unforeseen_count: int | None
    held_count: int | None
    plan_of: UUID | None
    plan_hash: str | None
    approved_by: str | None
    approved_at: Moment | None
    approval_note: str | None
    withdraws: UUID | None


class Finished(Result):
    """What the run's plan held, which the end of its row adds; None: the run has no own plan."""

    unforeseen_count: int | None
    held_count: int | None
    brake_acts: bool | None

    @property
    def brake(self) -> BrakeCounts | None:
        """The counts of the brake."""
        if self.unforeseen_count is None or self.held_count is None:
            return None
        return BrakeCounts(self.unforeseen_count, self.held_count, bool(self.brake_acts))


class MentorId(Result):
    """The id of a mentor."""

    mentor_id: UUID


class MentorOutcome(Result):
    """A mentor's result in a run, as the tables show it."""

    mentor_id: UUID
    outcome: Literal["applied", "not_needed"]


WHEN_USED = ConfigDict(defer_build=True)
_COUNT = TypeAdapter(int, config=WHEN_USED)
_FLAG = TypeAdapter(bool, config=WHEN_USED)
_PLACE: TypeAdapter[UUID | None] = TypeAdapter(UUID | None, config=WHEN_USED)


@dataclass(frozen=True, slots=True)
class DatabaseCalls:
    """Repeats a failed call by `retry`."""

    transport: Transport
    retry: Retry = NO_RETRY

    def once(self) -> Self:
        """Return the same client without its retry."""
        return replace(self, retry=NO_RETRY)

    def close(self) -> None:
        """Close the transport's connections."""
        self.transport.close()

    def call[T](
        self,
        function: str,
        read: Callable[[list[Row]], T],
        **arguments: Any,  # noqa: ANN401 - the parameters of any database function
    ) -> T:
        """Call a database function, and return what `read` makes of its rows.

        Raises:
            RetryableDatabaseError: the call may succeed later.
            DatabaseError: the database refused, or its answer cannot be read.
        """
        return self.retry(lambda: read(self.transport.call(function, arguments)))


def read_count(rows: list[Row]) -> int:
    """Return the number that a function returned."""
    return read_value(_COUNT, rows)


def read_cursor(rows: list[Row]) -> UUID | None:
    """Return the id after which the next page begins; None: there is no other page."""
    return read_value(_PLACE, rows)


def read_flag(rows: list[Row]) -> bool:
    """Return the truth value that a function returned."""
    return read_value(_FLAG, rows)
