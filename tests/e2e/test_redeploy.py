"""`local up` deploys changes to a running stack; `--watch` does so on each save (O3)."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.places import ROOT
from support.deployed import Deployed, mentor_pause

pytestmark = pytest.mark.xdist_group("stack")

_PARTS = ("cli", "local", "functions", "layers", "supabase")
_MIGRATION = "20991231000000_comment_on_chapters.sql"


class Checkout:
    """A copy of the checkout that a test may edit. Its commands use the tests' stack."""

    def __init__(self, folder: Path) -> None:
        """`folder` gets the copy."""
        ignore = shutil.ignore_patterns("__pycache__")
        for part in _PARTS:
            shutil.copytree(ROOT / part, folder / part, ignore=ignore)
        shutil.copy(ROOT / "template.yaml", folder)
        (folder / ".tools").symlink_to(ROOT / ".tools")
        (folder / ".local").mkdir()
        (folder / ".local/build").symlink_to(ROOT / ".local/build")
        self.folder = folder
        self.monitor = folder / "functions/monitor/app.py"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run the copy's command line."""
        places = (self.folder, self.folder / "functions", self.folder / "layers/shared")
        return subprocess.Popen(
            [sys.executable, "-c", "from cli.main import main; main()", *arguments],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))},
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def up(self) -> tuple[int, list[str]]:
        """Start the stack; return the exit code and the lines of standard error.

        It leaves out the lines that a slow machine adds: "after 30 s still ...".
        """
        started = self.start("local", "up")
        _, err = started.communicate(timeout=120)
        return started.returncode, [x for x in err.splitlines() if not x.startswith("after ")]

    def answer(self, word: str) -> None:
        """Change the monitor's answer."""
        text = (ROOT / "functions/monitor/app.py").read_text()
        self.monitor.write_text(
            f"{text}\n\ndef handler(event: object, context: object) -> dict[str, str]:"
            f'\n    return {{"said": "{word}"}}\n'
        )


@pytest.fixture
def checkout(deployed: Deployed, tmp_path: Path) -> Iterator[Checkout]:
    """A copy that is edited and deployed; afterwards the tests' checkout is deployed again."""
    yield Checkout(tmp_path)
    assert mentor_pause("local", "up").returncode == 0
    assert "night_missed" in deployed.stack.invoke("Monitor", {})


def read_until(started: subprocess.Popen[str], line: str) -> None:
    """Read standard error up to a line; end a program that does not print it within 100 s."""
    assert started.stderr
    alarm = threading.Timer(100, started.kill)
    alarm.start()
    try:
        assert any(line in found for found in started.stderr), line
    finally:
        alarm.cancel()


def test_changes_are_deployed(
    deployed: Deployed, owner: psycopg.Connection, checkout: Checkout
) -> None:
    """Code and new migrations, each once. With `--watch` on each save, until Ctrl-C."""
    unchanged = "the local stack is up, and nothing has changed since it was deployed"
    assert checkout.up() == (0, [unchanged])
    before = deployed.local.require()
    checkout.answer("first")
    migration = checkout.folder / "supabase/migrations" / _MIGRATION
    migration.write_text("comment on table public.chapters is 'As the copy says.';\n")
    code, messages = checkout.up()
    assert (code, messages) == (0, [
        "deploying the changes: functions, supabase/migrations", f"applied {_MIGRATION}",
        "deployed",
    ])  # fmt: skip
    assert deployed.stack.invoke("Monitor", {}) == {"said": "first"}
    comment = owner.execute("select obj_description('public.chapters'::regclass)").fetchone()
    assert comment == ("As the copy says.",)
    assert deployed.local.require() == before
    with checkout.start("local", "up", "--watch") as watching:
        read_until(watching, "Ctrl-C stops watching")
        (checkout.folder / "template.yaml").write_text("Resources: [\n")
        read_until(watching, "template.yaml cannot be read")
        shutil.copy(ROOT / "template.yaml", checkout.folder)
        read_until(watching, "nothing has changed")
        checkout.answer("second")
        read_until(watching, "deployed")
        assert deployed.stack.invoke("Monitor", {}) == {"said": "second"}
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 130
        assert watching.stderr
        assert "watching has stopped; the stack stays up" in watching.stderr.read()


def test_a_template_that_the_emulator_refuses_leaves_the_stack_as_it_was(
    deployed: Deployed, owner: psycopg.Connection, checkout: Checkout
) -> None:
    """The sentence has the emulator's reason."""
    template = checkout.folder / "template.yaml"
    template.write_text(template.read_text().replace("AWS::SQS::Queue", "AWS::SQS::Nonsense", 1))
    code, messages = checkout.up()
    assert code == 2
    assert "the changes are not deployed: " in messages[-1]
    assert "Nonsense" in messages[-1]
    assert "The stack is unchanged" in messages[-1]
    assert json.loads(mentor_pause("stale", "--json").stdout)["stale_active_mentors"] == 150
