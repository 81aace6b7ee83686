"""Containers reach the loopback interface, and other machines do not.

127.0.0.2 stands for this machine's address on Docker's bridge, 127.0.0.1 to 127.0.0.3 for the
bridge's network.
"""

import os
import socket
import threading
from collections.abc import Iterator
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from local.errors import StackError
from local.forwarder import start_forwarder
from local.processes import LOOPBACK, Process, free_port
from local.stack import LocalStack
from local.state import State

# The processes go on running after what has started them.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

BRIDGE = IPv4Interface("127.0.0.2/30")
CONTAINER, OUTSIDER = "127.0.0.3", "127.0.0.9"


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    """The port of a server that sends each client's text back reversed."""

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.sendall(read_all(client)[::-1])

    with socket.create_server((LOOPBACK, 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def forwarder(echo: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, int]]:
    """A forwarder of two ports; no server listens behind the second one."""
    nobody = free_port()
    process = start_forwarder(tmp_path_factory.mktemp("forwarder"), BRIDGE, [nobody, echo])
    yield process, nobody
    process.stop()


def read_all(client: socket.socket) -> bytes:
    """Read until the other side has ended."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def ask(port: int, text: bytes, source: str = CONTAINER) -> bytes:
    """Send a text from an address to the bridge, and return the answer."""
    with socket.create_connection((str(BRIDGE.ip), port), 5, (source, 0)) as client:
        try:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)
        except OSError:
            return b""


def test_it_carries_both_directions_each_to_its_end(
    forwarder: tuple[Process, int], echo: int
) -> None:
    """More than fits a buffer. The answer comes after the end of the request."""
    text = bytes(range(256)) * 4096
    assert ask(echo, text) == text[::-1]


def test_it_listens_on_the_bridges_address_only(forwarder: tuple[Process, int], echo: int) -> None:
    """Other machines on the network cannot connect."""
    process, nobody = forwarder
    found = process.find()
    assert found
    listening = {tuple(c.laddr) for c in found.net_connections("inet") if c.status == "LISTEN"}
    assert listening == {(str(BRIDGE.ip), nobody), (str(BRIDGE.ip), echo)}


def test_it_accepts_only_the_bridges_network(forwarder: tuple[Process, int], echo: int) -> None:
    """Another machine may send packets for the bridge's address."""
    assert ask(echo, b"abc", OUTSIDER) == b""
    assert ask(echo, b"abc") == b"cba"


def test_a_port_without_a_server_closes_the_connection(
    forwarder: tuple[Process, int], echo: int
) -> None:
    """The forwarder keeps running."""
    assert ask(forwarder[1], b"abc") == b""
    assert ask(echo, b"abc") == b"cba"


def test_a_taken_port_is_reported(tmp_path: Path) -> None:
    """In one sentence, without a traceback."""
    with socket.create_server((str(BRIDGE.ip), 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=r"containers cannot reach .*: .* in use"):
            start_forwarder(tmp_path, BRIDGE, [port])


def test_it_ends_with_the_stack(tmp_path: Path) -> None:
    """`local down` ends it, like the stack's other processes."""
    stack, gone = LocalStack(tmp_path), Process(os.getpid(), 0)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/port").write_text(str(free_port()))
    state = State(free_port(), gone, free_port(), gone, free_port(), gone)
    forwarder = stack._forward_from(BRIDGE, state).forwarder
    assert forwarder
    assert forwarder.find() is not None
    stack.down(lambda _text: None)
    assert forwarder.find() is None
