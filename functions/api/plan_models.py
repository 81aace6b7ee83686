"""The bodies of requests and answers about plans, approvals, withdrawals and single mentors."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.models import Approval, StartedRun
from mentor_pause.database.plan_results import BrakeMode, PlannedAction, WhyPlanned

_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"


class PlannedMentor(BaseModel):
    """A mentor of a plan."""

    mentor_id: UUID
    display_name: Annotated[
        str | None, Field(description="Null: nobody has entered a name for the mentor.")
    ]
    expires_on: date
    action: Annotated[PlannedAction, Field(description="`hold`: the mentor waits for an approval.")]
    why: Annotated[
        WhyPlanned,
        Field(description="`forewarned`, or why the pause is unforeseen."),
    ]


class PlanPage(BaseModel):
    """The plan of a run, and one page of its mentors in id order."""

    job_run_id: UUID
    as_of: date
    dry_run: bool
    made_at: datetime
    plan_hash: str
    brake_mode: BrakeMode
    brake_count: Annotated[
        int,
        Field(description="The brake acts if more are unforeseen than this and brake_percent."),
    ]
    brake_percent: Annotated[float, Field(description="Percent of the active mentors.")]
    brake_acts: bool
    active_count: int
    planned_count: Annotated[int, Field(description="Of the whole plan, as all counts.")]
    unforeseen_count: int
    held_count: int
    is_newest: Annotated[bool, Field(description="False: a later run has made another plan.")]
    approval: Annotated[Approval | None, Field(description="Null: nobody has approved it.")]
    mentors: Annotated[
        list[PlannedMentor], Field(description="A coordinator gets only their own mentors.")
    ]
    next_after: Annotated[
        UUID | None, Field(description="Give it as `after` for the next page. Null: the last page.")
    ]


class ApprovePlan(BaseModel):
    """The approval of a plan's held mentors."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    plan_hash: Annotated[
        str, Field(pattern=r"^[0-9a-f]{64}$", description="The hash of the plan that you saw.")
    ]
    note: Annotated[
        str,
        Field(
            min_length=3, max_length=500, pattern=_PRINTABLE,
            description="Why the plan is right. It is kept for ever.",
        ),
    ]  # fmt: skip


class ReleasedPlan(StartedRun):
    """The run that pauses the held mentors, and the approval."""

    plan_hash: str
    approval: Annotated[Approval, Field(description="The first one, if the request was repeated.")]
    held_count: int
    changed_count: Annotated[
        int, Field(description="Held mentors who have changed since; the run does not pause them.")
    ]
    mentor_ids_changed: Annotated[list[UUID], Field(description="At most 500 of them.")]


class WithdrawRun(BaseModel):
    """The options of a withdrawal."""

    model_config = ConfigDict(extra="forbid")

    dry_run: Annotated[
        bool, Field(strict=True, description="List who would be resumed; change nothing.")
    ]


class Story(BaseModel):
    """Why a mentor is, or is not, paused. The database function `explain_mentor` describes it."""

    mentor_id: UUID
    status: Literal["active", "paused", "inactive"]
    version: int
    status_changed_at: datetime
    answer: Annotated[
        Literal[
            "valid", "no_certification", "held", "will_be_paused", "paused_by_run",
            "renewed_and_paused", "paused_by_hand", "inactive",
        ],
        Field(description="One word for the whole."),
    ]  # fmt: skip
    rule: Annotated[dict[str, Any], Field(description="What the nightly job would do now.")]
    last_change: Annotated[
        dict[str, Any] | None,
        Field(description="The last change of the status, with its run, plan and approval."),
    ]
    plan: Annotated[
        dict[str, Any] | None, Field(description="What the newest plan says of the mentor.")
    ]
    warnings: Annotated[list[dict[str, Any]], Field(description="The newest first.")]
    messages: Annotated[
        list[dict[str, Any]], Field(description="The last five to the mentor, and their state.")
    ]
    portal: Annotated[dict[str, Any] | None, Field(description="What HLF's portal was told.")]
    changes: Annotated[
        list[dict[str, Any]], Field(description="Earlier days that came from the portal.")
    ]
    last_look: Annotated[dict[str, Any] | None, Field(description="The last complete run.")]
    next_check: Annotated[dict[str, Any], Field(description="The day of the next run.")]
