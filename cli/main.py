"""The command `mentor-pause`.

Exit codes: 0 done, 1 the run ended with errors, 2 wrong usage or configuration.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TextIO
from uuid import UUID

import click

from cli import show
from cli.local import local
from cli.options import expired_option, json_option, mentors_option, stack_option
from cli.portal import ask_for_waiting, portal
from cli.runs import (
    NotFinished,
    follow,
    nightly_event,
    read_log_lines,
    read_summary,
    redrive_request,
    request,
)
from cli.stacks import Stack, open_stack
from local.errors import StackError
from local.stack import LocalStack
from mentor_pause.errors import Conflict, Forbidden, MentorPauseError, NotFound
from mentor_pause.jobs import find_job
from mentor_pause.supabase import Status
from mentor_pause.transitions import change_status

_FOLLOW_SECONDS = 900.0
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mentor-pause")
def cli() -> None:
    """Pause peer mentors whose certification has expired: run it, watch it, try it here."""


cli.add_command(local)
cli.add_command(portal)


@cli.command()
@click.argument("job")
@click.option(
    "--as-of",
    metavar="DATE",
    help="Judge certifications by this day (YYYY-MM-DD) instead of today.",
)
@click.option("--dry-run", is_flag=True, help="Say who would be paused; change nothing.")
@click.option("--follow", "wait", is_flag=True, help="Wait for the end and show it.")
@json_option
@stack_option
def run(
    job: str, as_of: str | None, dry_run: bool, wait: bool, as_json: bool, stack_name: str | None
) -> None:
    """Start a run of JOB (certification_expiry, hlf_sync) as its rule would."""
    find_job(job)
    _check_day(as_of)
    stack = open_stack(stack_name)
    _start(stack, request(job, as_of, dry_run=dry_run), wait=wait or as_json, as_json=as_json)


def _check_day(day: str | None) -> None:
    """Accept `YYYY-MM-DD` alone: Python would also read 20261122 and 2026-W47-7."""
    if day is None:
        return
    try:
        if not _DAY.fullmatch(day):
            raise ValueError(day)  # noqa: TRY301 - told as any other
        date.fromisoformat(day)
    except ValueError:
        raise click.BadParameter(
            f"{day!r} is not a date; write it as 2026-11-22", param_hint="--as-of"
        ) from None


def _start(stack: Stack, event: dict[str, object], *, wait: bool, as_json: bool) -> None:
    answer = stack.invoke_dispatcher(event)
    if answer["status"] not in ("running", "completed"):
        show.problem(f"run {answer['job_run_id']} {answer['status']}: {answer.get('error', '')}")
        sys.exit(1)
    if not wait:
        show.say(f"started; see it with: mentor-pause runs {answer['job_run_id']}")
        return
    _finish(stack, UUID(answer["job_run_id"]), as_json=as_json)


def _finish(stack: Stack, job_run_id: UUID, *, as_json: bool) -> None:
    run = show.watch(follow(stack, job_run_id, _FOLLOW_SECONDS), "checking mentors")
    summary, _ = read_summary(stack, run)
    show.summary_table(run, summary)
    if as_json:
        show.machine(summary.as_json())
    if run.status != "completed" or summary.errored:
        sys.exit(1)


@cli.command()
@click.argument("job_run_id", required=False, type=click.UUID)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@json_option
@stack_option
def runs(job_run_id: UUID | None, limit: int, as_json: bool, stack_name: str | None) -> None:
    """Show the newest runs, or one run with its pages."""
    stack = open_stack(stack_name)
    if job_run_id is None:
        with stack.database() as database:
            rows = database.list_executions(stack.org_id, limit)
        if as_json:
            show.machine([row.model_dump() for row in rows])
        else:
            show.execution_table(rows)
        return
    _show_run(stack, job_run_id, as_json=as_json)


def _show_run(stack: Stack, job_run_id: UUID, *, as_json: bool) -> None:
    run = stack.ledger().find_run(job_run_id)
    if run is None:
        raise StackError(f"the ledger knows no run {job_run_id}; it keeps runs for 90 days")
    summary, pages = read_summary(stack, run)
    if as_json:
        show.machine(
            summary.as_json()
            | {
                "job_name": run.firing.job_name,
                "as_of": run.as_of,
                "status": run.status,
                "error": run.error,
                "trouble": run.trouble,
                "redrive_of": run.firing.redrive_of,
            }
            | {
                "pages": [
                    {"page": p.number, "mentors": len(p.mentor_ids), "closed_at": p.closed_at}
                    for p in pages
                ]
            }
        )
        return
    show.summary_table(run, summary)
    show.page_table(pages, run.effect)


@cli.command()
@click.argument("lines", type=click.File("r"), default="-")
@click.argument("job_run_id", required=False, type=click.UUID)
def summary(lines: TextIO, job_run_id: UUID | None) -> None:
    """Put a run's summary together again from log lines: a file of them, or standard input.

    A run that paused thousands of mentors has several lines. With an id, only that run's count.
    """
    found = read_log_lines(lines, job_run_id)
    if not found:
        raise StackError("there is no summary of a run among these lines")
    for one in found:
        show.machine(one)


@cli.command()
@click.argument("job_run_id", type=click.UUID)
@click.option("--follow", "wait", is_flag=True, help="Wait for the end and show it.")
@json_option
@stack_option
def redrive(job_run_id: UUID, wait: bool, as_json: bool, stack_name: str | None) -> None:
    """Run those again on whom a run errored, with that run's day, in a run of their own."""
    stack = open_stack(stack_name)
    event = redrive_request(stack, job_run_id)
    _start(stack, event, wait=wait or as_json, as_json=as_json)


