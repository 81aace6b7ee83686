"""Runs as a person sees them at a terminal, and as programs see them in a pipe."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from click.shell_completion import BashComplete

from cli.main import cli
from support.deployed import COMMAND, Deployed, expired_ids, mentor_pause
from support.documents import Shell, walk

pytestmark = pytest.mark.xdist_group("stack")

TERMINAL = {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "200"}


def test_a_run_can_be_left_and_attached_to_again(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """A terminal shows a bar. Ctrl-C says that the run continues; attaching shows its end."""
    with deployed.workers_asleep():
        started = mentor_pause("run", "certification_expiry")
        run = started.stdout.strip()
        assert str(UUID(run)) == run
        assert started.stderr == (f"started; follow it with: mentor-pause runs {run} --follow\n")
        out, drawn, code = follow_until_ctrl_c(run)
    again = f"mentor-pause runs {run} --follow"
    assert f"mentor-pause: run {run} continues; follow it again with: {again}\r\n" in drawn
    assert json.loads(out)["exit_code"] == code == 130
    deployed.let_the_lease_run_out(run)
    mentor_pause("monitor")
    ended = mentor_pause("runs", run, "--follow")
    assert ended.returncode == 1
    assert f"run {run}: failed" in ended.stdout
    deployed.forget_runs()


def follow_until_ctrl_c(run: str) -> tuple[str, str, int]:
    """Follow a run at a terminal, and press Ctrl-C once the bar is visible.

    It presses again if nothing happens, as a person does. It reads the terminal all the time,
    because a program waits when its terminal is full.
    """
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [COMMAND, "runs", run, "--follow", "--json"],
        stdout=subprocess.PIPE, stderr=theirs, text=True, env=os.environ | TERMINAL,
    ) as started:  # fmt: skip
        os.close(theirs)
        drawn, pressed = "", 0.0
        # Reading a terminal that no program has open any more is an error.
        with suppress(OSError):
            while part := os.read(ours, 100_000).decode():
                drawn += part
                if "waiting for the workers" in drawn and time.monotonic() > pressed + 5:
                    started.send_signal(signal.SIGINT)
                    pressed = time.monotonic()
        out, _ = started.communicate(timeout=30)
    os.close(ours)
    return out, drawn, started.returncode


def test_a_dry_run_is_marked_and_lists_the_mentors(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """At most twenty for people, and all for programs."""
    expired = expired_ids(owner, datetime.now(ZoneInfo("Europe/Oslo")).date())
    shown = mentor_pause("run", "certification_expiry", "--dry-run", "--follow")
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    place = lines.index("would be paused:")
    named = {line.strip() for line in lines[place + 1 : place + 21]}
    assert len(named) == 20
    assert named < expired
    assert lines[place + 21].startswith("  and 130 more; list all: mentor-pause runs ")
    everybody = lines[place + 21].partition("mentor-pause ")[2]
    result = json.loads(mentor_pause(*everybody.split()).stdout)
    assert result["dry_run"] is True
    assert set(result["mentor_ids_paused"]) == expired
    assert mentor_pause("run", "certification_expiry", "--json").returncode == 0
    (real, dry) = json.loads(mentor_pause("runs", "--json").stdout)
    assert (real["dry_run"], dry["dry_run"]) == (False, True)
    shown = mentor_pause("runs").stdout
    assert shown.index("real run, certification_expiry") < shown.index("dry run, cert")
    refused = mentor_pause("redrive", real["job_run_id"])
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "has no errors, so a redrive has no mentors; see the run with: mentor-pause runs" in (
        refused.stderr
    )


def test_a_refused_run_is_an_object_with_its_id(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """Programs need not read the sentence."""
    with deployed.workers_asleep():
        first = mentor_pause("run", "certification_expiry").stdout.strip()
        refused = mentor_pause("run", "certification_expiry", "--json")
    result = json.loads(refused.stdout)
    assert (refused.returncode, result["exit_code"], result["status"]) == (1, 1, "refused")
    assert f"wait for its end with: mentor-pause runs {first} --follow" in result["error"]
    deployed.forget_runs()


def completed(*words: str) -> list[str]:
    """Return the shell's completions of some words."""
    complete = BashComplete(cli, {}, "mentor-pause", "_MENTOR_PAUSE_COMPLETE")
    return [item.value for item in complete.get_completions(list(words), "")]


def test_a_deployed_stack_is_named_and_its_runs_are_completed(
    deployed: Deployed, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator stands for AWS. An unknown stack is an error."""
    outside = deployed.local.environment(deployed.local.require())
    for name, value in outside.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("SUPABASE_DB_URL", deployed.local.database_url())
    run = mentor_pause("run", "certification_expiry", "--dry-run").stdout.strip()
    stack = ("--stack", "mentor-pause-local")
    assert mentor_pause("runs", run, "--follow", *stack).returncode == 0
    assert completed("runs") == completed("redrive", *stack) == [run]
    absent = mentor_pause("runs", "--stack", "mentor-pause-nowhere")
    assert (absent.returncode, absent.stdout) == (2, "")
    assert "has no stack mentor-pause-nowhere; to use AWS instead: unset" in absent.stderr
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    silent = mentor_pause("runs", *stack)
    assert silent.returncode == 2
    assert "AWS does not answer (EndpointConnectionError)" in silent.stderr


def test_the_page_of_the_command_line_can_be_typed(
    deployed: Deployed, owner: psycopg.Connection, shell: Shell
) -> None:
    """Every block of docs/command-line.md for bash. The shell's completion is active then."""
    runs, plans, messages, completion = (block.text for block in walk("command-line"))
    done = shell.type(runs)
    assert (done.code, "dry run " in done.out, "certification_expiry" in done.out) == (
        0, True, True,
    ), done.err  # fmt: skip
    planned = shell.type(plans)
    assert (planned.code, '{"as_of": "2099-01-01"' in planned.out) == (0, True), planned.err
    told = shell.type(messages)
    assert (told.code, '{"messages": [' in told.out) == (0, True), told.err
    assert shell.type(completion).code == 0
    assert "mentor-pause" in shell.type("complete -p mentor-pause").out
