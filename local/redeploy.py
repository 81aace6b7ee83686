"""Deploys the changes of the checkout to a local stack that is up."""

import json
from collections.abc import Callable

from local import packaging
from local.places import ROOT
from local.stack import LocalStack

type Say = Callable[[str], None]

_MIGRATIONS = str(packaging.MIGRATIONS.relative_to(ROOT))


def bring_up(
    stack: LocalStack,
    say: Say,
    aws_port: int = 0,
    postgres_port: int = 0,
    *,
    for_docker: bool = False,
) -> bool:
    """Start the stack, or deploy the changes if it is up; return whether it was started.

    `for_docker` lets Docker containers reach the stack in both cases.

    Raises:
        StackError: a part does not start, or the emulator refuses the changes.
    """
    if stack.find() is not None:
        deploy_changes(stack, say)
        if for_docker:
            stack.up(say, for_docker=True)
        return False
    digests = packaging.digests()
    stack.up(say, aws_port, postgres_port, for_docker=for_docker)
    _remember(stack, digests)
    return True


def deploy_changes(stack: LocalStack, say: Say, *, on_save: bool = False) -> list[str]:
    """Deploy the changes, and return the changed files and folders of the checkout.

    With `on_save` no migration is applied: a saved file may be half-written, and an applied
    migration is not applied again.

    Raises:
        StackError: the emulator refuses the changes (the stack is unchanged), or a migration fails.
    """
    current, deployed = packaging.digests(), _recall(stack)
    if on_save and current[_MIGRATIONS] != deployed.get(_MIGRATIONS):
        say(f"{_MIGRATIONS} has changed; apply new migrations with: mentor-pause local up")
        current[_MIGRATIONS] = deployed.get(_MIGRATIONS, "")
        if current == deployed:
            return []
    changed = sorted(place for place in current if current[place] != deployed.get(place))
    if not changed:
        say("the local stack is up, and nothing has changed since it was deployed")
        return []
    say(f"deploying the changes: {', '.join(changed)}")
    if _MIGRATIONS in changed:
        _migrate(stack, say)
    if changed != [_MIGRATIONS]:
        stack.update()
    _remember(stack, current)
    say("deployed")
    return changed


def _migrate(stack: LocalStack, say: Say) -> None:
    for name in (new := stack.prepare_database()):
        say(f"applied {name}")
    if not new:
        say(
            "no migration is new: a migration is applied only once, and a file without a statement"
            " is skipped. To start with an empty database:"
            " mentor-pause local reset, then mentor-pause local up"
        )


def _remember(stack: LocalStack, digests: dict[str, str]) -> None:
    began = stack.require().emulator.began
    (stack.folder / "deployed.json").write_text(json.dumps({"began": began, "digests": digests}))


def _recall(stack: LocalStack) -> dict[str, str]:
    """Return the digests deployed to this emulator process; an empty dictionary if unknown."""
    try:
        noted = json.loads((stack.folder / "deployed.json").read_text())
        return noted["digests"] if noted["began"] == stack.require().emulator.began else {}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
