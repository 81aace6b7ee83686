"""The local stack, from the command line."""

import shlex
from typing import get_args

import click

from cli import show
from cli.options import expired_option, mentors_option
from local import portal_server
from local.portal_tables import Fault
from local.stack import LocalStack


@click.group()
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
@click.argument("kind", type=click.Choice(get_args(Fault.__value__)))
@click.option("--times", default=1, show_default=True, type=click.IntRange(1, 1000))
def fault(kind: Fault, times: int) -> None:
    """Let the stand-in portal's next requests go wrong."""
    portal_server.switch_on(LocalStack().require().portal_port, [kind] * times)


@local.command()
def env() -> None:
    """Print export lines for other tools."""
    stack = LocalStack()
    for name, value in stack.environment(stack.require()).items():
        click.echo(f"export {name}={shlex.quote(value)}")


@local.command()
@mentors_option
@expired_option
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same roster.")
def seed(mentors: int, expired: int, seed: int) -> None:
    """Replace the database's content by a made-up roster."""
    stack = LocalStack()
    stack.require()
    stack.seed(mentors, expired, seed)
    show.say(f"{mentors} mentors, {expired} of them active with an expired certification")
