"""The key set is fetched within limits of time and size, whatever the server does."""

import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from mentor_pause.database.jwks import fetch_jwks
from mentor_pause.errors import JwksUnavailable
from mentor_pause.retry import time_limit
from support.played_http import played

URL = "https://project.example/keys"


def served(status: int, content: bytes, **headers: str) -> httpx.Response:
    """Return an answer whose body comes in pieces, as from a network."""
    pieces = (content[start : start + 1000] for start in range(0, len(content), 1000))
    return httpx.Response(status, content=pieces, headers=headers)


def fetch(answer: httpx.Response | Exception) -> object:
    """Fetch a document."""

    def handle(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return fetch_jwks(URL, played(handle))


def test_a_document_is_read() -> None:
    """Any JSON is returned as it is."""
    assert fetch(served(200, b'{"keys": []}')) == {"keys": []}


@pytest.mark.parametrize(
    "answer",
    [
        served(404, b"{}"),
        served(500, b"down"),
        served(201, b'{"keys": []}'),
        served(204, b""),
        served(206, b'{"keys": []}'),
        served(300, b'{"keys": []}'),
        served(302, b'{"keys": []}', Location="https://evil.example"),
        served(200, b"<html>"),
        served(200, b""),
        served(200, b"\xff\xfe"),
        served(200, b"[" * 60_000),
        served(200, b'"' + b"x" * 70_000 + b'"'),
        httpx.ConnectError("refused by 10.0.0.1"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("strange"),
    ],
)
def test_a_document_that_cannot_be_read_is_unavailable(
    answer: httpx.Response | Exception,
) -> None:
    """Only 200 counts. The error has the reason, but no address and no text of the peer."""
    with pytest.raises(JwksUnavailable, match=r"^the key set [a-z ]+") as raised:
        fetch(answer)
    for text in ("https://", "project.example", "evil", "10.0.0.1"):
        assert text not in str(raised.value)


type Manner = Callable[[socket.socket], Iterator[bytes]]


def trickling_body(_peer: socket.socket) -> Iterator[bytes]:
    """Send a byte now and then, for ever."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"
    while True:
        yield b" "


def trickling_head(_peer: socket.socket) -> Iterator[bytes]:
    """Send headers without end."""
    yield b"HTTP/1.1 200 OK\r\nX: "
    while True:
        yield b"x"


def silence(_peer: socket.socket) -> Iterator[bytes]:
    """Send nothing."""
    while True:
        yield b""


def answering(_peer: socket.socket) -> Iterator[bytes]:
    """Send a document."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7"


@contextmanager
def server(manner: Manner) -> Generator[tuple[str, threading.Event]]:
    """Serve one connection. The event is set when the client has closed it."""
    listener, closed = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        with suppress(OSError):
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(0.05)
                peer.recv(10_000)
                for piece in manner(peer):
                    if _is_closed(peer, piece):
                        break
        closed.set()

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/keys", closed


def _is_closed(peer: socket.socket, piece: bytes) -> bool:
    try:
        peer.sendall(piece)
        return peer.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


@pytest.mark.slow
@pytest.mark.parametrize("manner", [trickling_body, trickling_head, silence])
def test_a_call_to_a_peer_that_never_ends_is_ended_and_its_connection_closed(
    manner: Manner,
) -> None:
    """R2: one limit covers the whole call, and no thread continues after it."""
    with server(manner) as (url, closed):
        began = time.monotonic()
        with pytest.raises(JwksUnavailable, match="did not arrive in time"):
            fetch_jwks(url, longest=0.4)
        assert time.monotonic() - began < 2
        assert closed.wait(5)


def test_the_limit_of_the_request_counts_too() -> None:
    """R2: the shorter limit counts."""
    with server(silence) as (url, _), time_limit(0.3):
        began = time.monotonic()
        with pytest.raises(JwksUnavailable):
            fetch_jwks(url)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("no_proxy", ["", "[::1],10.0.0.0/8"])
def test_the_environments_proxies_are_not_used(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    """R4: a strange NO_PROXY is not an error either."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with server(answering) as (url, _):
        assert fetch_jwks(url) == 7
