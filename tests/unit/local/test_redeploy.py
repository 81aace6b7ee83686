"""Changes that a save deploys to the local stack, and changes that wait for `local up` (O3)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from local.packaging import digests
from local.processes import Process
from local.redeploy import deploy_changes
from local.state import State

if TYPE_CHECKING:
    from local.stack import LocalStack

NOBODY = Process(999999999, 7.0)


class Stack:
    """A running stack that records its calls."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the stack's."""
        self.folder = folder
        self.done: list[str] = []

    def require(self) -> State:
        """Return its state."""
        return State(1, NOBODY, 1, NOBODY, 1, NOBODY)

    def prepare_database(self) -> list[str]:
        """Record that migrations are applied."""
        self.done.append("migrations")
        return ["20990101000000_x.sql"]

    def update(self) -> None:
        """Record a deployment of code, layers and template."""
        self.done.append("update")


def deploy(stack: Stack, *changed: str, on_save: bool) -> tuple[list[str], list[str]]:
    """Deploy after a change of these places; return the stack's calls and the messages."""
    known = digests() | dict.fromkeys(changed, "before")
    text = json.dumps({"began": NOBODY.began, "digests": known})
    (stack.folder / "deployed.json").write_text(text)
    said: list[str] = []
    return deploy_changes(cast("LocalStack", stack), said.append, on_save=on_save), said


@pytest.mark.parametrize("code", [(), ("functions",)])
def test_a_save_applies_no_migration(tmp_path: Path, code: tuple[str, ...]) -> None:
    """The file may be half-written; the next `local up` applies it."""
    stack = Stack(tmp_path)
    changed, said = deploy(stack, "supabase/migrations", *code, on_save=True)
    assert said[0] == (
        "supabase/migrations has changed; apply new migrations with: mentor-pause local up"
    )
    assert (changed, stack.done) == ([*code], ["update"] if code else [])
    again = deploy_changes(cast("LocalStack", stack), said.append)
    assert (again, stack.done[-1]) == (["supabase/migrations"], "migrations")
    assert "applied 20990101000000_x.sql" in said
