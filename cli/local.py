"""The local stack, from the command line."""

import shlex
from typing import TYPE_CHECKING, override
from uuid import uuid4

import click

from cli.options import (
    brake_option,
    check_roster,
    describe_roster,
    expired_option,
    json_option,
    mentors_option,
    unforeseen_option,
)

if TYPE_CHECKING:
    from local.state import State


class _WithKinds(click.Command):
    """Appends the faults and manners to its help, and imports them only then."""

    @override
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from cli.faults import FAULTS, MANNERS

        formatter.write_paragraph()
        formatter.write_text(f"Faults: {', '.join(FAULTS)}.")
        formatter.write_paragraph()
        formatter.write_text(f"Manners: {', '.join(MANNERS)}.")


_PORT = click.IntRange(0, 65535)


@click.group(short_help="The whole system on this machine.")
def local() -> None:
    """The whole system on this machine; its state is in .local/."""


@local.command(short_help="Start the local stack, or deploy changes.")
@click.option(
    "--aws-port", default=0, type=_PORT, help="Port of the AWS emulator; by default any free port."
)
@click.option(
    "--postgres-port", default=0, type=_PORT, help="Port of PostgreSQL; by default any free port."
)
@click.option(
    "--docker", "for_docker", is_flag=True, help="Let Docker containers reach it, for SAM."
)
@click.option("--watch", is_flag=True, help="Deploy each change when it is saved, until Ctrl-C.")
def up(aws_port: int, postgres_port: int, for_docker: bool, watch: bool) -> None:
    """Start the local stack, or deploy the changes to it.

    It starts PostgreSQL, stand-ins for Supabase and for HLF's portal, and an AWS emulator, and
    deploys template.yaml. If the stack is up, it deploys changes of functions/, layers/ and
    template.yaml, and new files in supabase/migrations/.
    """
    from cli.output import say
    from cli.ports import describe_kept_ports
    from cli.waiting import reporting_steps
    from local.packaging import digests
    from local.redeploy import bring_up
    from local.stack import LocalStack

    stack, deployed = LocalStack(), digests()
    with reporting_steps() as say_step, stack.alone(say_step):
        has_started = bring_up(stack, say_step, aws_port, postgres_port, for_docker=for_docker)
    if has_started:
        say("the local stack is up; mentor-pause local seed loads a roster")
    elif notice := describe_kept_ports(stack, aws_port, postgres_port):
        say(notice)
    if watch:
        from cli.watching import watch_and_deploy

        watch_and_deploy(stack, deployed)


@local.command(short_help="Stop the local stack; keep its data.")
def down() -> None:
    """Stop the local stack; the database keeps its data."""
    from cli.waiting import reporting_steps
    from local.stack import LocalStack

    stack = LocalStack()
    with reporting_steps() as say_step, stack.alone(say_step):
        stack.down(say_step)


@local.command()
def reset() -> None:
    """Stop the local stack and wipe its data."""
    from cli.waiting import reporting_steps
    from local.stack import LocalStack

    stack = LocalStack()
    with reporting_steps() as say_step, stack.alone(say_step):
        stack.reset(say_step)


@local.command(cls=_WithKinds)
@click.argument("kind", nargs=-1, metavar="KIND...")
@click.option(
    "--times", type=click.IntRange(0, 1000), help="How many requests get the fault; 0: none."
)
@click.option("--on/--off", "on", default=None, help="Switch a manner on or off.")
@click.option(
    "--of", multiple=True, metavar="NAME", help="A mentor's key, a row's id, or a column."
)
def fault(kind: tuple[str, ...], times: int | None, on: bool | None, of: tuple[str, ...]) -> None:
    """Let the stand-in portal misbehave.

    A fault ends after --times requests, by default after one. A manner lasts from --on to --off;
    "foreign rows" and "secured columns" need --of. docs/portal.md explains each of them.
    """
    from cli import faults
    from cli.output import result
    from local import portal_server
    from local.stack import LocalStack

    name = faults.find_kind(" ".join(kind))
    if faults.is_fault(name):
        next_faults = faults.parse_fault(name, times, on, of)
        portal_server.switch_on(LocalStack().require().portal_port, next_faults)
        result(faults.describe_faults(next_faults))
    else:
        manner, is_on = faults.parse_manner(name, times, on, of)
        portal_server.switch_manner(LocalStack().require().portal_port, manner, is_on, of)
        result(faults.describe_manner(manner, of, is_on=is_on))


