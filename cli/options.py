"""Options that several commands have."""

import click

stack_option = click.option(
    "--stack", "stack_name", metavar="NAME", help="A deployed stack instead of the local one."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on standard output, and nothing else there."
)
mentors_option = click.option(
    "--mentors", default=500, show_default=True, type=click.IntRange(min=0)
)
expired_option = click.option(
    "--expired", default=120, show_default=True, type=click.IntRange(min=0)
)
