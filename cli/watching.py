"""Deploys each change of the checkout to the local stack when it is saved.

It does not apply migrations, but says that one is new (`deploy_changes`).
"""

from collections.abc import Iterable, Mapping

from watchfiles import watch

from cli.failures import Interrupted, explain
from cli.output import problem, say
from cli.waiting import reporting_steps
from local.packaging import FUNCTIONS, MIGRATIONS, digests
from local.places import ROOT
from local.redeploy import deploy_changes
from local.stack import LocalStack
from local.template import TEMPLATE

_PLACES = (FUNCTIONS, ROOT / "layers", MIGRATIONS, TEMPLATE)
_TICK = 1000
"""Milliseconds. The files are compared at least this often.

Otherwise a save before the watching has started would be missed, and so would the save of an editor
that replaces the file.
"""


def watch_and_deploy(stack: LocalStack, deployed: Mapping[str, str]) -> None:
    """Deploy each saved change until Ctrl-C; report a failed deployment and keep watching.

    `deployed` are the digests of the last deployment.

    Raises:
        Interrupted: the user pressed Ctrl-C.
    """
    say("deploying each change when it is saved; Ctrl-C stops watching, the stack stays up")
    saves = watch(*_PLACES, raise_interrupt=True, rust_timeout=_TICK, yield_on_timeout=True)
    try:
        deploy_each(stack, saves, deployed)
    except KeyboardInterrupt:
        raise Interrupted(
            "watching has stopped; the stack stays up (mentor-pause local down stops it)"
        ) from None


def deploy_each(stack: LocalStack, saves: Iterable[object], deployed: Mapping[str, str]) -> None:
    """Deploy each new state of the files once, even if the deployment fails."""
    for _files in saves:
        if (current := digests()) != deployed:
            deployed = current
            _deploy(stack)


def _deploy(stack: LocalStack) -> None:
    try:
        with reporting_steps() as say_step, stack.alone(say_step):
            deploy_changes(stack, say_step, on_save=True)
    except Exception as error:  # noqa: BLE001 - the next save may correct it
        problem(explain(error)[0])
