"""The options that several commands share."""

import re
from datetime import date

import click

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _check_name(_context: click.Context, _param: click.Parameter, name: str | None) -> str | None:
    """Refuse an empty name: it usually comes from a variable that is not set."""
    if name is not None and not name.strip():
        raise click.BadParameter(
            "the name is empty; without --stack the command uses the local stack"
        )
    return name


def _check_day(_context: click.Context, _param: click.Parameter, day: str | None) -> str | None:
    """Accept only `YYYY-MM-DD`: Python also accepts 20261122 and 2026-W47-7."""
    if day is None:
        return None
    try:
        if not _DAY.fullmatch(day):
            raise ValueError(day)  # noqa: TRY301 - handled like the other one
        date.fromisoformat(day)
    except ValueError:
        raise click.BadParameter(f"{day!r} is not a date; write it as 2026-11-22") from None
    return day


as_of_option = click.option(
    "--as-of",
    metavar="DATE",
    callback=_check_day,
    help="Compare certifications with this day (YYYY-MM-DD), not with today.",
)
stack_option = click.option(
    "--stack",
    "stack_name",
    metavar="NAME",
    callback=_check_name,
    help="Use a deployed stack instead of the local one.",
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print only JSON on standard output, also for a failure.",
)
follow_option = click.option(
    "--follow",
    "wait",
    is_flag=True,
    help="Wait until the run ends and show it; Ctrl-C stops waiting.",
)
mentors_option = click.option(
    "--mentors", default=500, show_default=True, type=click.IntRange(min=0)
)
expired_option = click.option(
    "--expired",
    default=120,
    show_default=True,
    type=click.IntRange(min=0),
    help="How many of them are active with an expired certification.",
)


unforeseen_option = click.option(
    "--unforeseen",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="How many of the expired were not warned: the portal moved their date yesterday.",
)
brake_option = click.option(
    "--brake",
    default="watch",
    show_default=True,
    type=click.Choice(["watch", "hold", "off"]),
    help="The mode of the brake: report many unforeseen pauses, hold them, or do nothing.",
)


def check_roster(mentors: int, expired: int, unforeseen: int) -> None:
    """Refuse an impossible roster before anything is wiped.

    Raises:
        click.UsageError: there would be more expired mentors than mentors, or more unforeseen
            mentors than expired ones.
    """
    if expired > mentors:
        raise click.UsageError(
            f"{expired} of {mentors} mentors cannot be expired; type --expired {mentors} or less"
        )
    if unforeseen > expired:
        raise click.UsageError(
            f"{unforeseen} of {expired} expired mentors cannot be unforeseen; type --unforeseen"
            f" {expired} or less"
        )


def describe_roster(mentors: int, expired: int, unforeseen: int) -> str:
    """Describe a roster in one line."""
    text = f"{mentors} mentors, {expired} of them active with an expired certification"
    return text + (f", {unforeseen} of those not warned of it" if unforeseen else "")
