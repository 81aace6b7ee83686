"""Asks Docker how its containers reach this machine (docs/decisions/0035)."""

import subprocess
from ipaddress import IPv4Interface
from socket import AF_INET

import psutil

from local.errors import StackError

_DESKTOP = "Docker Desktop"
_BRIDGE_NAME = '{{index .Options "com.docker.network.bridge.name"}}'


def find_bridge() -> IPv4Interface | None:
    """Return this machine's address on Docker's bridge; None where Docker Desktop needs none.

    Docker Desktop runs its containers in a virtual machine, and leads `host.docker.internal` to the
    loopback interface of this machine by itself.

    Raises:
        StackError: Docker does not answer, or its bridge is not on this machine.
    """
    if _ask("info", "--format", "{{.OperatingSystem}}") == _DESKTOP:
        return None
    name = _ask("network", "inspect", "bridge", "--format", _BRIDGE_NAME)
    for address in psutil.net_if_addrs().get(name, []):
        if address.family == AF_INET:
            return IPv4Interface(f"{address.address}/{address.netmask}")
    raise StackError(
        "Docker's bridge is not on this machine, so its containers cannot reach the local stack;"
        " use Docker Engine on this machine (not rootless), or Docker Desktop"
    )


def _ask(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments],  # noqa: S607 - wherever the person has it
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
    except FileNotFoundError:
        raise StackError("docker is not installed, or not on the PATH") from None
    except subprocess.TimeoutExpired:
        raise StackError("Docker does not answer within 30 s") from None
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise StackError(f"Docker does not answer; is it running? It says: {reason}")
    return done.stdout.strip()
