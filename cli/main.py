"""The command `mentor-pause`.

Exit codes: 0 done, 1 the run ended with errors, 2 wrong usage or configuration.
"""

import os
import shlex
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import UUID

import click

from cli import show
from cli.portal import check as check_portal
from cli.runs import NotFinished, follow, nightly_event, read_summary, request
from cli.stacks import Stack, open_stack
from local.errors import StackError
from local.stack import LocalStack
from mentor_pause.errors import Conflict, Forbidden, MentorPauseError, NotFound
from mentor_pause.jobs import find_job
from mentor_pause.supabase import Status
from mentor_pause.transitions import change_status

_FOLLOW_SECONDS = 900.0

stack_option = click.option(
    "--stack", "stack_name", metavar="NAME", help="A deployed stack instead of the local one."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on standard output, and nothing else there."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mentor-pause")
def cli() -> None:
    """Pause peer mentors whose certification has expired: run it, watch it, try it here."""


@cli.group()
def local() -> None:
    """The whole system on this machine, state under .local/."""


@local.command()
@click.option("--aws-port", default=0, help="Port of the AWS emulator; any free one by default.")
@click.option("--postgres-port", default=0, help="Port of PostgreSQL; any free one by default.")
def up(aws_port: int, postgres_port: int) -> None:
    """Start PostgreSQL and the AWS emulator, and deploy template.yaml."""
    LocalStack().up(show.say, aws_port, postgres_port)


@local.command()
def down() -> None:
    """Stop the local stack; the database keeps its data."""
    LocalStack().down(show.say)


@local.command()
def reset() -> None:
    """Stop the local stack and wipe its data."""
    LocalStack().reset(show.say)


@local.command()
def env() -> None:
    """Print export lines for other tools."""
    stack = LocalStack()
    for name, value in stack.environment(stack.require()).items():
        click.echo(f"export {name}={shlex.quote(value)}")


_mentors_option = click.option(
    "--mentors", default=500, show_default=True, type=click.IntRange(min=0)
)
_expired_option = click.option(
    "--expired", default=120, show_default=True, type=click.IntRange(min=0)
)


@local.command()
@_mentors_option
@_expired_option
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same roster.")
def seed(mentors: int, expired: int, seed: int) -> None:
    """Replace the database's content by a made-up roster."""
    stack = LocalStack()
    stack.require()
    stack.seed(mentors, expired, seed)
    show.say(f"{mentors} mentors, {expired} of them active with an expired certification")


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
    if day is None:
        return
    try:
        date.fromisoformat(day)
    except ValueError:
        raise click.BadParameter(
            f"{day!r} is no date; write it as 2026-11-22", param_hint="--as-of"
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
            show.machine([row.model_dump(mode="json") for row in rows])
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
    show.page_table(pages)


@cli.command()
@json_option
@stack_option
def stale(as_json: bool, stack_name: str | None) -> None:
    """Count the active mentors whose certification has expired, now, from the data alone."""
    stack = open_stack(stack_name)
    with stack.database() as database:
        today = database.assert_org_scope(stack.org_id, stack.outputs["HlfOrgSlug"]).today
        count = database.count_stale_active_mentors(stack.org_id, today)
    if as_json:
        show.machine({"stale_active_mentors": count, "as_of": today})
    else:
        show.people.print(
            f"{count} active mentors with a certification that expired on or before {today}"
        )


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
        show.machine(seen.model_dump(mode="json"))
    else:
        show.mentor(seen)


@cli.group()
def portal() -> None:
    """HLF's portal, named by PORTAL_URL, PORTAL_TENANT, PORTAL_CLIENT_ID, PORTAL_CLIENT_SECRET."""


@portal.command()
@click.option(
    "--mapping",
    "mapping_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What the portal calls things; see docs/portal.md.",
)
@json_option
def check(mapping_file: Path, as_json: bool) -> None:
    """Look, without changing anything, whether the portal is as the mapping says."""
    findings = check_portal(mapping_file)
    if as_json:
        show.machine([{"what": f.what, "problem": f.problem} for f in findings])
    else:
        show.finding_table(findings)
    if any(finding.problem for finding in findings):
        sys.exit(1)


@cli.command()
@_mentors_option
@_expired_option
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
