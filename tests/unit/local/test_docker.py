"""Docker's answers are read correctly; a script on the PATH stands for Docker."""

from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from local.docker import find_bridge
from local.errors import StackError


def put_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a `docker` on the PATH, and nothing else."""
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def engine(bridge: str) -> str:
    """Return the script of an engine whose bridge is that interface."""
    return f'case $1 in info) echo "Debian GNU/Linux 12";; network) echo {bridge};; esac'


def test_the_bridges_address_is_this_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the address of the interface that Docker names; here the loopback interface."""
    put_docker(tmp_path, monkeypatch, engine("lo"))
    assert find_bridge() == IPv4Interface("127.0.0.1/8")


def test_docker_desktop_needs_no_bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its containers reach the loopback interface."""
    put_docker(tmp_path, monkeypatch, 'echo "Docker Desktop"')
    assert find_bridge() is None


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (engine("docker9"), "Docker's bridge is not on this machine, so its containers cannot"),
        (
            'echo "Cannot connect to the Docker daemon" >&2; exit 1',
            "Docker does not answer: Cannot connect",
        ),
    ],
)
def test_an_unusable_docker_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, sentence: str
) -> None:
    """It is rootless, on another machine, or its daemon is down."""
    put_docker(tmp_path, monkeypatch, script)
    with pytest.raises(StackError, match=sentence):
        find_bridge()


def test_a_missing_docker_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program does not exist."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="docker is not installed, or not on the PATH"):
        find_bridge()
