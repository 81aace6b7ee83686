"""Reads the plan that a run would make now (G1)."""

from datetime import date

from cli.stacks import Stack
from mentor_pause.database.plan_results import PlannedMentor, PlanSummary


def read_live_plan(
    stack: Stack, as_of: date | None
) -> tuple[date, PlanSummary, list[PlannedMentor]]:
    """Return the day, the counts and all mentors of the plan for a day, by default today."""
    mentors: list[PlannedMentor] = []
    with stack.database() as database:
        scope = database.assert_org_scope(stack.org_id, stack.outputs["HlfOrgSlug"])
        day = as_of or scope.today
        summary = database.summarise_plan(stack.org_id, day)
        while len(mentors) < summary.planned_count:
            after = mentors[-1].mentor_id if mentors else None
            page = database.plan_certification_expiry(stack.org_id, day, after)
            if not page:  # somebody was renewed or paused since the summary
                break
            mentors += page
    return day, summary, mentors
