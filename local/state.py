"""What is remembered of a local stack, in its folder: its parts, and every process of it.

Each process is noted when it starts, so `down` finds it whatever became of the command that started
it.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Interface
from pathlib import Path

from local.processes import Process

_STATE, _PROCESSES = "stack.json", "processes"


@dataclass(frozen=True, slots=True)
class State:
    """The parts of a stack that is up."""

    aws_port: int
    emulator: Process
    portal_port: int
    portal: Process
    login_port: int
    login: Process
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    is_open_to_docker: bool = False
    forwarder: Process | None = None
    """None where Docker Desktop does its work."""
    bridge: str | None = None
    """The forwarder's address on Docker's bridge, and the bridge's network."""

    def forwards_from(self, bridge: IPv4Interface) -> bool:
        """Whether a forwarder runs that listens on that bridge."""
        is_alive = self.forwarder is not None and self.forwarder.find() is not None
        return is_alive and self.bridge == str(bridge)


def write_state(folder: Path, state: State) -> None:
    """Remember a stack's state in its folder."""
    partial = (folder / _STATE).with_suffix(".partial")
    partial.write_text(json.dumps(asdict(state)))
    partial.rename(folder / _STATE)


def read_state(folder: Path) -> State | None:
    """Return what was remembered; None if nothing was, or if it cannot be read."""
    try:
        found = json.loads((folder / _STATE).read_text())
        return State(
            found["aws_port"],
            Process(**found["emulator"]),
            found["portal_port"],
            Process(**found["portal"]),
            found["login_port"],
            Process(**found["login"]),
            found["outputs"],
            found.get("is_open_to_docker", False),
            Process(**forwarder) if (forwarder := found.get("forwarder")) else None,
            found.get("bridge"),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def note(folder: Path, process: Process) -> Process:
    """Note a process that has just been started, and return it."""
    with (folder / _PROCESSES).open("a") as notes:
        notes.write(f"{process.pid} {process.began!r}\n")
    return process


def stop_all(folder: Path) -> None:
    """Stop every process that was noted, the last one first, and forget the stack's state."""
    for process in reversed(_noted(folder)):
        process.stop()
    for name in (_STATE, _PROCESSES):
        (folder / name).unlink(missing_ok=True)


def _noted(folder: Path) -> list[Process]:
    found: list[Process] = []
    with suppress(FileNotFoundError, ValueError):  # a line that a crash has cut short is the last
        for line in (folder / _PROCESSES).read_text().splitlines():
            pid, began = line.split()
            found.append(Process(int(pid), float(began)))
    return found
