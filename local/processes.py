"""Starts and stops programs that keep running after the command has ended."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.errors import StackError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its pid and start time: the system may give the pid to another process later."""

    pid: int
    began: float

    def find(self) -> psutil.Process | None:
        """Return the process if it is still alive."""
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.began) < 1
            if is_same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def stop(self, seconds: float = 10) -> None:
        """Terminate the process and its children; kill those that run on after `seconds`."""
        if (parent := self.find()) is None:
            return
        with suppress(psutil.Error):
            family = [*parent.children(recursive=True), parent]
            for process in family:
                with suppress(psutil.Error):
                    process.terminate()
            for process in psutil.wait_procs(family, timeout=seconds)[1]:
                with suppress(psutil.Error):
                    process.kill()


def spawn(command: Sequence[str], env: Mapping[str, str], log: Path) -> Process:
    """Start a program in its own session, with its output in `log`."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    return Process(started.pid, psutil.Process(started.pid).create_time())


def free_port(wanted: int = 0) -> int:
    """Return the wanted loopback port; 0: any free port.

    Raises:
        StackError: another program listens on the wanted port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError:
            raise StackError(f"port {wanted} on {LOOPBACK} is in use; name another port") from None
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until a condition is true.

    Raises:
        StackError: the condition did not become true in time; `what` begins the message.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise StackError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def is_root() -> bool:
    """Whether this process runs as root."""
    return os.geteuid() == 0
