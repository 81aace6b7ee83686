"""Settles the mentors of a page: the database decides about those that count as errors (E7, E8)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from mentor_pause.database.client import Database
from mentor_pause.domain.runs import MentorResult, Page, PageOutcome, Run
from mentor_pause.domain.summary import BrakeCounts, Summary, settle, summarise


def results_in_database(
    run: Run, mentor_ids: Sequence[UUID], database: Database
) -> Mapping[UUID, MentorResult]:
    """Return what the database knows about a run's mentors; unchanged mentors are left out."""
    return database.list_run_outcomes(run.trigger.org_id, run.job_run_id, run.as_of, mentor_ids)


def settle_in_database(run: Run, page: Page, database: Database) -> PageOutcome:
    """Give every mentor of a page one result; the database decides about errors."""
    recorded = settle(run, page)
    if not recorded.errored:
        return recorded
    return settle(run, page, results_in_database(run, recorded.errored, database))


def summary_of(run: Run, pages: Iterable[Page], database: Database) -> Summary:
    """Return the summary of some pages with all their ids, for people."""
    summary = summarise(run, (settle_in_database(run, page, database) for page in pages))
    if run.effect == "synced":
        return replace(summary, renewed_count=database.count_run_renewals(run.job_run_id))
    if run.effect == "paused":
        return replace(summary, brake=_brake_of(run, database))
    return summary


def _brake_of(run: Run, database: Database) -> BrakeCounts | None:
    """Return what the brake made of the run's own plan (G2, G3); None: it has no own plan."""
    plan = database.get_plan(run.trigger.org_id, run.job_run_id)
    if plan is None:
        return None
    return BrakeCounts(plan.unforeseen_count, plan.held_count, plan.brake_acts)
