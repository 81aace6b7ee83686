"""The HTTP entry's request and success bodies; the OpenAPI document is generated from them."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from mentor_pause.database.client import ExecutionStatus
from mentor_pause.domain.messages import Day
from mentor_pause.domain.runs import TriggerKind

MAX_IDS = 100_000
"""As JSON these ids take 3.9 MB. Lambda allows 6 MB for an answer."""


class StartRun(BaseModel):
    """The options of a run. Each may be left out."""

    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[
        Day | None,
        Field(
            description="Compare certifications with this day instead of today. "
            "Only a dry run may use a day after today."
        ),
    ] = None
    dry_run: Annotated[
        bool, Field(strict=True, description="List who would be paused; change nothing.")
    ] = False


class StartedRun(BaseModel):
    """A run that has started; `Location` is its address."""

    job_run_id: UUID
    status: Literal["running", "completed"]


class Job(BaseModel):
    """A job that callers can start."""

    name: str
    effect: Annotated[
        str, Field(description="The change that a run makes to a mentor: paused or synced.")
    ]


class Approval(BaseModel):
    """Who approved the held mentors of a plan, when and why."""

    approved_by: Annotated[
        str, Field(description="A coordinator sees `a person` instead of another person's id.")
    ]
    approved_at: datetime
    note: Annotated[str | None, Field(description="Null for coordinators and machines.")]


class Run(BaseModel):
    """A row of the execution log: a run, or a request for one that was refused."""

    job_run_id: UUID
    job_name: str
    status: ExecutionStatus
    trigger: TriggerKind
    triggered_by: Annotated[
        str, Field(description="A coordinator sees `a person` instead of another person's id.")
    ]
    as_of: date | None
    dry_run: bool
    redrive_of: UUID | None
    plan_of: Annotated[
        UUID | None,
        Field(description="The run whose plan this run carries out. Null: its own plan, or none."),
    ]
    withdraws: Annotated[
        UUID | None, Field(description="The run whose pauses this run takes back.")
    ]
    started_at: datetime
    finished_at: datetime | None
    processed_count: int | None
    paused_count: int | None
    resumed_count: int | None
    synced_count: int | None
    skipped_count: int | None
    error_count: int | None
    unforeseen_count: Annotated[
        int | None,
        Field(description="Planned mentors who were not warned of their expiry date in time."),
    ]
    held_count: Annotated[
        int | None, Field(description="Planned mentors who wait for an approval.")
    ]
    plan_hash: Annotated[
        str | None, Field(description="The hash of the plan that the run carries out.")
    ]
    approval: Annotated[
        Approval | None,
        Field(description="The approval because of which the run pauses held mentors."),
    ]
    error: Annotated[
        str | None,
        Field(
            description="The run's own error, then the reasons why mentors count as errors, with "
            "an example of each. A coordinator sees `(id)` instead of each id."
        ),
    ]


class ErrorGroup(BaseModel):
    """The mentors who count as errors for one reason."""

    reason: str
    count: int
    example: Annotated[
        UUID | None, Field(description="One of these mentors; null for coordinators.")
    ]


class RunDetail(Run):
    """A run with its progress and, for administrators and machines, its mentors.

    A coordinator sees no mentor ids here, because other coordinators' mentors are among them. A
    notification names the coordinator's own mentors.
    """

    pages_closed: Annotated[
        int | None, Field(description="Null once the ledger has removed the run.")
    ]
    pages_planned: int | None
    mentor_ids_applied: Annotated[
        list[UUID] | None,
        Field(
            description="The mentors that the run paused, resumed or synced, or that a dry run "
            "would have. The four lists are null for coordinators, and when they have more than "
            f"{MAX_IDS} ids."
        ),
    ]
    mentor_ids_errored: list[UUID] | None
    mentor_ids_changed_since: Annotated[
        list[UUID] | None,
        Field(
            description="The mentors whom the run left alone, because they are not as the approved "
            "plan, or the withdrawn run, left them."
        ),
    ]
    mentor_ids_still_expired: Annotated[
        list[UUID] | None,
        Field(
            description="The mentors whom a withdrawal did not resume, because they are expired."
        ),
    ]
    errors: Annotated[
        list[ErrorGroup] | None,
        Field(
            description="Why mentors counted as errors when the run ended, the largest group "
            "first. Null while the run is in progress, and once the ledger has removed the run."
        ),
    ]
