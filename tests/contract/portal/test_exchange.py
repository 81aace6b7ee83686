"""Every request to the portal or its login ends in time; the tests use real sockets (R2)."""

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from mentor_pause.errors import PortalError, PortalUnavailable
from mentor_pause.http import Http, NotConnected, Request, Response
from mentor_pause.portal import exchange
from mentor_pause.portal.requests import Requests
from mentor_pause.retry import time_limit
from support.portal import Time, settings

_LOGIN = b'{"access_token": "t", "expires_in": 3599}'
TOKEN = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(_LOGIN), _LOGIN)
DRIP = 0.02

type Behaviour = Callable[[socket.socket, threading.Event], None]


def silent(_connection: socket.socket, over: threading.Event) -> None:
    """Take the request, and send nothing."""
    over.wait(20)


def dripping(start: bytes, more: bytes) -> Behaviour:
    """Return a peer that sends a beginning, and then single bytes for ever."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.wait(DRIP):
            connection.sendall(more)

    return behave


BEHAVIOURS = {
    "frozen": silent,
    "drip in the status line": dripping(b"HTTP/1.1 200 ", b"O"),
    "drip in the headers": dripping(b"HTTP/1.1 200 OK\r\nX-Portal: ", b"x"),
    "drip in the body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b" "),
    "drip in chunks": dripping(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"
    ),
}


class Peer:
    """A server; its semaphore `ended` counts the connections that its client has closed."""

    def __init__(self, behave: Behaviour, *, login_works: bool) -> None:
        """`behave` answers each request, except logins if `login_works`."""
        self._behave, self._login_works = behave, login_works
        self.over = threading.Event()
        self.ended = threading.Semaphore(0)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            reader = connection.makefile("rb")
            while line := reader.readline():
                headers = dict(h.lower().split(b": ") for h in iter(reader.readline, b"\r\n"))
                reader.read(int(headers.get(b"content-length", b"0")))
                if self._login_works and line.startswith(b"POST"):
                    connection.sendall(TOKEN)
                else:
                    self._behave(connection, self.over)
        self.ended.release()

    def close(self) -> None:
        """Close every connection."""
        self.over.set()
        self._listening.close()


@contextmanager
def peer(behave: Behaviour, *, login_works: bool) -> Generator[Peer]:
    """Yield a server on the loopback interface."""
    found = Peer(behave, login_works=login_works)
    try:
        yield found
    finally:
        found.close()


def ask(url: str, left: float, http: Http | None = None) -> float:
    """Send a request that fails, with `left` seconds left; return how many seconds it took."""
    began = time.monotonic()

    def seconds_left() -> float:
        return left - (time.monotonic() - began)

    timing = replace(Time().timing(), remaining=seconds_left)
    requests = Requests(settings(url), timing, http)
    try:
        with pytest.raises(PortalUnavailable):
            requests.read("WhoAmI")
        return time.monotonic() - began
    finally:
        requests.close()


@pytest.mark.parametrize("login_works", [True, False], ids=["portal", "login"])
@pytest.mark.parametrize("how", BEHAVIOURS)
def test_a_peer_that_never_ends_its_answer_is_abandoned_in_time(
    how: str, login_works: bool
) -> None:
    """R2: for the portal and for the login, although no single read waits long."""
    with peer(BEHAVIOURS[how], login_works=login_works) as found:
        assert 0.3 <= ask(found.url, left=0.4) < 1.5


def test_the_invocations_own_limit_bounds_a_request_as_well() -> None:
    """R2: the earlier limit counts, the client's or the handler's."""
    with peer(silent, login_works=True) as found, time_limit(0.3):
        assert ask(found.url, left=30) < 1.5


def test_no_exchange_takes_longer_than_its_fifteen_seconds() -> None:
    """R2: no matter how much time is left."""
    given: list[float] = []

    class Noting:
        """Notes the time that a request may take, and is not connected."""

        def send(self, request: Request) -> Response:
            """Take no request."""
            given.append(request.longest)
            raise NotConnected("none")

        def close(self) -> None:
            """It has no connection."""

    ask("http://127.0.0.1:9", left=300, http=Noting())
    assert given == [15.0] * 3


@pytest.mark.parametrize("how", ["drip in the headers", "drip in the body"])
def test_an_abandoned_request_does_not_go_on_in_the_background(how: str) -> None:
    """R2: the client closes the connection, so that the thread that reads from it ends."""
    with peer(BEHAVIOURS[how], login_works=True) as found, time_limit(0.4):
        requests = Requests(settings(found.url), Time().timing())
        with pytest.raises(PortalUnavailable):
            requests.read("WhoAmI")
        assert found.ended.acquire(timeout=5), "the client has not ended its connection"
        requests.close()


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    """R2: no page of the portal has 16 MiB, unpacked."""

    def flood(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")
        while not over.is_set():
            connection.sendall(b" " * 2**20)

    with peer(flood, login_works=True) as found:
        requests = Requests(settings(found.url), Time().timing())
        with pytest.raises(PortalError, match="the portal's answer is larger than 16 MiB"):
            requests.read("WhoAmI")
        requests.close()
    assert exchange.LARGEST_ANSWER == 16 * 2**20
