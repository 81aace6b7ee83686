"""Programs that go on running after the command that started them."""

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
    """A process by its pid and the moment it began; a pid alone may be somebody else's by now."""

    pid: int
    began: float

    def find(self) -> psutil.Process | None:
        """Return the process while it is the same one and alive."""
        with suppress(psutil.Error):
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.began) < 1 and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None

    def stop(self, seconds: float = 10) -> None:
        """End the process and its children; first kindly."""
        if (found := self.find()) is None:
            return
        with suppress(psutil.Error):
            family = [*found.children(recursive=True), found]
            for process in family:
                with suppress(psutil.Error):
                    process.terminate()
            for process in psutil.wait_procs(family, timeout=seconds)[1]:
                with suppress(psutil.Error):
                    process.kill()


def spawn(command: Sequence[str], env: Mapping[str, str], log: Path) -> Process:
    """Start a program in a session of its own, its output going to `log`."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    return Process(started.pid, psutil.Process(started.pid).create_time())


def free_port(wanted: int = 0) -> int:
    """Return the wanted loopback port, or any that is free for 0.

    Raises:
        StackError: something listens on the wanted port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError:
            raise StackError(f"port {wanted} on {LOOPBACK} is taken; name another one") from None
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait on a condition.

    Raises:
        StackError: it was not fulfilled in time; `what` says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise StackError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def is_root() -> bool:
    """Whether this process runs as root."""
    return os.geteuid() == 0