@local.command(short_help="Say how to sign in to the console.")
@click.option(
    "--as", "who", type=click.Choice(["admin", "coordinator", "mentor"]), default="coordinator",
    show_default=True, help="Whose address to type.",
)  # fmt: skip
@json_option
def console(who: str, as_json: bool) -> None:
    """Say the console's address, and how to sign in to it."""
    from cli.output import machine, result
    from local.errors import StackError
    from local.seed import find_address
    from local.stack import LocalStack

    stack = LocalStack()
    state = stack.require()
    address = state.outputs["ConsoleUrl"]
    if (email := find_address(stack.database_url(), who)) is None:
        raise StackError(f"no {who} can sign in; load a roster with: mentor-pause local seed")
    if as_json:
        machine({"address": address, "email": email})
        return
    result(f"Open {address}")
    result(f"Type the address {email}, and ask for a code.")
    result("Read the code with: mentor-pause local mail")


@local.command(short_help="Show the mails that were sent.")
@json_option
def mail(as_json: bool) -> None:
    """Show the mails that the local stack has sent, the newest last.

    It waits while the notifier still sends. No mail leaves this machine: the AWS emulator keeps
    each until the local stack stops.
    """
    from dataclasses import asdict

    from cli.output import machine, say
    from cli.show.mails import show_mails
    from local.mail import read_mails, wait_until_sent
    from local.stack import LocalStack

    stack = LocalStack()
    port = stack.require().aws_port
    wait_until_sent(stack.database_url(), say)
    mails = read_mails(port)
    if as_json:
        machine([asdict(one) for one in mails])
    else:
        show_mails(mails)


@local.command()
@click.option("--sam", is_flag=True, help="Print JSON for sam local invoke --env-vars instead.")
def env(sam: bool) -> None:
    """Print export lines for other tools."""
    from cli.output import machine
    from local.stack import LocalStack

    local_stack = LocalStack()
    if sam:
        machine(_container_environments(local_stack.require_docker()))
        return
    for name, value in local_stack.environment(local_stack.require()).items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _container_environments(state: "State") -> dict[str, dict[str, str]]:
    from cli.stacks import function_environments, open_stack
    from local.containers import container_environments
    from local.deployment import endpoint

    stack = open_stack(None)
    vault = stack.session.client("secretsmanager", endpoint_url=stack.endpoint_url)
    return container_environments(vault, function_environments(stack), endpoint(state.aws_port))


@local.command()
@click.argument("who", type=click.Choice(["admin", "coordinator", "stranger", "machine"]))
@click.option("--sam", is_flag=True, help="For the HTTP entry under sam local invoke.")
def token(who: str, sam: bool) -> None:
    """Print a credential for the HTTP entry.

    The caller is an administrator, a coordinator, a person outside the organisation (stranger), or
    a machine. An example:

    curl -H "Authorization: Bearer $(mentor-pause local token admin)" "$API_URL/runs"
    """
    from cli.stacks import open_stack
    from local.deployment import API_SECRET
    from local.seed import find_member
    from local.stack import LocalStack
    from mentor_pause.config import load_http_secrets

    stack = LocalStack()
    stack.require()
    if who == "machine":
        secrets = load_http_secrets(API_SECRET, open_stack(None).read_secret)
        click.echo(secrets.scheduler_secret.get_secret_value())
    else:
        user_id = find_member(stack.database_url(), who) or uuid4()
        click.echo(stack.token(user_id, for_docker=sam))


@local.command(short_help="Replace all data with a made-up roster.")
@mentors_option
@expired_option
@unforeseen_option
@brake_option
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same roster.")
def seed(mentors: int, expired: int, unforeseen: int, brake: str, seed: int) -> None:
    """Replace the content of the database with a made-up roster.

    The command refuses to do so while a run is in progress.
    """
    check_roster(mentors, expired, unforeseen)
    from cli.output import result
    from cli.runs import refuse_while_open
    from cli.stacks import open_stack
    from cli.waiting import reporting_steps
    from local.stack import LocalStack

    stack = LocalStack()
    with reporting_steps() as say_step, stack.alone(say_step):
        stack.require()
        refuse_while_open(open_stack(None))
        say_step("loading the roster")
        stack.seed(mentors, expired, seed, unforeseen=unforeseen, brake=brake)
    result(describe_roster(mentors, expired, unforeseen))
