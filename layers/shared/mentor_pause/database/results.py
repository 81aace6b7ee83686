"""The answers of the database functions, typed."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
)

from mentor_pause.database.transport import Row
from mentor_pause.domain.mentors import Status
from mentor_pause.domain.runs import TriggerKind
from mentor_pause.errors import (
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    MentorPauseError,
)

type Outcome = Literal["changed", "replayed", "not_active", "not_expired", "would_change"]
type MemberRole = Literal["admin", "coordinator"]
type ExecutionStatus = Literal["running", "completed", "failed", "duplicate", "refused"]


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in UTC, whatever zone the database's session has."""


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
            DatabaseUnavailable: there is not exactly one row: our functions did not answer that.
            MentorPauseError: as `read_all` does.
        """
        return cls.read_all([_only(rows)])[0]


def read_value[T](kind: TypeAdapter[T], rows: Sequence[Row]) -> T:
    """Return a scalar: the only column of the only row.

    Raises:
        MentorPauseError: as `Result.read_only` does.
    """
    return _read(lambda: kind.validate_python(_only(list(_only(rows).values()))))


def _only[T](found: Sequence[T]) -> T:
    if len(found) != 1:
        raise DatabaseUnavailable("the answer does not come from our database functions")
    return found[0]


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
    """What `update_mentor_status` did to one mentor."""

    outcome: Outcome
    previous_status: str
    new_status: str
    certification_expiry_date: date | None
    version: int
    changed_at: Moment | None


class MentorStatus(Result):
    """A mentor's status, as read before a change."""

    mentor_id: UUID
    status: Status
    version: int
    status_changed_at: Moment
    certification_expiry_date: date | None


class OrgScope(Result):
    """The organisation, and its present day by the database's clock."""

    org_id: UUID
    slug: str
    time_zone: str
    today: date
    moment: Moment
    """The present one."""


class RunFreshness(Result):
    """When a job last completed a run; None: never."""

    last_finished_at: Moment | None
    last_as_of: date | None
    hours_since_completed_run: float | None
    night_error_count: int | None
    """Errors of the night's best run; None: no run was about that night."""


class Begun(Result):
    """The run's row, written now or before."""

    status: ExecutionStatus
    as_of: date | None


class LostEnd(Result):
    """What the database knows about a run that the ledger has lost."""

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


class MentorId(Result):
    """A mentor, by id alone."""

    mentor_id: UUID


class MentorOutcome(Result):
    """What the data says about a mentor of a run."""

    mentor_id: UUID
    outcome: Literal["applied", "not_needed"]
