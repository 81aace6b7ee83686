"""The stand-in for a Supabase project as a program of the local stack.

Beside REST and Auth it answers, for tests and developers:

- `/stand-in/requests` (GET): the addresses of the requests that it had;
- `/stand-in/faults` (PUT): a list of faults, `[{"kind": "error", "path": "/auth/v1/otp"}]`, one for
  each of the next requests whose address begins with that path (`supabase_faults.py`);
- `/stand-in/settings` (PUT): lifetimes and limits, `{"token_seconds": 5}` (`auth_codes.Settings`).
"""

import json
import os
import signal
import sys
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from local.identity import signing_key
from local.processes import LOOPBACK, Process, spawn
from local.supabase import serving
from local.supabase_faults import Fault
from local.supabase_project import make_project

_DATABASE = "STAND_IN_DATABASE"


def start_supabase(folder: Path, port: int, database_url: str, ses: str) -> Process:
    """Start the stand-in, whose key is in `folder`, without waiting until it answers.

    `ses` is the URL of the emulator that sends the codes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "local.supabase_server", str(port), str(folder), ses]
    return spawn(command, dict(os.environ) | {_DATABASE: database_url}, folder / "supabase.log")


def is_answering(port: int) -> bool:
    """Whether a stand-in answers on the port."""
    try:
        read_requests(port)
    except (OSError, ValueError):
        return False
    return True


def read_requests(port: int) -> list[str]:
    """Return the addresses of the requests that the stand-in has had since it started."""
    return _ask(port, "GET", "requests")


def switch_on(port: int, faults: Sequence[Fault]) -> None:
    """Give each of the next requests one fault."""
    _ask(port, "PUT", "faults", list(faults))


def change_settings(port: int, **values: int) -> None:
    """Change lifetimes and limits; the limits count from now."""
    _ask(port, "PUT", "settings", values)


def _ask(port: int, method: str, what: str, body: object = None) -> Any:
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{port}/stand-in/{what}",
        json.dumps(body).encode() if body is not None else None,
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def _main(port: int, folder: Path, ses: str) -> None:
    project = make_project(os.environ[_DATABASE], signing_key(folder), ses)
    done = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        done.set()

    signal.signal(signal.SIGTERM, stop)
    with serving(project, port):
        done.wait()


if __name__ == "__main__":
    _main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
