"""Shows plans: what the brake made of them, and who approved them (G1 to G4)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from uuid import UUID

from cli.output import result
from cli.show.moments import when
from cli.show.tables import Column, Row, show_table
from mentor_pause.database.plan_results import (
    Plan,
    PlannedMentor,
    PlanSummary,
    WhyPlanned,
)
from mentor_pause.domain.runs import Run

type Command = Callable[[str], str]
"""Makes a command for the stack that the user can type next."""

WHY: Mapping[WhyPlanned, str] = {
    "forewarned": "warned in time",
    "warned_late": "warned too late",
    "warned_of_another_date": "warned of another date",
    "never_warned": "never warned",
}
_SHOWN = 20
"""How many mentors are listed; JSON has all of them."""
_COLUMNS = (
    Column("mentor"),
    Column("plan", explains_itself=True),
    Column("expires"),
    Column("why", explains_itself=True),
)


def show_plan(
    summary: PlanSummary, mentors: Sequence[PlannedMentor], as_of: date, command: Command
) -> None:
    """Show a plan as it would be made now, held mentors first."""
    result(f"plan for {as_of}, as a run would make it now; nothing was changed")
    counts = {
        "planned": summary.planned_count,
        "pause": summary.planned_count - summary.held_count,
        "hold": summary.held_count,
        "unforeseen": summary.unforeseen_count,
        "active": summary.active_count,
    }
    show_table(
        (Column("count"), Column("mentors", right=True)),
        [Row((name, str(count))) for name, count in counts.items()],
    )
    result(describe_brake(summary))
    result(f"hash: {summary.plan_hash}")
    listed = sorted(mentors, key=lambda mentor: (mentor.action != "hold", mentor.mentor_id))
    if listed:
        show_table(_COLUMNS, [Row(_cells(mentor)) for mentor in listed[:_SHOWN]])
    if listed[_SHOWN:]:
        more = command(f"plan --as-of {as_of} --json")
        result(f"and {len(listed) - _SHOWN} more; list all: {more}")


def _cells(mentor: PlannedMentor) -> Sequence[str]:
    return str(mentor.mentor_id), mentor.action, str(mentor.expires_on), WHY[mentor.why]


def describe_brake(plan: PlanSummary) -> str:
    """Say what the brake does with a plan, and what its limits are."""
    if plan.brake_mode == "off":
        return "the brake is off"
    limits = f"more than {plan.brake_count} and more than {plan.brake_percent:g} % of the active"
    if not plan.brake_acts:
        return f"mode {plan.brake_mode}: the brake does not act; its limits are {limits}"
    does = "holds the unforeseen" if plan.brake_mode == "hold" else "pauses all and reports it"
    return f"mode {plan.brake_mode}: the brake {does}; its limits are {limits}"


def show_plan_of(run: Run, plan: Plan | None, command: Command) -> None:
    """Show what the brake made of a run's plan, who approved it, and what to type next."""
    if run.trigger.withdraws is not None:
        result(f"withdraws run {run.trigger.withdraws}")
    if plan is None:
        return
    if run.trigger.releases is not None:
        result(f"releases the mentors whom the plan of run {plan.job_run_id} held")
        _show_approval(plan)
    elif plan.held_count:
        _show_held(plan, command)
    elif plan.brake_acts and not plan.dry_run:
        preview = command(f"withdraw {plan.job_run_id} --dry-run --follow")
        result(
            f"{plan.unforeseen_count} of its mentors were not warned in time, more than the limits"
            f" allow; if the pauses are wrong: {preview}"
        )


def _show_held(plan: Plan, command: Command) -> None:
    if plan.dry_run:
        result(f"a real run would hold {plan.held_count} mentors who were not warned in time")
        return
    result(f"{plan.held_count} mentors were held, because they were not warned in time")
    if plan.approved_by is not None:
        _show_approval(plan)
    elif plan.is_newest:
        result(
            f"if the pauses are right: {command(approve_words(plan.job_run_id, plan.plan_hash))}"
        )
    else:
        result("its plan has lapsed, because a later run has made another one")


def _show_approval(plan: Plan) -> None:
    if plan.approved_by is not None:
        result(
            f"approved by {plan.approved_by}, {when(plan.approved_at)} UTC: {plan.approval_note}"
        )
        result(f"plan {plan.plan_hash}")


def approve_words(job_run_id: UUID, plan_hash: str) -> str:
    """Return the words of the command that approves a plan."""
    return f"approve {job_run_id} --plan {plan_hash} --note TEXT"


def list_mentors(heading: str, mentors: Sequence[UUID], more: str) -> None:
    """List mentors below a heading, at most twenty; `more` is the command that prints all."""
    result(heading)
    for mentor in mentors[:_SHOWN]:
        result(f"  {mentor}")
    if mentors[_SHOWN:]:
        result(f"  and {len(mentors) - _SHOWN} more; list all: {more}")
