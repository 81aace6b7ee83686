"""Shows runs: their results, their pages and the history."""

from collections.abc import Iterable, Mapping, Sequence

from cli.output import result
from cli.show.moments import when
from cli.show.plans import list_mentors
from cli.show.tables import Column, Row, show_table
from mentor_pause.database.client import Execution
from mentor_pause.domain.jobs import Effect
from mentor_pause.domain.runs import KeptReason, Page, Run
from mentor_pause.domain.summary import Summary

_KEPT: Mapping[KeptReason, str] = {
    "changed_since": "not as the plan or the withdrawn run left them, so unchanged",
    "still_expired": "still without a valid certification, so unchanged",
}


def show_run(run: Run, summary: Summary, more: str) -> None:
    """Show a run's result; `more` is the command that prints all of it as JSON."""
    result(f"{run.trigger.job_name} as of {run.as_of}")
    counts = [
        Row((name.removesuffix("_count"), str(count)))
        for name, count in _all_counts(summary).items()
    ]
    show_table((Column("count"), Column("mentors", right=True)), counts)
    kind = "dry run" if run.trigger.dry_run else "run"
    result(f"{kind} {summary.job_run_id}: {run.status}")
    if run.trigger.redrive_of:
        result(f"redrive of run {run.trigger.redrive_of}")
    if run.trigger.dry_run and summary.applied:
        list_mentors(f"would be {summary.effect}:", summary.applied, more)
    for reason, heading in _KEPT.items():
        if kept := [mentor for mentor, why in summary.kept.items() if why == reason]:
            list_mentors(f"{heading}:", kept, more)
    _show_troubles(run, summary)


def _all_counts(summary: Summary) -> dict[str, int]:
    """Return the counts, and those of the brake if it has something to say."""
    counts, brake = summary.totals.counts(), summary.brake
    if brake is None or not brake.unforeseen:
        return counts
    return counts | {"unforeseen": brake.unforeseen, "held": brake.held}


def _show_troubles(run: Run, summary: Summary) -> None:
    if run.error:
        result(f"error: {run.error}", is_bad=True)
    for group in summary.totals.errors:
        result(f"{group.count} error{'s' * (group.count > 1)}: {group.reason}", is_bad=True)
        result(f"  such as mentor {group.example}", is_bad=True)
    if run.wait_reason:
        result(f"pages were requeued: {run.wait_reason}", is_bad=True)


def show_pages(pages: Iterable[Page], effect: Effect) -> None:
    """Show a run's pages."""
    if not (pages := list(pages)):
        result("no pages")
        return
    names = ("page", "mentors", effect, "skipped", "errored", "closed (UTC)")
    rows = [
        Row((str(page.number), str(len(page.mentor_ids)), *_counts_of(page), when(page.closed_at)))
        for page in pages
    ]
    show_table([Column(name, right=True) for name in names], rows)


def _counts_of(page: Page) -> Sequence[str]:
    outcome = page.outcome
    if outcome is None:
        return ["-"] * 3
    return [str(len(ids)) for ids in (outcome.applied, outcome.skipped, outcome.errored)]


def show_history(rows: Iterable[Execution]) -> None:
    """Show rows of the execution log; each says whether the run is a dry run."""
    columns = (
        Column("run"),
        Column("status", explains_itself=True),
        Column("kind", explains_itself=True),
        Column("job", explains_itself=True),
        Column("started (UTC)"),
        Column("trigger", explains_itself=True),
        Column("mentors", explains_itself=True),
    )
    show_table(columns, [Row(_cells(row), row.error) for row in rows])


def show_logged(row: Execution, why: str) -> None:
    """Show a run's row of the execution log; `why` explains why it has no pages."""
    show_history([row])
    if row.redrive_of:
        result(f"redrive of run {row.redrive_of}")
    if row.withdraws:
        result(f"withdraws run {row.withdraws}")
    if row.approved_by:
        result(f"releases the mentors whom the plan of run {row.plan_of} held")
        result(f"approved by {row.approved_by}, {when(row.approved_at)} UTC: {row.approval_note}")
    result(why)


def _cells(row: Execution) -> Sequence[str]:
    return (
        str(row.job_run_id), row.status, _kind(row), row.job_name, when(row.started_at),
        row.trigger, _counts(row),
    )  # fmt: skip


def _kind(row: Execution) -> str:
    kind = "dry run" if row.dry_run else "real run"
    if row.redrive_of:
        return f"redrive, {kind}"
    return f"approved plan, {kind}" if row.approved_by else kind


def _counts(row: Execution) -> str:
    """Describe the counts of a run; all but held and unforeseen add up to the processed mentors."""
    would = "would be " * row.dry_run
    is_expiry = row.synced_count is None and row.resumed_count is None
    named = {
        f"{would}paused": row.paused_count if is_expiry else None,
        f"{would}resumed": row.resumed_count,
        f"{would}synced": row.synced_count,
        "skipped": row.skipped_count,
        "error" if row.error_count == 1 else "errors": row.error_count,
        f"{would}held": row.held_count or None,
        "unforeseen": row.unforeseen_count or None,
    }
    return ", ".join(f"{count} {name}" for name, count in named.items() if count is not None)
