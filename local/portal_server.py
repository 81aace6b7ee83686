"""The stand-in portal as a program of the local stack, with addresses for tests and developers.

Beside the Web API it answers:

- `/stand-in/rows` (GET, PUT): all rows by entity set;
- `/stand-in/requests` (GET): the requests that it had;
- `/stand-in/faults` (PUT): a list of faults, one for each of the next requests;
- `/stand-in/manners` (PUT): one manner to begin or to end.

It saves its rows in a file when it stops.
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

from local.portal import serving
from local.portal_columns import Row
from local.portal_example import example_portal
from local.portal_manners import Fault, Manner
from local.portal_tables import Portal
from local.processes import LOOPBACK, Process, spawn

_SECRET = "STAND_IN_SECRET"  # noqa: S105 - the variable's name


def start_portal(folder: Path, port: int, client_secret: str) -> Process:
    """Start the stand-in, which saves its rows in `folder`, without waiting until it answers."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "local.portal_server", str(port), str(folder / "rows.json")]
    return spawn(command, dict(os.environ) | {_SECRET: client_secret}, folder / "portal.log")


def is_answering(port: int) -> bool:
    """Whether a stand-in answers on the port."""
    try:
        read_rows(port)
    except (OSError, ValueError):
        return False
    return True


def read_rows(port: int) -> dict[str, list[Row]]:
    """Return the stand-in's rows by entity set."""
    return _ask(port, "GET", "rows")


def read_requests(port: int) -> list[tuple[str, str]]:
    """Return the requests that the stand-in has had since it started: method and address."""
    return [(method, path) for method, path in _ask(port, "GET", "requests")]


def replace_rows(port: int, rows: dict[str, list[Row]]) -> None:
    """Replace all rows."""
    _ask(port, "PUT", "rows", rows)


def switch_on(port: int, faults: list[Fault]) -> None:
    """Give each of the next requests one fault."""
    _ask(port, "PUT", "faults", faults)


def switch_manner(port: int, manner: Manner, on: bool, of: Sequence[str] = ()) -> None:
    """Begin or end a manner; `of` names the rows or columns that it affects, if any."""
    _ask(port, "PUT", "manners", {"manner": manner, "on": on, "of": list(of)})


def _ask(port: int, method: str, what: str, body: object = None) -> Any:
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{port}/stand-in/{what}",
        json.dumps(body).encode() if body is not None else None,
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def _restore(portal: Portal, file: Path) -> None:
    if file.exists():
        portal.replace_rows(json.loads(file.read_text()))


def _save(portal: Portal, file: Path) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(portal.all_rows()))
    partial.rename(file)


def _main(port: int, file: Path) -> None:
    portal = example_portal(os.environ[_SECRET])
    _restore(portal, file)
    done = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        done.set()

    signal.signal(signal.SIGTERM, stop)
    with serving(portal, port):
        done.wait()
    _save(portal, file)


if __name__ == "__main__":
    _main(int(sys.argv[1]), Path(sys.argv[2]))
