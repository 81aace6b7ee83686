"""The commands that start runs and show them.

Here and in the other modules of commands, each command imports what it needs when it runs: help
and completion load no client of AWS and none of the database.
"""

import re
import sys
from datetime import date
from typing import TextIO
from uuid import UUID

import click

from cli.completion import JobName, RunId
from cli.options import (
    check_roster,
    expired_option,
    follow_option,
    json_option,
    mentors_option,
    stack_option,
)

_SHOWN = 20
"""Runs that are shown unless --limit says otherwise."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RUN_EXAMPLES = """\b
Examples:
  mentor-pause run certification_expiry --dry-run --follow
  mentor-pause run hlf_sync --json | jq .synced_count
"""
_RUNS_EXAMPLES = """\b
Examples:
  mentor-pause runs
  mentor-pause runs JOB_RUN_ID --follow
"""


def _check_day(_context: click.Context, _param: click.Parameter, day: str | None) -> str | None:
    """Accept `YYYY-MM-DD` alone: Python would also read 20261122 and 2026-W47-7."""
    if day is None:
        return None
    try:
        if not _DAY.fullmatch(day):
            raise ValueError(day)  # noqa: TRY301 - told as any other
        date.fromisoformat(day)
    except ValueError:
        raise click.BadParameter(f"{day!r} is not a date; write it as 2026-11-22") from None
    return day


@click.command(epilog=_RUN_EXAMPLES)
@click.argument("job", type=JobName())
@click.option(
    "--as-of",
    metavar="DATE",
    callback=_check_day,
    help="Judge certifications by this day (YYYY-MM-DD) instead of today.",
)
@click.option("--dry-run", is_flag=True, help="Say who would be paused; change nothing.")
@follow_option
@json_option
@stack_option
def run(
    job: str, as_of: str | None, dry_run: bool, wait: bool, as_json: bool, stack_name: str | None
) -> None:
    """Start a run of JOB as its rule would.

    JOB is certification_expiry or hlf_sync. Prints the run's id, or with --follow what the run came
    to. --json waits for the end, too.
    """
    from cli.runs import request
    from cli.stacks import open_stack
    from cli.start import start

    event = request(job, as_of, dry_run=dry_run)
    start(open_stack(stack_name), event, wait=wait or as_json, as_json=as_json)


@click.command(epilog=_RUNS_EXAMPLES, short_help="Show the newest runs, or one run.")
@click.argument("job_run_id", required=False, type=RunId())
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    show_default=str(_SHOWN),
    help="How many of the newest runs are shown.",
)
@follow_option
@json_option
@stack_option
def runs(
    job_run_id: UUID | None, limit: int | None, wait: bool, as_json: bool, stack_name: str | None
) -> None:
    """Show the newest runs, or one run with its pages.

    With --follow it attaches again to a run that goes on.
    """
    from cli.history import show_newest, show_one
    from cli.stacks import open_stack
    from cli.start import attach

    if wait and job_run_id is None:
        raise click.UsageError("--follow needs the id of a run; see the runs: mentor-pause runs")
    if limit is not None and job_run_id is not None:
        raise click.UsageError("--limit goes with the list of runs, not with the id of one run")
    stack = open_stack(stack_name)
    if job_run_id is None:
        show_newest(stack, limit or _SHOWN, as_json=as_json)
    elif wait:
        attach(stack, job_run_id, as_json=as_json)
    else:
        show_one(stack, job_run_id, as_json=as_json)


@click.command()
@click.argument("job_run_id", type=RunId())
@follow_option
@json_option
@stack_option
def redrive(job_run_id: UUID, wait: bool, as_json: bool, stack_name: str | None) -> None:
    """Run the mentors again on whom a run errored.

    That is a run of its own, with the day of the first run.
    """
    from cli.runs import redrive_request
    from cli.stacks import open_stack
    from cli.start import start

    stack = open_stack(stack_name)
    start(stack, redrive_request(stack, job_run_id), wait=wait or as_json, as_json=as_json)


@click.command(short_help="Put a run's summary together again.")
@click.argument("lines", type=click.File("r"), default="-")
@click.argument("job_run_id", required=False, type=RunId())
def summary(lines: TextIO, job_run_id: UUID | None) -> None:
    """Put a run's summary together again from log lines.

    LINES is a file of them, by default standard input. What nightly and run --json print will do
    as well.
    A run that paused thousands of mentors has several lines. With an id, only that run's count.
    """
    from cli.output import machine, say
    from cli.runs import read_log_lines
    from cli.stacks import read_local_log
    from local.errors import StackError

    if lines is sys.stdin and lines.isatty():
        say("reading log lines from the terminal; Ctrl-D ends them")
    found = read_log_lines(lines, job_run_id)
    if not found:
        raise StackError(
            "these lines hold no summary of a run; read the worker's log group, such as with"
            f" aws logs tail GROUP --since 1d, or the local stack's log: {read_local_log()}"
        )
    for one in found:
        machine(one)


@click.command()
@mentors_option
@expired_option
@json_option
def nightly(mentors: int, expired: int, as_json: bool) -> None:
    """Run a night on a fresh local stack.

    Wipes the local stack, starts and seeds it, fires the nightly rule's event and follows the run.
    The last line on standard output is the run's summary as JSON, with and without --json.
    """
    check_roster(mentors, expired)
    from cli.nightly import run_night

    run_night(mentors, expired, as_json=as_json)
