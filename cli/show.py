"""What people see, on standard error; and JSON for machines, on standard output."""

import json
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.runs import Progress as RunProgress
from mentor_pause.jobs import Effect
from mentor_pause.portal import Finding
from mentor_pause.runs import Page, Run, Summary
from mentor_pause.supabase import Execution, MentorStatus

people = Console(stderr=True, highlight=False, markup=False)
if not people.is_terminal:
    people.width = 160


def machine(value: object) -> None:
    """Print JSON on one line of standard output."""
    click.echo(json.dumps(value, default=_as_json))


def _as_json(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


def say(text: str) -> None:
    """Tell the person at the terminal."""
    people.print(text, style="dim")


def problem(text: str) -> None:
    """Tell the person at the terminal what is wrong."""
    people.print(f"mentor-pause: {text}", style="red", soft_wrap=True)


def watch(steps: Iterable[RunProgress], what: str) -> Run:
    """Show a run's progress until it ends; return it as it was last seen."""
    last: RunProgress | None = None
    with _bar(what) as bar:
        task = bar.add_task("pages", total=None)
        for last in steps:
            bar.update(
                task, completed=last.closed, total=last.planned if last.run.pages_total else None
            )
    if last is None:
        raise RuntimeError("a run that was followed shows at least its end")
    return last.run


@contextmanager
def _bar(what: str) -> Generator[Progress]:
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pages"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=people, transient=not people.is_terminal) as bar:
        yield bar


def summary_table(run: Run, summary: Summary) -> None:
    """Show what a run came to."""
    people.print(f"{run.firing.job_name} as of {run.as_of}")
    table = Table()
    for column in ("", "mentors"):
        table.add_column(column, justify="right" if column else "left")
    for name, count in summary.counts().items():
        table.add_row(name.removesuffix("_count"), str(count))
    people.print(table)
    kind = "dry run" if run.firing.dry_run else "run"
    people.print(f"{kind} {summary.job_run_id}: {run.status}")
    if run.firing.redrive_of:
        people.print(f"redrive of run {run.firing.redrive_of}")
    if run.error:
        people.print(f"error: {run.error}", style="red")
    for group in summary.errors:
        people.print(f"{group.count} error{'s' * (group.count > 1)}: {group.reason}", style="red")
        people.print(f"  such as mentor {group.example}", style="red")
    if run.trouble:
        people.print(f"pages had to wait: {run.trouble}", style="red")


def page_table(pages: Iterable[Page], effect: Effect) -> None:
    """Show a run's pages."""
    table = Table()
    for column in ("page", "mentors", effect, "skipped", "errored", "closed (UTC)"):
        table.add_column(column, justify="right")
    for page in pages:
        done = page.outcome
        counts = (
            [str(len(ids)) for ids in (done.done, done.skipped, done.errored)]
            if done
            else ["-"] * 3
        )
        table.add_row(str(page.number), str(len(page.mentor_ids)), *counts, _when(page.closed_at))
    people.print(table)


def execution_table(rows: Iterable[Execution]) -> None:
    """Show the newest attempts to run a job."""
    table = Table()
    for column in (
        "started (UTC)",
        "job",
        "status",
        "trigger",
        "processed",
        "paused",
        "synced",
        "skipped",
        "errors",
        "run",
    ):
        table.add_column(column)
    for row in rows:
        counts = (
            row.processed_count, row.paused_count, row.synced_count, row.skipped_count,
            row.error_count,
        )  # fmt: skip
        table.add_row(
            _when(row.started_at), row.job_name, row.status, row.trigger,
            *("" if count is None else str(count) for count in counts), str(row.job_run_id),
        )  # fmt: skip
        if row.error:
            table.add_row("", "", Text(row.error, "red"))
    people.print(table)


def mentor(seen: MentorStatus) -> None:
    """Show one mentor."""
    people.print(
        f"{seen.mentor_id} is {seen.status} since {_when(seen.status_changed_at)} UTC"
        f" (version {seen.version})"
    )
    people.print(f"certification: {_expiry(seen.certification_expiry_date)}")


def _expiry(day: date | None) -> str:
    """Say until when; the database gives the ends of the calendar for what lies beyond them."""
    if day is None:
        return "none"
    if day == date.max:
        return f"until {day} or later, such as without end"
    return f"until {day}" + " or earlier" * (day == date.min)


def finding_table(findings: Iterable[Finding]) -> None:
    """Show what a preflight looked at."""
    table = Table()
    for column in ("what", "what HLF has to change"):
        table.add_column(column)
    for finding in findings:
        table.add_row(finding.what, Text(finding.problem, "red") if finding.problem else "in order")
    people.print(table)


def drift(answer: Mapping[str, Any]) -> None:
    """Show how far the portal and the database differ."""
    people.print(
        f"{answer['differing']} of {answer['compared']} mentors differ"
        + (
            f", the oldest for {timedelta(seconds=answer['oldest_seconds'])}"
            * bool(answer["differing"])
        )
    )
    table = Table()
    for column in ("mentor", "key in the portal", "here", "in the portal", "since (UTC)"):
        table.add_column(column)
    for found in answer["differences"]:
        table.add_row(
            found["mentor_id"] or "unknown here", found["key"], found["here"] or "-",
            found["there"] or ("not there" if found["kind"] == "only_here" else "?"),
            _when(datetime.fromisoformat(found["since"]) if found["since"] else None),
        )  # fmt: skip
    if answer["differences"]:
        people.print(table)
    _drift_next(answer)
    _certification_drift(answer)
    for row in answer["unreadable_rows"]:
        people.print(f"cannot be read in the portal: {row}", style="red")


def _drift_next(answer: Mapping[str, Any]) -> None:
    """Say what puts the differences of the mentors right."""
    if any(found["mentor_id"] for found in answer["differences"]):
        people.print(
            "next: mentor-pause portal again --differing, then mentor-pause run hlf_sync --follow"
        )
    if any(not found["mentor_id"] for found in answer["differences"]):
        people.print(
            "who is unknown here: HLF deactivates their rows, or the key here"
            " (peer_mentors.portal_key) is corrected"
        )


_WHERE = {
    "differs": "not the same here and there",
    "only_here": "here, and not valid there any more",
    "only_there": "there, and not here",
}


def _certification_drift(answer: Mapping[str, Any]) -> None:
    """Show the certifications that differ."""
    count = answer["certifications_differing"]
    if not count:
        return
    people.print(f"{count} certifications differ; next: mentor-pause run hlf_sync --follow")
    table = Table()
    for column in ("row in the portal", "mentor's key", "where"):
        table.add_column(column)
    for found in answer["certification_differences"]:
        table.add_row(found["portal_id"], found["key"], _WHERE[found["kind"]])
    people.print(table)


def night(answer: Mapping[str, Any]) -> None:
    """Show what the monitor found."""
    if "stale_active_mentors" in answer:
        people.print(
            f"{answer['stale_active_mentors']} active mentors should have been paused by the night"
            f" of {answer['as_of']}"
        )
    if "night_missed" in answer:
        hours = answer["hours_since_completed_run"]
        last = "there was never one" if hours is None else f"the last one ended {hours:.1f} h ago"
        verdict = (
            "that night was missed: no complete run was about it, or its run had errors"
            if answer["night_missed"]
            else "a complete run was about that night"
        )
        people.print(f"{verdict}; {last}")
    uncertified(answer.get("active_without_certification", 0))
    for job_run_id, ended in answer.get("hung_runs", {}).items():
        people.print(f"run {job_run_id} hung; {'it is ended now' if ended else 'it is not ended'}")
    for look, reason in answer["failed"].items():
        people.print(f"not looked at: {look}: {reason}", style="red")


def uncertified(count: int) -> None:
    """Show how many mentors no night pauses, since no certification of theirs can expire."""
    if count:
        people.print(f"{count} active mentors without any certification; no run pauses them")


def waiting(answer: Mapping[str, Any]) -> None:
    """Show who waits for HLF's portal."""
    if answer["status"] == "off":
        people.print("HLF's portal is switched off: mentor-pause portal on")
    elif answer["status"] == "failed":
        people.print(f"HLF's portal cannot be asked: {answer['error']}", style="red")
    else:
        people.print(
            f"HLF's portal answers; {answer['differing']} mentors and"
            f" {answer['certifications_differing']} certifications differ there"
        )
    if answer.get("waiting"):
        since = _when(datetime.fromisoformat(answer["waiting_since"]))
        people.print(
            f"{answer['waiting']} mentors who are not active wait for the portal since {since} UTC;"
            f" a run paused {answer['waiting_over_an_hour']} of them more than an hour ago."
            " Next: mentor-pause run hlf_sync --follow"
        )
    elif "waiting" in answer:
        people.print("nobody waits for the portal")


def _when(moment: datetime | None) -> str:
    """Show a moment in UTC, whatever zone the database's session has."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else "-"
