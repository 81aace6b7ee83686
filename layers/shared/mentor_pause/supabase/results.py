"""What the database functions answer, typed."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from mentor_pause.events import Trigger

type Status = Literal["active", "paused", "inactive"]
type Outcome = Literal["changed", "replayed", "not_active", "not_expired", "would_change"]
type MemberRole = Literal["admin", "coordinator"]
type ExecutionStatus = Literal["running", "completed", "failed", "duplicate", "refused"]


class Result(BaseModel):
    """A row; columns that are added later are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class StatusChange(Result):
    """What `update_mentor_status` did to one mentor."""

    outcome: Outcome
    previous_status: str
    new_status: str
    certification_expiry_date: date | None
    version: int
    changed_at: datetime | None


class MentorStatus(Result):
    """A mentor's status as somebody sees it before they change it."""

    mentor_id: UUID
    status: Status
    version: int
    status_changed_at: datetime
    certification_expiry_date: date | None


class OrgScope(Result):
    """The organisation, and which day it is there by the database's clock."""

    org_id: UUID
    slug: str
    time_zone: str
    today: date


class RunCoverage(Result):
    """How far a job's complete runs have come; None without any."""

    last_finished_at: datetime | None
    last_as_of: date | None


class Execution(Result):
    """A row of the execution log."""

    id: int
    job_name: str
    job_run_id: UUID
    org_id: UUID | None
    trigger: Trigger
    triggered_by: str
    as_of: date | None
    dry_run: bool
    status: ExecutionStatus
    started_at: datetime
    finished_at: datetime | None
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
    outcome: Literal["done", "settled"]
