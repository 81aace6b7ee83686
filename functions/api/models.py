"""What goes in and out of the HTTP entry, as its OpenAPI document describes it."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from mentor_pause.database.client import ExecutionStatus
from mentor_pause.domain.messages import Day
from mentor_pause.domain.runs import TriggerKind

MOST_IDS = 100_000
"""As JSON, so many ids take 3.9 MB of the 6 MB that Lambda lets an answer have."""


class StartRun(BaseModel):
    """How a run is to be done; all of it may be left out."""

    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[
        Day | None,
        Field(
            description="Judge certifications by this day instead of today; "
            "only a dry run may look ahead."
        ),
    ] = None
    dry_run: Annotated[
        bool, Field(strict=True, description="Find out who would be paused; change nothing.")
    ] = False


class Started(BaseModel):
    """A run that has begun; `Location` says where to look for its end."""

    job_run_id: UUID
    status: Literal["running", "completed"]


class Problem(BaseModel):
    """Why not, in one sentence."""

    error: str


class InTheWay(Problem):
    """Another run of the job has not ended; it is at `Location`."""

    conflicting_run_id: UUID


class NoRun(Problem):
    """The run has failed, or it is not known whether it has begun; `Location` has its address."""

    job_run_id: Annotated[
        UUID | None, Field(description="Null where the request did not get so far.")
    ] = None


class Job(BaseModel):
    """A job that can be started."""

    name: str
    effect: Annotated[str, Field(description="What a run does to a mentor: paused or synced.")]


class Run(BaseModel):
    """A row of the execution log: an attempt to run a job."""

    job_run_id: UUID
    job_name: str
    status: ExecutionStatus
    trigger: TriggerKind
    triggered_by: Annotated[
        str, Field(description="To coordinators, `a person` stands for everybody but themselves.")
    ]
    as_of: date | None
    dry_run: bool
    redrive_of: UUID | None
    started_at: datetime
    finished_at: datetime | None
    processed_count: int | None
    paused_count: int | None
    synced_count: int | None
    skipped_count: int | None
    error_count: int | None
    error: Annotated[
        str | None,
        Field(
            description="What went wrong: the run's own error, then why mentors count as errors, "
            "with an example of each. To coordinators, `(id)` stands for every id in it."
        ),
    ]


class ErrorGroup(BaseModel):
    """Mentors who count as errors for the same reason."""

    reason: str
    count: int
    example: Annotated[
        UUID | None, Field(description="One of these mentors; null for coordinators.")
    ]


class RunDetail(Run):
    """A run with its progress and, for administrators and machines, its mentors.

    A coordinator sees no mentors here, since not all are theirs; a notification names theirs.
    """

    pages_closed: Annotated[int | None, Field(description="Null once the ledger has forgotten.")]
    pages_planned: int | None
    mentor_ids_done: Annotated[
        list[UUID] | None,
        Field(
            description="The mentors that were paused or synced, or would have been by a dry run. "
            f"Both lists are null for coordinators, and where they hold more than {MOST_IDS} ids."
        ),
    ]
    mentor_ids_errored: list[UUID] | None
    errors: Annotated[
        list[ErrorGroup] | None,
        Field(
            description="Why mentors counted as errors when the run ended, the largest group "
            "first. Null while the run goes on, and once the ledger has forgotten."
        ),
    ]
