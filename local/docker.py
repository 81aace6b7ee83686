"""Asks Docker how its containers reach this machine (docs/decisions/0036) and use memory."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Interface
from socket import AF_INET

import httpx
import psutil

from local.errors import StackError

_DESKTOP = "Docker Desktop"
_ENGINE = "http://docker/v1.41"
_SOCKET = "unix:///var/run/docker.sock"
_POLL_SECONDS = 0.05
_BRIDGE_NAME = '{{index .Options "com.docker.network.bridge.name"}}'


def find_bridge() -> IPv4Interface | None:
    """Return this machine's address on Docker's bridge; None: Docker Desktop needs no bridge.

    Docker Desktop runs its containers in a virtual machine, and connects `host.docker.internal` to
    the loopback interface of this machine by itself.

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
            ["docker", *arguments],  # noqa: S607 - found on the user's PATH
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
    except FileNotFoundError:
        raise StackError(
            "docker is not installed, or not on the PATH; install it, or leave out --docker"
        ) from None
    except subprocess.TimeoutExpired:
        raise StackError("Docker does not answer within 30 s; check it with: docker info") from None
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise StackError(f"Docker does not answer: {reason}; check it with: docker info")
    return done.stdout.strip()


@contextmanager
def watched_memory(label: str) -> Generator[Callable[[], int | None]]:
    """Watch the memory of containers with a label; yield a function that returns the peak in MB.

    AWS's Lambda container reports the limit as "Max Memory Used", not the memory in use.
    """
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        socket = os.environ.get("DOCKER_HOST", _SOCKET).removeprefix("unix://")
        transport = httpx.HTTPTransport(uds=socket)
        with httpx.Client(transport=transport, base_url=_ENGINE, timeout=5) as engine:
            while not done.wait(_POLL_SECONDS):
                with suppress(httpx.HTTPError):
                    seen.extend(_memory(engine, label))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield lambda: round(max(seen) / 2**20) if seen else None
    done.set()
    watcher.join()


def _memory(engine: httpx.Client, label: str) -> Iterator[int]:
    filters = json.dumps({"label": [label]})
    for container in engine.get("/containers/json", params={"filters": filters}).json():
        once = {"stream": "false", "one-shot": "true"}
        answer = engine.get(f"/containers/{container['Id']}/stats", params=once)
        with suppress(ValueError, KeyError):  # a container that has just ended has no figures
            memory = answer.json()["memory_stats"]
            # The same rule as in `docker stats`: inactive file pages do not count.
            stats = memory["stats"]
            cached = stats.get("total_inactive_file", stats.get("inactive_file", 0))
            yield memory["usage"] - cached
