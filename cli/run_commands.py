"""The commands that start runs and show them.

In every module with commands, a command imports its modules when it runs, so that help and
completion load neither an AWS client nor a database client.
"""

import sys
from typing import TextIO
from uuid import UUID

import click

from cli.completion import JobName, RunId
from cli.options import (
    as_of_option,
    brake_option,
    check_roster,
    expired_option,
    follow_option,
    json_option,
    mentors_option,
    stack_option,
    unforeseen_option,
)

_SHOWN = 20
"""How many runs are shown without --limit."""
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


@click.command(epilog=_RUN_EXAMPLES)
@click.argument("job", type=JobName())
@as_of_option
@click.option("--dry-run", is_flag=True, help="List who would be paused; change nothing.")
@follow_option
@json_option
@stack_option
def run(
    job: str, as_of: str | None, dry_run: bool, wait: bool, as_json: bool, stack_name: str | None
) -> None:
    """Start a run of JOB as its rule would.

    JOB is certification_expiry or hlf_sync. The command prints the run's id, or with --follow the
    run's result. --json also waits for the end.
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

    With --follow it attaches to a run in progress.
    """
    from cli.history import show_newest, show_one
    from cli.stacks import open_stack
    from cli.start import attach

    if wait and job_run_id is None:
        raise click.UsageError("--follow needs the id of a run; list the runs: mentor-pause runs")
    if limit is not None and job_run_id is not None:
        raise click.UsageError(
            "--limit is for the list of runs; leave out --limit or the id of the run"
        )
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
    """Run again for a run's errored mentors.

    The redrive is a new run, with the day of the first run.
    """
    from cli.runs import redrive_request
    from cli.stacks import open_stack
    from cli.start import start

    stack = open_stack(stack_name)
    start(stack, redrive_request(stack, job_run_id), wait=wait or as_json, as_json=as_json)


@click.command(short_help="Join a run's summary from log lines.")
@click.argument("lines", type=click.File("r"), default="-")
@click.argument("job_run_id", required=False, type=RunId())
def summary(lines: TextIO, job_run_id: UUID | None) -> None:
    """Join a run's summary from log lines.

    LINES is a file of log lines, by default standard input. The output of nightly and run --json
    works too. The summary of a run that paused thousands of mentors has several lines. With an id
    the command reads only the lines of that run.
    """
    from cli.output import machine, say
    from cli.runs import read_log_lines
    from cli.stacks import read_local_log
    from local.errors import StackError

    if lines is sys.stdin and lines.isatty():
        say("reading log lines from the terminal; Ctrl-D ends them")
    summaries = read_log_lines(lines, job_run_id)
    if not summaries:
        raise StackError(
            "these lines have no summary of a run; read the worker's log group, for example with"
            f" aws logs tail GROUP --since 1d, or the local stack's log: {read_local_log()}"
        )
    for one in summaries:
        machine(one)


@click.command()
@mentors_option
@expired_option
@unforeseen_option
@brake_option
@json_option
def nightly(mentors: int, expired: int, unforeseen: int, brake: str, as_json: bool) -> None:
    """Run a night on a fresh local stack.

    The command wipes the local stack, starts and seeds it, sends the nightly rule's event and
    follows the run. The last line on standard output is the run's summary as JSON, also without
    --json.
    """
    check_roster(mentors, expired, unforeseen)
    from cli.nightly import Night, run_night

    run_night(Night(mentors, expired, unforeseen, brake), as_json=as_json)
