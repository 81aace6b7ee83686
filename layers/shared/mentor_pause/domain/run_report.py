"""The texts about a completed run: its summary lines, its row's text, its event. No I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from mentor_pause.domain.error_reasons import cut, describe_errors, join_notes
from mentor_pause.domain.messages import RunCompleted
from mentor_pause.domain.runs import Page, Run
from mentor_pause.domain.summary import Summary

SUMMARY_MESSAGES = ("run completed", "run completed, more mentors")
"""The message of the summary line, and of the lines with the ids that do not fit in it."""

_IDS_PER_LINE = 4000
"""Lambda cuts a log line at 256 KB; an id takes 40 bytes there."""

_LONGEST_REMARK = 3800
"""The row's text ends at 4,000 characters; a late correction needs some of them."""

_LONGEST_RUN_ERROR = 800

_ERRORS_ROOM = 2400
"""Characters for about nine reasons with examples; the summary line has twenty."""


def summary_lines(
    run: Run, summary: Summary, status: str
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield message and fields of the summary line, and of more lines if it has many ids (E7)."""
    first, *more = summary.parts(_IDS_PER_LINE)
    yield (
        SUMMARY_MESSAGES[0],
        {
            **{name: value for name, value in summary.as_json().items() if name not in first},
            "job_name": run.trigger.job_name,
            "as_of": run.as_of.isoformat(),
            "dry_run": run.trigger.dry_run,
            "status": status,
            **({"redrive_of": str(run.trigger.redrive_of)} if run.trigger.redrive_of else {}),
            **({"error": run.error} if run.error else {}),
            **({"lines": 1 + len(more)} if more else {}),
            **first,
        },
    )
    for number, ids in enumerate(more, 2):
        yield (
            SUMMARY_MESSAGES[1],
            {"job_run_id": str(run.job_run_id), "line": number, "lines": 1 + len(more), **ids},
        )


def join_summary_lines(lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Join the log lines of one run's summary, which may come in any order and twice.

    Returns:
        The summary line with every id, without `lines` and `line`.

    Raises:
        ValueError: a line is missing; the message names its number.
    """
    by_number = {int(line.get("line", 1)): dict(line) for line in lines}
    total = next((int(line["lines"]) for line in by_number.values() if "lines" in line), 1)
    missing = set(range(1, total + 1)) - by_number.keys()
    if missing:
        raise ValueError(f"the summary's lines {sorted(missing)} of {total} are missing")
    summary = by_number[1]
    for number in range(2, total + 1):
        for name, ids in by_number[number].items():
            if name.startswith("mentor_ids_"):
                summary[name] = [*summary[name], *ids]
    return {name: value for name, value in summary.items() if name != "lines"}


def log_row_text(run: Run, summary: Summary, pages: Sequence[Page], unnotified: str) -> str | None:
    """Return the text of the run's row in the execution log; None: nothing went wrong.

    The run's own error comes first, then the mentors' errors, then the refused notifications
    (`unnotified`), the pages' notes, and the service for which pages had to wait.
    """
    notes = join_notes(*(page.outcome.note for page in pages if page.outcome))
    waited = f"pages had to wait: {run.wait_reason}" if run.wait_reason else ""
    error = cut(run.error or "", _LONGEST_RUN_ERROR)
    parts = (error, describe_errors(summary.errors, _ERRORS_ROOM), unnotified, notes, waited)
    return cut("; ".join(filter(None, parts)), _LONGEST_REMARK) or None


def completed_event(
    run: Run, summary: Summary, status: Literal["completed", "failed"], left_count: int
) -> RunCompleted:
    """Return the event that the run publishes."""
    counts = summary.counts()
    return RunCompleted(
        job_name=run.trigger.job_name,
        job_run_id=run.job_run_id,
        org_id=run.trigger.org_id,
        as_of=run.as_of,
        dry_run=run.trigger.dry_run,
        status=status,
        processed_count=summary.processed_count,
        paused_count=counts.get("paused_count", 0),
        synced_count=counts.get("synced_count", 0),
        skipped_count=len(summary.skipped),
        error_count=len(summary.errored),
        renewed_count=summary.renewed_count or 0,
        left_count=left_count,
        redrive_of=run.trigger.redrive_of,
    )
