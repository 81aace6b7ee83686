"""One command at a time changes a local stack, and no command leaves processes behind (O3)."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from local.alone import alone
from local.errors import StackError
from local.processes import Process, spawn
from local.stack import LocalStack
from local.state import note

# The processes go on running after what has started them.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

WAITS = "waiting for another command that changes this local stack"
SLEEP = [sys.executable, "-c", "import signal; signal.pause()"]


def test_a_command_waits_for_the_one_before_it(tmp_path: Path) -> None:
    """It says so once, and continues when the other command has ended."""
    said: list[str] = []
    waits, went_on = threading.Event(), threading.Event()

    def say(text: str) -> None:
        said.append(text)
        waits.set()

    def second() -> None:
        with alone(tmp_path, say):
            went_on.set()

    with alone(tmp_path, said.append):
        assert said == []
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(30)
        assert not went_on.is_set()
    thread.join(30)
    assert went_on.is_set()
    assert said == [WAITS]


def test_a_started_program_does_not_hold_the_lock(tmp_path: Path) -> None:
    """The stack's own processes outlive the command."""
    with alone(tmp_path, pytest.fail):
        process = spawn(SLEEP, os.environ, tmp_path / "log")
    try:
        with alone(tmp_path, pytest.fail):
            assert process.find()
    finally:
        process.stop()


@pytest.mark.slow
def test_every_command_that_changes_the_stack_waits(tmp_path: Path) -> None:
    """Ctrl-C ends the wait, and the command has changed nothing."""
    commands = ("local up", "local down", "local reset", "local seed", "nightly")
    script = "from cli.main import main; main()"
    with alone(tmp_path, pytest.fail), ExitStack() as ends:
        started = [
            ends.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", script, *command.split()],
                    env=os.environ | {"MENTOR_PAUSE_LOCAL": str(tmp_path)},
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                )
            )
            for command in commands
        ]  # fmt: skip
        for command, process in zip(commands, started, strict=True):
            assert process.stderr
            assert process.stderr.readline() == f"{WAITS}\n", command
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
    assert [file.name for file in tmp_path.iterdir()] == ["lock"]


def test_down_ends_the_processes_of_a_command_that_died(tmp_path: Path) -> None:
    """Also if its note of the last process is incomplete."""
    processes = [note(tmp_path, spawn(SLEEP, os.environ, tmp_path / "log")) for _ in range(2)]
    with (tmp_path / "processes").open("a") as notes:
        notes.write("12")
    LocalStack(tmp_path).down(lambda _text: None)
    assert [process.find() for process in processes] == [None, None]


def test_a_start_that_fails_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here PostgreSQL does not start; the stand-ins run by then."""
    programs, folder = tmp_path / "bin", tmp_path / "stack"
    programs.mkdir()
    (programs / "initdb").write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
    (programs / "initdb").chmod(0o755)
    monkeypatch.setenv("MENTOR_PAUSE_POSTGRES_BIN", str(programs))
    with pytest.raises(StackError, match="PostgreSQL could not create its data: no space left"):
        LocalStack(folder).up(lambda _text: None)
    assert (folder / "portal/portal.log").exists()
    assert not [p.pid for p in psutil.process_iter() if str(folder) in " ".join(_command(p))]
    assert not (folder / "processes").exists()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_pid_that_now_belongs_to_another_program_is_not_killed(tmp_path: Path) -> None:
    """A process counts by its pid and its start time."""
    own = Process(os.getpid(), 1.0)
    note(tmp_path, own)
    LocalStack(tmp_path).down(lambda _text: None)
    assert own.find() is None
