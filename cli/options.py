"""Options that several commands have."""

import click


def _check_name(_context: click.Context, _param: click.Parameter, name: str | None) -> str | None:
    """Refuse an empty name: it comes from a variable that is not set."""
    if name is not None and not name.strip():
        raise click.BadParameter(
            "the name is empty; without --stack the command asks the local stack"
        )
    return name


stack_option = click.option(
    "--stack",
    "stack_name",
    metavar="NAME",
    callback=_check_name,
    help="A deployed stack instead of the local one.",
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON on standard output and nothing else there, also about a failure.",
)
follow_option = click.option(
    "--follow", "wait", is_flag=True, help="Wait for the end and show it; Ctrl-C ends the waiting."
)
mentors_option = click.option(
    "--mentors", default=500, show_default=True, type=click.IntRange(min=0)
)
expired_option = click.option(
    "--expired",
    default=120,
    show_default=True,
    type=click.IntRange(min=0),
    help="So many of them are active with an expired certification.",
)


def check_roster(mentors: int, expired: int) -> None:
    """Refuse a roster that cannot be, before anything is wiped for it.

    Raises:
        click.UsageError: more mentors would be expired than there are.
    """
    if expired > mentors:
        raise click.UsageError(
            f"of {mentors} mentors {expired} cannot be expired; give --expired {mentors} at most"
        )