@cli.command()
@json_option
@stack_option
def monitor(as_json: bool, stack_name: str | None) -> None:
    """Let the monitor look now: who is stale, whether the last night ran, what hangs.

    It ends runs that hang, and asks who waits for HLF's portal. Exit code 0: all is well.
    """
    stack = open_stack(stack_name)
    answer = stack.invoke("Monitor", {})
    waiting = ask_for_waiting(stack)
    if as_json:
        show.machine(answer | {"portal": waiting})
    else:
        show.night(answer)
        show.waiting(waiting)
    if not all_is_well(answer, waiting):
        sys.exit(1)


def all_is_well(night: Mapping[str, Any], portal: Mapping[str, Any]) -> bool:
    """Whether the last night was all right: the monitor's answer, and who waits for the portal.

    A portal that is switched off is in order; one that cannot be asked is not.
    """
    if night["failed"] or night["stale_active_mentors"] or night["night_missed"]:
        return False
    return portal["status"] != "failed" and not portal.get("waiting_over_an_hour")


@cli.command()
@json_option
@stack_option
def stale(as_json: bool, stack_name: str | None) -> None:
    """Count the active mentors whose certification has expired, now, from the data alone.

    It also counts active mentors without any certification: no run pauses them.
    """
    stack = open_stack(stack_name)
    with stack.database() as database:
        today = database.assert_org_scope(stack.org_id, stack.outputs["HlfOrgSlug"]).today
        count = database.count_stale_active_mentors(stack.org_id, today)
        uncertified = database.count_active_uncertified(stack.org_id)
    if as_json:
        show.machine(
            {
                "stale_active_mentors": count,
                "as_of": today,
                "active_without_certification": uncertified,
            }
        )
    else:
        show.people.print(
            f"{count} active mentors with a certification that expired on or before {today}"
        )
        show.uncertified(uncertified)


@cli.command()
@click.argument("mentor_id", type=click.UUID)
@click.option(
    "--set", "status", type=click.Choice(["active", "paused", "inactive"]), help="Change it."
)
@click.option("--reason", metavar="CODE", help="Why, as a code such as on_leave; kept for ever.")
@json_option
@stack_option
def mentor(
    mentor_id: UUID,
    status: Status | None,
    reason: str | None,
    as_json: bool,
    stack_name: str | None,
) -> None:
    """Show one mentor's status, or change it by hand."""
    if (status is None) != (reason is None):
        raise click.UsageError("--set and --reason go together")
    stack = open_stack(stack_name)
    with stack.database() as database:
        if status is not None and reason is not None:
            change_status(database, mentor_id, stack.org_id, status, reason)
        seen = database.get_mentor_status(mentor_id, stack.org_id)
    if as_json:
        show.machine(seen.model_dump())
    else:
        show.mentor(seen)


@cli.command()
@mentors_option
@expired_option
@json_option
def nightly(mentors: int, expired: int, as_json: bool) -> None:  # noqa: ARG001 - it is JSON anyway
    """Wipe the local stack, start and seed it, fire the nightly rule's event and follow the run."""
    local_stack = LocalStack()
    local_stack.reset(show.say)
    local_stack.up(show.say)
    local_stack.seed(mentors, expired, 1)
    show.say(f"{mentors} mentors, {expired} of them active with an expired certification")
    stack = open_stack(None)
    show.say(
        "firing the nightly rule's event; the stack stays up (mentor-pause local down stops it)"
    )
    _start(stack, nightly_event(stack), wait=True, as_json=True)


def _sentence(error: Exception) -> str:
    detail = error.detail if isinstance(error, Conflict | Forbidden | NotFound) else None
    return f"{error}: {detail}" if detail else str(error)


def _guarded(command: Callable[..., object]) -> int:
    """Run a command; whatever goes wrong becomes one sentence and an exit code."""
    try:
        command(standalone_mode=False)
    except click.ClickException as error:
        error.show()
    except NotFinished as error:
        show.problem(str(error))
        return 1
    except (MentorPauseError, StackError, ValueError) as error:
        show.problem(_sentence(error))
    except (click.Abort, KeyboardInterrupt):
        show.problem("interrupted")
    except Exception as error:
        if os.environ.get("MENTOR_PAUSE_TRACE"):
            raise
        show.problem(f"{type(error).__name__}: {error} (MENTOR_PAUSE_TRACE=1 shows where)")
    else:
        return 0
    return 2


def main() -> None:
    """Run the command, and exit with its code."""
    sys.exit(_guarded(cli))
