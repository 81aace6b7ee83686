"""The commands `mentor`, `stale` and `monitor`."""

import re
import sys
from typing import TYPE_CHECKING
from uuid import UUID

import click

from cli.options import json_option, stack_option

if TYPE_CHECKING:
    from mentor_pause.domain.mentors import Status

_REASON = re.compile(r"[a-z][a-z0-9_]{2,62}")
"""The same rule as in `private.assert_transition_request`."""


def _check_reason(
    _context: click.Context, _param: click.Parameter, reason: str | None
) -> str | None:
    """Accept a code; suggest a code for other text."""
    if reason is None or _REASON.fullmatch(reason):
        return reason
    code = re.sub(r"[^a-z0-9]+", "_", reason.lower()).strip("_")
    hint = f", such as {code}" if _REASON.fullmatch(code) else ", such as on_leave"
    raise click.BadParameter(
        "a reason is a code of 3 to 63 lower-case letters, digits and underscores, with a letter"
        f" first{hint}"
    )


@click.command(short_help="Let the monitor check, and end hung runs.")
@json_option
@stack_option
def monitor(as_json: bool, stack_name: str | None) -> None:
    """Let the monitor check now whether last night was all right.

    It counts stale and held mentors, checks that last night's run completed, and ends runs that
    hang. It counts mentors who were paused without a warning in time, messages that wait or did not
    arrive, and mentors who wait for HLF's portal. Exit code 0: no problem was found.
    """
    from cli.night import all_is_well
    from cli.output import machine
    from cli.portal import measure_waiting
    from cli.show.messages import show_figures
    from cli.show.night import show_brake, show_night, show_waiting
    from cli.stacks import open_stack
    from mentor_pause.database.client import MessageFigures
    from mentor_pause.database.plan_results import BrakeFigures

    stack = open_stack(stack_name)
    answer = stack.invoke("Monitor", {})
    waiting = measure_waiting(stack)
    if as_json:
        machine(answer | {"portal": waiting})
    else:
        show_night(answer)
        if "brake" in answer:
            brake = BrakeFigures.model_validate(answer["brake"])
            show_brake(brake, stack.command("last-night"))
        if "messages" in answer:
            show_figures(
                MessageFigures.model_validate(answer["messages"]),
                sends=stack.sends_messages,
                command=stack.command("messages --undelivered"),
            )
        show_waiting(waiting)
    if not all_is_well(answer, waiting, sends=stack.sends_messages):
        sys.exit(1)


@click.command(short_help="Count stale active mentors.")
@json_option
@stack_option
def stale(as_json: bool, stack_name: str | None) -> None:
    """Count the active mentors whose certification has expired.

    It asks the database now. It also counts active mentors without any certification: no run pauses
    them.
    """
    from cli.output import machine, result
    from cli.show.night import show_uncertified
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    with stack.database() as database:
        today = database.assert_org_scope(stack.org_id, stack.outputs["HlfOrgSlug"]).today
        count = database.count_stale_active_mentors(stack.org_id, today)
        uncertified = database.count_active_uncertified(stack.org_id)
    if as_json:
        machine(
            {
                "stale_active_mentors": count,
                "as_of": today,
                "active_without_certification": uncertified,
            }
        )
        return
    mentors = "active mentor" if count == 1 else "active mentors"
    result(f"{count} {mentors} with a certification that expired on or before {today}")
    show_uncertified(uncertified)


@click.command()
@click.argument("mentor_id", type=click.UUID)
@click.option(
    "--set",
    "status",
    type=click.Choice(["active", "paused", "inactive"]),
    help="Change the status.",
)
@click.option(
    "--reason",
    metavar="CODE",
    callback=_check_reason,
    help="The reason as a code, such as on_leave; kept for ever.",
)
@json_option
@stack_option
def mentor(
    mentor_id: UUID,
    status: "Status | None",
    reason: str | None,
    as_json: bool,
    stack_name: str | None,
) -> None:
    """Show one mentor's status, or change it by hand."""
    from cli.mentors import change
    from cli.output import machine
    from cli.show.night import show_mentor
    from cli.stacks import open_stack

    if (status is None) != (reason is None):
        raise click.UsageError(
            "--set and --reason go together, such as: --set paused --reason on_leave"
        )
    stack = open_stack(stack_name)
    with stack.database() as database:
        if status is not None and reason is not None:
            change(stack, database, mentor_id, status, reason)
        current = database.get_mentor_status(mentor_id, stack.org_id)
    if as_json:
        machine(current.model_dump())
    else:
        show_mentor(current)
