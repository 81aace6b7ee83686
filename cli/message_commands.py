"""The command `messages`."""

import click

from cli.options import json_option, stack_option

_SHOWN = 20
"""How many messages are shown without --limit."""
_EXAMPLES = """\b
Examples:
  mentor-pause messages --undelivered
  mentor-pause messages --limit 500 --json | jq .messages
"""


@click.command(epilog=_EXAMPLES, short_help="Show messages to mentors and coordinators.")
@click.option("--undelivered", is_flag=True, help="Only messages that did not arrive.")
@click.option(
    "--limit",
    default=_SHOWN,
    type=click.IntRange(1, 500),
    show_default=True,
    help="How many of the newest messages are shown.",
)
@json_option
@stack_option
def messages(undelivered: bool, limit: int, as_json: bool, stack_name: str | None) -> None:
    """Show the newest messages to mentors, coordinators and administrators.

    Each has its state: whether it waits, was delivered, or bounced. With --undelivered the command
    shows those that did not arrive, or have waited for more than an hour. It shows ids of people,
    but no names and no addresses. The last lines are the figures of the alarms.
    """
    from cli.output import machine
    from cli.show.messages import show_figures, show_messages
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    with stack.database() as database:
        found = database.list_messages(
            stack.org_id, undelivered=undelivered, before=None, limit=limit
        )
        figures = database.get_message_figures(stack.org_id)
    if as_json:
        machine(
            {
                "messages": [message.model_dump() for message in found],
                "figures": figures.model_dump(),
            }
        )
        return
    show_messages(found, undelivered=undelivered)
    show_figures(
        figures,
        sends=stack.sends_messages,
        command=None if undelivered else stack.command("messages --undelivered"),
    )
