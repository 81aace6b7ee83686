"""Deploys each change of the checkout to the local stack when it is saved.

A migration is only announced (`deploy_changes`).
"""

from collections.abc import Iterable, Mapping

from watchfiles import watch

from cli.failures import Interrupted, explain
from cli.output import problem, say
from cli.waiting import telling_steps
from local.packaging import FUNCTIONS, MIGRATIONS, digests
from local.places import ROOT
from local.redeploy import deploy_changes
from local.stack import LocalStack
from local.template import TEMPLATE

_PLACES = (FUNCTIONS, ROOT / "layers", MIGRATIONS, TEMPLATE)
_TICK = 1000
"""Milliseconds after which the files are looked at anyway.

So nothing is missed that is saved before the watching has begun, or by an editor that puts a new
file in the place of the old one.
"""


def watch_and_deploy(stack: LocalStack, known: Mapping[str, str]) -> None:
    """Deploy on save until Ctrl-C; what cannot be deployed is said, and the watching goes on.

    `known` are the digests of what was deployed before.

    Raises:
        Interrupted: somebody pressed Ctrl-C.
    """
    say("deploying each change on save; Ctrl-C ends the watching, not the stack")
    saves = watch(*_PLACES, raise_interrupt=True, rust_timeout=_TICK, yield_on_timeout=True)
    try:
        deploy_each(stack, saves, known)
    except KeyboardInterrupt:
        raise Interrupted(
            "watching has ended; the stack stays up (mentor-pause local down stops it)"
        ) from None


def deploy_each(stack: LocalStack, saves: Iterable[object], known: Mapping[str, str]) -> None:
    """Deploy once for each state of the files, also of one that could not be deployed."""
    for _files in saves:
        if (found := digests()) != known:
            known = found
            _deploy(stack)


def _deploy(stack: LocalStack) -> None:
    try:
        with telling_steps() as tell, stack.alone(tell):
            deploy_changes(stack, tell, on_save=True)
    except Exception as error:  # noqa: BLE001 - the next save may repair it
        problem(explain(error)[0])
