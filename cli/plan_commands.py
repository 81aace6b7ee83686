"""The commands `plan`, `approve`, `withdraw`, `why` and `last-night` (G1 to G7)."""

import re
import sys
from uuid import UUID

import click

from cli.completion import RunId
from cli.options import as_of_option, follow_option, json_option, stack_option

_HASH = re.compile(r"[0-9a-f]{64}")
_SHORTEST, _LONGEST = 3, 500
"""Characters of a note; the same rule as in `approve_plan`."""
_WITHDRAW_EXAMPLES = """\b
Examples:
  mentor-pause withdraw JOB_RUN_ID --dry-run --follow
  mentor-pause withdraw JOB_RUN_ID --follow
"""


def _check_hash(_context: click.Context, _param: click.Parameter, plan_hash: str) -> str:
    """Accept only a whole hash."""
    text = plan_hash.strip().lower()
    if not _HASH.fullmatch(text):
        raise click.BadParameter(
            "a plan's hash has 64 hexadecimal digits; the held plan has it: mentor-pause last-night"
        )
    return text


def _check_note(_context: click.Context, _param: click.Parameter, note: str) -> str:
    """Accept a note that people can read later."""
    text = note.strip()
    if not _SHORTEST <= len(text) <= _LONGEST or not text.isprintable():
        raise click.BadParameter(
            "say in 3 to 500 printable characters why the plan is right; the note is kept for ever"
        )
    return text


@click.command(short_help="Show who would be paused or held now.")
@as_of_option
@json_option
@stack_option
def plan(as_of: str | None, as_json: bool, stack_name: str | None) -> None:
    """Show the plan of a run that would begin now, and change nothing.

    The plan has the mentors whom the run would pause, those whom the brake would hold, and why. The
    command asks the database alone.
    """
    from datetime import date

    from cli.output import machine
    from cli.plans import read_live_plan
    from cli.show.plans import show_plan
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    day, summary, mentors = read_live_plan(stack, date.fromisoformat(as_of) if as_of else None)
    if as_json:
        listed = [mentor.model_dump() for mentor in mentors]
        machine({"as_of": day} | summary.model_dump() | {"mentors": listed})
    else:
        show_plan(summary, mentors, day, stack.command)


@click.command(short_help="Approve a held plan, and pause its mentors.")
@click.argument("job_run_id", type=RunId())
@click.option(
    "--plan",
    "plan_hash",
    metavar="HASH",
    required=True,
    callback=_check_hash,
    help="The hash of the plan; only exactly this plan is approved.",
)
@click.option(
    "--note",
    metavar="TEXT",
    required=True,
    callback=_check_note,
    help="Why the plan is right; kept for ever.",
)
@follow_option
@json_option
@stack_option
def approve(
    job_run_id: UUID, plan_hash: str, note: str, wait: bool, as_json: bool, stack_name: str | None
) -> None:
    """Approve the mentors whom a run's plan holds, and start the run that pauses them.

    Mentors who have changed since are reported and not paused. Nobody approves the plan of a run
    that they asked for. Repeating the command is safe: it never starts a second run. --json also
    waits for the end.
    """
    from cli.approval import approve as approve_run
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    approve_run(stack, job_run_id, plan_hash, note, wait=wait, as_json=as_json)


@click.command(epilog=_WITHDRAW_EXAMPLES, short_help="Take back the pauses of a run.")
@click.argument("job_run_id", type=RunId())
@click.option("--dry-run", is_flag=True, help="List who would be resumed; change nothing.")
@follow_option
@json_option
@stack_option
def withdraw(
    job_run_id: UUID, dry_run: bool, wait: bool, as_json: bool, stack_name: str | None
) -> None:
    """Resume the mentors whom a run paused, if they are valid now and have not changed since.

    The result lists who was resumed, who has changed since, and whose certification is still
    expired. --json also waits for the end.
    """
    from cli.stacks import open_stack
    from cli.withdrawal import withdraw as withdraw_run

    stack = open_stack(stack_name)
    withdraw_run(stack, job_run_id, dry_run=dry_run, wait=wait or as_json, as_json=as_json)


@click.command(short_help="Explain why a mentor is, or is not, paused.")
@click.argument("mentor_id", metavar="MENTOR", type=click.UUID)
@json_option
@stack_option
def why(mentor_id: UUID, as_json: bool, stack_name: str | None) -> None:
    """Explain why a mentor is, or is not, paused: rule, dates, runs, warnings, messages, portal."""
    from cli.output import machine
    from cli.show.why import show_story
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    with stack.database() as database:
        story = database.explain_mentor(mentor_id, stack.org_id)
    if as_json:
        machine(story)
    else:
        show_story(story, stack.command)


@click.command(name="last-night", short_help="Say whether last night was all right.")
@json_option
@stack_option
def last_night(as_json: bool, stack_name: str | None) -> None:
    """Say on one screen whether last night was all right.

    It shows runs, paused, held and stale mentors, errors, missed nights, the portal and messages,
    and the next command for each trouble. It only reads. Exit code 0: all is well.
    """
    from cli.last_night import read_night
    from cli.output import machine
    from cli.show.last_night import show_facts
    from cli.stacks import open_stack
    from cli.troubles import facts_of

    stack = open_stack(stack_name)
    night = read_night(stack)
    facts = facts_of(night, stack.command)
    troubles = [fact for fact in facts if fact.is_trouble]
    if as_json:
        named = [{"what": f.what, "text": f.text, "next": f.step} for f in troubles]
        machine(night.as_json() | {"all_is_well": not troubles, "troubles": named})
    else:
        show_facts(night.as_of, facts, stack.command("last-night --json"))
    if troubles:
        sys.exit(1)
