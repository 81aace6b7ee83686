"""The texts about a completed run: its summary lines, its row's text, its event. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from mentor_pause.domain.error_reasons import cut, describe_errors
from mentor_pause.domain.messages import RunCompleted
from mentor_pause.domain.runs import Run
from mentor_pause.domain.summary import Totals
from mentor_pause.domain.tally import Tally

SUMMARY_MESSAGES = ("run completed", "run completed, more mentors")
"""The message of the summary line, and of the lines with the ids that do not fit in it."""

_LONGEST_REMARK = 3800
"""The row's text ends at 4,000 characters; a late correction needs some of them."""

_LONGEST_RUN_ERROR = 800

_ERRORS_ROOM = 2400
"""Characters for about nine reasons with examples; the summary line has twenty."""


def ids_line(run: Run, tally: Tally) -> tuple[str, dict[str, object]]:
    """Return message and fields of a line with ids of a large run (E7); `lines` is its number."""
    ids = tally.id_lists(run)
    return SUMMARY_MESSAGES[1], {"job_run_id": str(run.job_run_id), "line": tally.lines, **ids}


def summary_line(
    run: Run, totals: Totals, tally: Tally, status: str
) -> tuple[str, dict[str, object]]:
    """Return message and fields of the summary line (E7).

    It is the last line of the run. If earlier lines have ids, it has the number `line`, which is
    also how many lines there are.
    """
    ids = tally.id_lists(run)
    return (
        SUMMARY_MESSAGES[0],
        {
            **totals.as_json(),
            "job_name": run.trigger.job_name,
            "as_of": run.as_of.isoformat(),
            "dry_run": run.trigger.dry_run,
            "status": status,
            **_other_runs(run),
            **({"error": run.error} if run.error else {}),
            **({"line": tally.lines + 1, "lines": tally.lines + 1} if tally.lines else {}),
            **ids,
        },
    )


def _other_runs(run: Run) -> dict[str, str]:
    """Return the runs that this run repeats, releases or withdraws."""
    trigger = run.trigger
    named = {
        "redrive_of": trigger.redrive_of,
        "releases": trigger.releases,
        "withdraws": trigger.withdraws,
    }
    return {name: str(run_id) for name, run_id in named.items() if run_id is not None}


def join_summary_lines(lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Join the log lines of one run's summary, which may come in any order and twice.

    Of two lines with the same number the later one counts: its writer decided last. Lines of a
    caller that lost the completion may remain; the summary line says how many lines count.

    Returns:
        The summary line with every id, without `lines` and `line`.

    Raises:
        ValueError: a line is missing; the message names its number.
    """
    by_number = {int(line.get("line", 1)): dict(line) for line in lines}
    found = [line for line in by_number.values() if "processed_count" in line]
    summary: dict[str, Any] = found[0] if found else {}
    total = int(summary.get("lines", 1)) if summary else max(by_number)
    missing = set(range(1, total + 1)) - by_number.keys()
    if missing or not summary:
        named = sorted(missing) or [total + 1]
        raise ValueError(f"the summary's lines {named} of {max(total, *named)} are missing")
    ordered = [by_number[number] for number in range(1, total + 1)]
    ids: dict[str, Any] = {
        name: [mentor for line in ordered for mentor in line.get(name, ())]
        for name in summary
        if name.startswith("mentor_ids_")
    }
    kept = {name: value for name, value in summary.items() if name not in ("line", "lines")}
    return kept | ids


def log_row_text(run: Run, totals: Totals, notes: str, left_out: Sequence[str] = ()) -> str | None:
    """Return the text of the run's row in the execution log; None: nothing went wrong.

    The run's own error comes first, then the mentors' errors, then the steps that the database
    refused (`left_out`), the pages' notes, and the service for which pages had to wait.
    """
    waited = f"pages had to wait: {run.wait_reason}" if run.wait_reason else ""
    error = cut(run.error or "", _LONGEST_RUN_ERROR)
    parts = (error, describe_errors(totals.errors, _ERRORS_ROOM), *left_out, notes, waited)
    return cut("; ".join(filter(None, parts)), _LONGEST_REMARK) or None


def completed_event(
    run: Run, totals: Totals, status: Literal["completed", "failed"], left_count: int
) -> RunCompleted:
    """Return the event that the run publishes."""
    counts = totals.counts()
    return RunCompleted(
        job_name=run.trigger.job_name,
        job_run_id=run.job_run_id,
        org_id=run.trigger.org_id,
        as_of=run.as_of,
        dry_run=run.trigger.dry_run,
        status=status,
        processed_count=totals.processed_count,
        paused_count=counts.get("paused_count", 0),
        synced_count=counts.get("synced_count", 0),
        resumed_count=counts.get("resumed_count", 0),
        unforeseen_count=totals.brake.unforeseen if totals.brake else 0,
        held_count=totals.brake.held if totals.brake else 0,
        brake_acts=bool(totals.brake and totals.brake.acts),
        skipped_count=totals.skipped_count,
        error_count=totals.error_count,
        renewed_count=totals.renewed_count or 0,
        left_count=left_count,
        redrive_of=run.trigger.redrive_of,
        releases=run.trigger.releases,
        withdraws=run.trigger.withdraws,
    )
