"""Deploys to a local stack that is up what has changed in the checkout since it was deployed."""

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
    """Start the stack; if it is up already, deploy what has changed. Return whether it started.

    `for_docker` lets Docker's containers reach it in both cases.

    Raises:
        StackError: a part does not start, or the emulator refuses what has changed.
    """
    if stack.find() is not None:
        deploy_changes(stack, say)
        if for_docker:
            stack.up(say, for_docker=True)
        return False
    found = packaging.digests()
    stack.up(say, aws_port, postgres_port, for_docker=for_docker)
    _remember(stack, found)
    return True


def deploy_changes(stack: LocalStack, say: Say, *, on_save: bool = False) -> list[str]:
    """Deploy what has changed, and return the places of it in the checkout.

    `on_save` applies no migration: a file that was saved may be half-written, and what was applied
    once is not applied again.

    Raises:
        StackError: the emulator refuses it, and the stack runs as before; or a migration fails.
    """
    found, known = packaging.digests(), _recall(stack)
    if on_save and found[_MIGRATIONS] != known.get(_MIGRATIONS):
        say(f"{_MIGRATIONS} has changed; apply what is new there with: mentor-pause local up")
        found[_MIGRATIONS] = known.get(_MIGRATIONS, "")
        if found == known:
            return []
    changed = sorted(place for place in found if found[place] != known.get(place))
    if not changed:
        say("the local stack is up, and nothing has changed since it was deployed")
        return []
    say(f"deploying what has changed: {', '.join(changed)}")
    if _MIGRATIONS in changed:
        _migrate(stack, say)
    if changed != [_MIGRATIONS]:
        stack.update()
    _remember(stack, found)
    say("deployed")
    return changed


def _migrate(stack: LocalStack, say: Say) -> None:
    for name in (new := stack.prepare_database()):
        say(f"applied {name}")
    if not new:
        say(
            "no migration is new: one that was applied before is not applied again, and a file"
            " without a statement waits for one. To begin with an empty database:"
            " mentor-pause local reset, then mentor-pause local up"
        )


def _remember(stack: LocalStack, found: dict[str, str]) -> None:
    began = stack.require().emulator.began
    (stack.folder / "deployed.json").write_text(json.dumps({"began": began, "digests": found}))


def _recall(stack: LocalStack) -> dict[str, str]:
    """Return what was deployed to this very emulator; nothing if that is unknown."""
    try:
        found = json.loads((stack.folder / "deployed.json").read_text())
        return found["digests"] if found["began"] == stack.require().emulator.began else {}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
