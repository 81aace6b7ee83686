"""Stores the state of a local stack in its folder: its parts, and its processes.

Each process is noted when it starts, so that `down` finds it even if the command that started it
was killed.
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
    supabase_port: int
    supabase: Process
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    is_open_to_docker: bool = False
    forwarder: Process | None = None
    """None: Docker Desktop needs no forwarder."""
    bridge: str | None = None
    """The forwarder's address on Docker's bridge, with the network's prefix length."""

    def forwards_from(self, bridge: IPv4Interface) -> bool:
        """Whether a forwarder listens on that bridge."""
        is_alive = self.forwarder is not None and self.forwarder.find() is not None
        return is_alive and self.bridge == str(bridge)


def write_state(folder: Path, state: State) -> None:
    """Store a stack's state in its folder."""
    partial = (folder / _STATE).with_suffix(".partial")
    partial.write_text(json.dumps(asdict(state)))
    partial.rename(folder / _STATE)


def read_state(folder: Path) -> State | None:
    """Return the stored state; None: it is missing or unreadable."""
    try:
        stored = json.loads((folder / _STATE).read_text())
        return State(
            stored["aws_port"],
            Process(**stored["emulator"]),
            stored["portal_port"],
            Process(**stored["portal"]),
            stored["supabase_port"],
            Process(**stored["supabase"]),
            stored["outputs"],
            stored.get("is_open_to_docker", False),
            Process(**forwarder) if (forwarder := stored.get("forwarder")) else None,
            stored.get("bridge"),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def note(folder: Path, process: Process) -> Process:
    """Note a process that has just started, and return it."""
    with (folder / _PROCESSES).open("a") as notes:
        notes.write(f"{process.pid} {process.began!r}\n")
    return process


def stop_all(folder: Path) -> None:
    """Stop every noted process, the newest first, and delete the stack's state."""
    for process in reversed(_noted(folder)):
        process.stop()
    for name in (_STATE, _PROCESSES):
        (folder / name).unlink(missing_ok=True)


def _noted(folder: Path) -> list[Process]:
    processes: list[Process] = []
    # A crash can cut off only the last line.
    with suppress(FileNotFoundError, ValueError):
        for line in (folder / _PROCESSES).read_text().splitlines():
            pid, began = line.split()
            processes.append(Process(int(pid), float(began)))
    return processes
