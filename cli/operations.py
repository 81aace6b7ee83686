"""The steps of docs/operator.sh that need an AWS client: `python -m cli.operations --stack NAME`.

No secret is passed as a program argument, because other users of the machine can read arguments.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import boto3
import click
from botocore.exceptions import ClientError, WaiterError

from cli.failures import run_guarded
from cli.options import stack_option
from cli.output import problem, result
from cli.stack_secrets import Secret, give_password
from local.errors import StackError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_SECONDS = 120
"""The longest wait for the update of a function."""


def restart_functions(client: "LambdaClient", names: Sequence[str]) -> None:
    """Change a variable of each function, so that Lambda restarts it and it reads its secrets.

    Raises:
        StackError: some functions did not restart; the others did.
    """
    failed = _attempt(_change_variable, client, names)
    failed |= _attempt(_wait, client, [name for name in names if name not in failed])
    for name, why in failed.items():
        problem(f"{name} did not restart ({why})")
    if failed:
        raise StackError(
            f"{len(failed)} of {len(names)} functions did not restart; try again with: restart"
        )
    result(f"{len(names)} functions restarted")


def _attempt(
    step: Callable[["LambdaClient", str], None], client: "LambdaClient", names: Sequence[str]
) -> dict[str, str]:
    """Call `step` for each function; return the reasons for failures, by function name."""
    failed: dict[str, str] = {}
    for name in names:
        try:
            step(client, name)
        except ClientError as error:
            failed[name] = error.response.get("Error", {}).get("Code", "no code")
        except WaiterError:
            failed[name] = f"its update did not succeed within {_SECONDS} s"
    return failed


def _change_variable(client: "LambdaClient", name: str) -> None:
    with suppress(WaiterError):  # after a failed update, another one is allowed
        _wait(client, name)
    configuration = client.get_function_configuration(FunctionName=name)
    variables = configuration.get("Environment", {}).get("Variables", {})
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "RESTARTED_AT": time.ctime()}}
    )


def _wait(client: "LambdaClient", name: str) -> None:
    waiter = client.get_waiter("function_updated")
    waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": _SECONDS})


@click.group()
@stack_option
@click.pass_context
def operations(context: click.Context, stack_name: str | None) -> None:
    """Run one step of docs/operator.sh."""
    if not stack_name:
        raise click.UsageError(
            "STACK is not set; type, for example: export STACK=mentor-pause-prod"
        )
    context.obj = stack_name


def _secret(stack_name: str, name: str) -> Secret:
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    return Secret(session.client("secretsmanager"), f"{stack_name}/{name}")


@operations.command("secret")
@click.argument("name")
@click.pass_obj
def show_secret(stack_name: str, name: str) -> None:
    """Print a secret as export lines, for `eval`."""
    click.echo(_secret(stack_name, name).export(), nl=False)


@operations.command()
@click.argument("name")
@click.pass_obj
def keep(stack_name: str, name: str) -> None:
    """Create an empty secret unless it exists, and print its ARN."""
    result(_secret(stack_name, name).create())


@operations.command()
@click.argument("name")
@click.argument("statement")
@click.pass_obj
def change(stack_name: str, name: str, statement: str) -> None:
    """Run a Python statement on a secret, the dictionary `s`, and store the result."""
    secret = _secret(stack_name, name)
    values = secret.read()
    try:
        exec(statement, {"s": values, "json": json, "os": os, "secrets": secrets})  # noqa: S102 - typed by the operator
    except Exception as error:
        raise StackError(
            f"the statement failed ({type(error).__name__}), and {secret.name} is unchanged; check"
            " the statement and the variables that it reads, then repeat the command"
        ) from error
    secret.write(values)


@operations.command()
@click.argument("role")
@click.argument("name")
@click.pass_obj
def login(stack_name: str, role: str, name: str) -> None:
    """Give a role a new password, store its URL in a secret, and print the secret's ARN."""
    addresses = (os.environ.get("OWNER_URL", ""), os.environ.get("POOLED_URL", ""))
    result(give_password(_secret(stack_name, name), role, *addresses))


@operations.command()
@click.pass_obj
def restart(stack_name: str) -> None:
    """Restart every function, so that it reads its secrets again."""
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    names = [n for output, n in stack.outputs.items() if output.endswith("FunctionName")]
    restart_functions(stack.lambdas(), names)


if __name__ == "__main__":
    sys.exit(run_guarded(operations, sys.argv[1:]))
