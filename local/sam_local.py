"""Invokes each function in Docker with its sample events and prints a table: `make sam-local`.

The commands are those of the README ("One function at a time"), on a separate local stack. `sam
local invoke` exits with 0 even if the function raised an exception, so each answer is compared with
the expected result (events/README.md).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from local import sam
from local.docker import find_bridge, watched_memory
from local.errors import StackError
from local.samples import EVENTS
from local.scratch import run_command
from local.stack import LocalStack
from local.template import ROOT

SAMPLES: Mapping[str, tuple[str, str]] = {
    "monitor_hourly": ("Monitor", "checked"),
    "portal_drift_hourly": ("PortalDrift", "measured"),
    "certification_expiry_dry_run": ("Dispatcher", "started"),
    "certification_expiry_page": ("ExpiryWorker", "done"),
    "certification_expiry_dead_page": ("ExpiryWorker", "done"),
    "hlf_sync_page": ("HlfSyncWorker", "done"),
    "hlf_sync_dead_page": ("HlfSyncWorker", "done"),
    "hlf_sync_nightly": ("Dispatcher", "started"),
    "hlf_sync_after_run": ("Dispatcher", "started"),
    "certification_expiry_nightly": ("Dispatcher", "started"),
    "http_list_jobs": ("Api", "200"),
    "http_list_runs": ("Api", "200"),
    "http_get_run": ("Api", "200"),
    "http_start_run": ("Api", "202"),
    "certification_expiry_redrive": ("Dispatcher", "started"),
    "certification_expiry_release": ("Dispatcher", "refused"),
    "withdrawal_request": ("Dispatcher", "started"),
    "http_get_plan": ("Api", "200"),
    "http_approve_plan": ("Api", "409"),
    "http_withdraw_run": ("Api", "202"),
    "http_why": ("Api", "200"),
    "console_sign_in": ("Console", "200"),
    "console_tonight": ("Console", "200"),
    "notifier_after_run": ("Notifier", "sent"),
    "notifier_hourly": ("Notifier", "sent"),
    "notifier_delivery": ("Notifier", "done"),
    "notifier_bounce": ("Notifier", "done"),
}
"""Each sample's function and expected result. The order matters: some samples read earlier runs."""

TOKEN = "PUT-A-TOKEN-HERE"  # noqa: S105 - the placeholder in the samples
_COMMAND = Path(sys.executable).parent / "mentor-pause"
_LINE = "{:<31} {:<9} {:>7} {:>6}{}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one sample."""

    event: str
    result: str
    expected: str
    seconds: float
    megabytes: int | None
    """The container's peak memory; None: Docker gave no figures."""

    def line(self) -> str:
        """Return the line of the table."""
        wrong = "" if self.result == self.expected else f"  expected: {self.expected}"
        memory = "-" if self.megabytes is None else self.megabytes
        return _LINE.format(self.event, self.result, f"{self.seconds:.1f}", memory, wrong)


def result_of(output: str) -> str:
    """Return a word for a function's answer; `output` is SAM's standard output.

    For an unexpected answer it is the beginning of the answer.
    """
    try:
        answer: object = json.loads(output)
    except ValueError:
        answer = None
    members = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    return _word_for(members) or output.strip()[:200] or "no answer"


def _word_for(answer: Mapping[str, Any]) -> str | None:
    match answer:
        case {"statusCode": code}:
            word = str(code)
        case {"job_run_id": _, "status": "running" | "completed"}:
            word = "started"
        case {"status": "failed", "error": str(error)} if "not approved" in error:
            word = "refused"
        case {"status": "measured"}:
            word = "measured"
        case {"batchItemFailures": []}:
            word = "done"
        case {"stale_active_mentors": _}:
            word = "checked"
        case {"sent": _, "stopped_by": "nothing_due"}:
            word = "sent"
        case _:
            word = None
    return word


def invoke_all(folder: Path, environ: Mapping[str, str], token: str) -> list[Outcome]:
    """Invoke the function of each sample and print its line; `folder` has `env.json`."""
    outcomes: list[Outcome] = []
    print(_LINE.format("event", "result", "seconds", "MB", ""))  # noqa: T201 - a table for people
    for event, (function, expected) in SAMPLES.items():
        text = (EVENTS / f"{event}.json").read_text().replace(TOKEN, token)
        began = time.monotonic()
        with watched_memory(f"sam.cli.function.name={function}") as memory:
            done = sam.invoke(function, text, folder / "env.json", environ)
        seconds = time.monotonic() - began
        outcomes.append(Outcome(event, result_of(done.stdout), expected, seconds, memory()))
        print(outcomes[-1].line(), flush=True)  # noqa: T201
        if outcomes[-1].result != expected:
            sys.stderr.write(f"{done.stderr}\n")
    return outcomes


def _mentor_pause(environ: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [_COMMAND, "local", *arguments], env=environ, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise StackError(f"mentor-pause local {' '.join(arguments)} failed")
    return done.stdout


def main() -> int:
    """Build, start a stack, run every sample, and wipe the stack; 1: a result was unexpected."""
    find_bridge()  # fails before the build if Docker is missing
    sam.build()
    folder = ROOT / ".local/sam-local"
    stack = LocalStack(folder)
    environ = {**os.environ, "MENTOR_PAUSE_LOCAL": str(folder)}
    try:
        _mentor_pause(environ, "up", "--docker")
        _mentor_pause(environ, "seed")
        (folder / "env.json").write_text(_mentor_pause(environ, "env", "--sam"))
        token = _mentor_pause(environ, "token", "admin", "--sam").strip()
        reach = stack.environment(stack.require())
        outcomes = invoke_all(folder, {**environ, **reach}, token)
    finally:
        stack.reset(lambda _text: None)
    unexpected = sum(outcome.result != outcome.expected for outcome in outcomes)
    print(f"{len(outcomes)} events, {unexpected} with an unexpected result")  # noqa: T201
    return min(unexpected, 1)


if __name__ == "__main__":
    sys.exit(run_command(main))
