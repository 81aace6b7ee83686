"""Deploys each change of the checkout to the local stack when it is saved."""

from collections.abc import Iterable
from typing import Any

from watchfiles import DefaultFilter, watch

from cli.failures import Interrupted, explain
from cli.output import problem, say
from cli.waiting import telling_steps
from local.packaging import FUNCTIONS, MIGRATIONS
from local.places import ROOT
from local.redeploy import deploy_changes
from local.stack import LocalStack
from local.template import TEMPLATE

_PLACES = (FUNCTIONS, ROOT / "layers", MIGRATIONS, TEMPLATE)


def watch_and_deploy(stack: LocalStack) -> None:
    """Deploy on save until Ctrl-C; what cannot be deployed is said, and the watching goes on.

    Raises:
        Interrupted: somebody pressed Ctrl-C.
    """
    say("deploying each change on save; Ctrl-C ends the watching, not the stack")
    try:
        deploy_each(stack, watch(*_PLACES, watch_filter=DefaultFilter(), raise_interrupt=True))
    except KeyboardInterrupt:
        raise Interrupted(
            "watching has ended; the stack stays up (mentor-pause local down stops it)"
        ) from None


def deploy_each(stack: LocalStack, saves: Iterable[Any]) -> None:
    """Deploy once for each batch of saved files."""
    for _files in saves:
        try:
            with telling_steps() as tell:
                deploy_changes(stack, tell)
        except Exception as error:  # noqa: BLE001 - the next save may repair it
            problem(explain(error)[0])
