"""The local stack, from the command line."""

import shlex
from typing import cast, get_args
from uuid import uuid4

import click

from cli import show
from cli.options import expired_option, mentors_option
from cli.runs import refuse_while_open
from cli.stacks import function_environments, open_stack
from local import portal_server
from local.containers import container_environments
from local.portal_manners import OF_NAMES, Fault, Manner
from local.seed import find_member
from local.stack import API_SECRET, LocalStack, State, endpoint
from mentor_pause.config import load_http_secrets


@click.group()
def local() -> None:
    """The whole system on this machine, state under .local/."""


@local.command()
@click.option("--aws-port", default=0, help="Port of the AWS emulator; any free one by default.")
@click.option("--postgres-port", default=0, help="Port of PostgreSQL; any free one by default.")
@click.option(
    "--docker", "for_docker", is_flag=True, help="Let Docker's containers reach it, for SAM."
)
def up(aws_port: int, postgres_port: int, for_docker: bool) -> None:
    """Start PostgreSQL and the AWS emulator, and deploy template.yaml."""
    LocalStack().up(show.say, aws_port, postgres_port, for_docker=for_docker)


@local.command()
def down() -> None:
    """Stop the local stack; the database keeps its data."""
    LocalStack().down(show.say)


@local.command()
def reset() -> None:
    """Stop the local stack and wipe its data."""
    LocalStack().reset(show.say)


@local.command()
@click.argument(
    "kind", type=click.Choice([*get_args(Fault.__value__), *get_args(Manner.__value__)])
)
@click.option("--times", type=click.IntRange(0, 1000), help="Requests that get a fault; 0: none.")
@click.option("--on/--off", "on", default=None, help="Begin or end a manner.")
@click.option(
    "--of", multiple=True, metavar="NAME", help="A mentor's key, a row's id, or a column."
)
def fault(kind: Fault | Manner, times: int | None, on: bool | None, of: tuple[str, ...]) -> None:
    """Let the stand-in portal misbehave.

    A fault is over after --times requests, one by default. A manner lasts from --on to --off;
    "foreign rows" and "secured columns" need --of. docs/portal.md lists both.
    """
    if kind in get_args(Fault.__value__):
        if on is not None or of:
            raise click.UsageError("a fault has --times; --on, --off and --of are for manners")
        _switch_fault(cast("Fault", kind), 1 if times is None else times)
        return
    if on is None or times is not None:
        raise click.UsageError("a manner has --on and --off; --times is for faults")
    if on and bool(of) != (kind in OF_NAMES):
        raise click.UsageError(f"{' and '.join(OF_NAMES)} need --of; no other manner takes it")
    portal_port = LocalStack().require().portal_port
    portal_server.switch_manner(portal_port, cast("Manner", kind), on, of)


def _switch_fault(kind: Fault, times: int) -> None:
    portal_server.switch_on(LocalStack().require().portal_port, [kind] * times)


@local.command()
@click.option(
    "--sam", is_flag=True, help="JSON for sam local invoke --env-vars, by function, instead."
)
def env(sam: bool) -> None:
    """Print export lines for other tools."""
    local_stack = LocalStack()
    if sam:
        show.machine(_container_environments(local_stack.require_docker()))
        return
    for name, value in local_stack.environment(local_stack.require()).items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _container_environments(state: State) -> dict[str, dict[str, str]]:
    stack = open_stack(None)
    vault = stack.session.client("secretsmanager", endpoint_url=stack.endpoint_url)
    return container_environments(vault, function_environments(stack), endpoint(state.aws_port))


@local.command()
@click.argument("who", type=click.Choice(["admin", "coordinator", "stranger", "machine"]))
@click.option("--sam", is_flag=True, help="For the HTTP entry in sam local invoke.")
def token(who: str, sam: bool) -> None:
    """Print a credential for the HTTP entry: of an administrator, a coordinator, and so on.

    curl -H "Authorization: Bearer $(mentor-pause local token admin)" "$API_URL/runs"
    """
    stack = LocalStack()
    stack.require()
    if who == "machine":
        secrets = load_http_secrets(API_SECRET, open_stack(None).read_secret)
        click.echo(secrets.scheduler_secret.get_secret_value())
    else:
        user_id = find_member(stack.database_url(), who) or uuid4()
        click.echo(stack.token(user_id, for_docker=sam))


@local.command()
@mentors_option
@expired_option
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same roster.")
def seed(mentors: int, expired: int, seed: int) -> None:
    """Replace the database's content by a made-up roster; refused while a run is open."""
    stack = LocalStack()
    stack.require()
    refuse_while_open(open_stack(None))
    stack.seed(mentors, expired, seed)
    show.say(f"{mentors} mentors, {expired} of them active with an expired certification")
