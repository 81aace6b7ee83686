"""The rows that the functions about plans return (G1 to G4)."""

from datetime import date
from typing import Literal
from uuid import UUID

from mentor_pause.database.calls import Moment, Result

type BrakeMode = Literal["watch", "hold", "off"]
type PlannedAction = Literal["pause", "hold"]
type WhyPlanned = Literal["forewarned", "warned_late", "warned_of_another_date", "never_warned"]


class PlanState(Result):
    """How far a run's plan is; the counts and the hash are None until it is whole."""

    is_whole: bool
    planned_count: int | None
    unforeseen_count: int | None
    held_count: int | None
    plan_hash: str | None


class PlannedMentor(Result):
    """A mentor of a plan as it would be made now."""

    mentor_id: UUID
    version: int
    expires_on: date
    action: PlannedAction
    why: WhyPlanned


class PlanSummary(Result):
    """The hash and the counts of a plan as it would be made now."""

    plan_hash: str
    brake_mode: BrakeMode
    brake_count: int
    brake_percent: float
    brake_acts: bool
    """More are unforeseen than both limits allow."""
    active_count: int
    planned_count: int
    unforeseen_count: int
    held_count: int


class Plan(PlanSummary):
    """The plan of a run, and who approved it."""

    job_run_id: UUID
    as_of: date
    dry_run: bool
    made_at: Moment
    is_newest: bool
    """Whether it has not lapsed: no later run has made another plan."""
    approved_by: str | None
    approved_at: Moment | None
    approval_note: str | None


class PlanEntry(Result):
    """A mentor of a run's plan, for people."""

    mentor_id: UUID
    display_name: str | None
    expires_on: date
    action: PlannedAction
    why: WhyPlanned


class Approval(Result):
    """The approval of a plan, and who has changed since it was made."""

    job_run_id: UUID
    plan_hash: str
    approved_by: str
    approved_at: Moment
    note: str
    held_count: int
    changed_count: int
    mentor_ids_changed: list[UUID]
    """At most 500 of them; the run that follows does not pause them."""


class BrakeFigures(Result):
    """What the brake has done: who is held now, and the night's unforeseen pauses."""

    held_count: int
    held_by: UUID | None
    """The run whose plan holds them."""
    held_since: Moment | None
    plan_hash: str | None
    is_approved: bool
    """Their plan is approved, and the run that releases them has not paused them yet."""
    unforeseen_count: int
    """Mentors whom the night's runs paused in mode watch, above the limits."""
    unforeseen_by: UUID | None
