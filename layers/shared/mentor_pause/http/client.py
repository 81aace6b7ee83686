"""The HTTP client, over the standard library's `http.client`.

One deadline covers a whole exchange. `http.client` limits single reads only, and a server may send
one byte every two seconds (R2). So each read and each write gets the time that is left.

Opening a connection runs in a thread of its own: the resolver and a host with ten silent addresses
know no deadline. A thread that is late closes its connection, so nothing is sent afterwards.
"""

import io
import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, InvalidURL
from typing import TYPE_CHECKING, NamedTuple, override
from urllib.parse import urlsplit

from mentor_pause.http import (
    CannotBeSent,
    NoAnswer,
    NotConnected,
    Request,
    Response,
    TooLarge,
)
from mentor_pause.retry import OutOfTime, call_within, seconds_for_call

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CONNECT_SECONDS = 5.0
"""The longest time for connecting: the host's name, all its addresses and TLS together."""
_IDLE_SECONDS = 5.0
"""A connection that was idle for longer is not used again: a router may have forgotten it."""
_TLS_RECORD = 16_384
_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where a connection leads."""

    scheme: str
    host: str
    port: int


@lru_cache(64)
def split(url: str) -> tuple[Origin, str]:
    """Return an absolute address as its origin, and its path with the query.

    Raises:
        ValueError: it is not an address of HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("not an address of HTTP")
    port = parts.port or _PORTS[parts.scheme]
    query = f"?{parts.query}" if parts.query else ""
    return Origin(parts.scheme, parts.hostname, port), f"{parts.path or '/'}{query}"


@cache
def public_certificates() -> ssl.SSLContext:
    """Return whom a server's certificate must come from; SSL_CERT_FILE does not count (R4)."""
    import certifi  # noqa: PLC0415 - reading the certificates takes time

    return ssl.create_default_context(cafile=certifi.where())


@dataclass(slots=True)
class HttpClient:
    """Sends requests, and keeps its connections open between them. Threads may share it."""

    connect_seconds: float = CONNECT_SECONDS
    tls: Callable[[], ssl.SSLContext] = public_certificates
    _idle: "dict[Origin, list[_Connection]]" = field(default_factory=dict)

    def send(self, request: Request) -> Response:
        """See `Http.send`."""
        ends_at = time.monotonic() + seconds_for_call(request.longest)
        try:
            origin, target = split(request.url)
        except ValueError as error:
            raise CannotBeSent("the address is not valid") from error
        idle = self._idle.setdefault(origin, [])
        connection = _usable(idle) or self._connect(origin, ends_at)
        connection.socket.ends_at = ends_at
        try:
            response = connection.exchange(request, target)
        except BaseException:
            connection.close()
            raise
        if connection.may_be_used_again:
            connection.idle_since = time.monotonic()
            idle.append(connection)
        else:
            connection.close()
        return response

    def close(self) -> None:
        """See `Http.close`."""
        for connections in self._idle.values():
            while connections:
                connections.pop().close()

    def _connect(self, origin: Origin, ends_at: float) -> "_Connection":
        seconds = min(self.connect_seconds, ends_at - time.monotonic())
        latest = time.monotonic() + seconds
        try:
            connected = call_within(seconds, lambda: _open(origin, latest, self.tls))
        except OutOfTime:
            raise NotConnected("timed out") from None
        except (OSError, UnicodeError) as error:
            raise NotConnected(str(error)) from error
        return _Connection(origin, _TimedSocket(connected))


def _usable(idle: "list[_Connection]") -> "_Connection | None":
    """Take an idle connection that the server has not closed; close the others."""
    while idle:
        try:
            connection = idle.pop()
        except IndexError:  # another thread took it
            return None
        if connection.is_alive():
            return connection
        connection.close()
    return None


def _open(origin: Origin, latest: float, tls: Callable[[], ssl.SSLContext]) -> socket.socket:
    """Open a connection until a moment of the monotonic clock."""
    seconds = latest - time.monotonic()
    connected = socket.create_connection((origin.host, origin.port), max(seconds, 0.001))
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if origin.scheme == "https":
            connected.settimeout(max(latest - time.monotonic(), 0.001))
            connected = tls().wrap_socket(connected, server_hostname=origin.host)
    except BaseException:
        connected.close()
        raise
    if time.monotonic() >= latest:  # nobody waits for it any more
        connected.close()
    return connected


class _Connection:
    """A connection to one origin, for one exchange at a time."""

    def __init__(self, origin: Origin, connected: "_TimedSocket") -> None:
        self.socket = connected
        self.idle_since = 0.0
        self.may_be_used_again = False
        self._http = HTTPConnection(origin.host, origin.port)
        self._http.default_port = _PORTS[origin.scheme]  # `Host` names any other port
        self._http.auto_open = 0
        self._http.sock = connected

    def is_alive(self) -> bool:
        """Whether the connection was used lately and is silent: a closed one has an end to read."""
        if time.monotonic() - self.idle_since > _IDLE_SECONDS:
            return False
        poll = select.poll()
        poll.register(self.socket.connected, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Close the connection."""
        self.socket.connected.close()

    def exchange(self, request: Request, target: str) -> Response:
        """Send a request and read its answer until `socket.ends_at`."""
        self.may_be_used_again = False
        try:
            self._send(request, target)
            answer = self._http.getresponse()
            if self.socket.has_ended:  # `http.client` takes cut headers for whole ones
                raise NoAnswer("the server closed the connection within its headers")
            content = _content(answer, request.largest)
        except TimeoutError as error:
            raise OutOfTime(f"no answer within {request.longest:.1f} s") from error
        except (OSError, HTTPException) as error:
            raise NoAnswer(str(error)) from error
        self.may_be_used_again = not answer.will_close
        return Response(answer.status, answer.headers, content)

    def _send(self, request: Request, target: str) -> None:
        try:
            self._http.request(request.method, target, request.body or None, request.headers)
        except (InvalidURL, ValueError) as error:
            raise CannotBeSent("the path or a header is not valid") from error


def _content(answer: HTTPResponse, largest: int) -> bytes:
    """Return the whole body."""
    if answer.status < HTTPStatus.OK or answer.headers.get("Content-Encoding", "identity") not in (
        "identity", "",
    ):  # fmt: skip
        raise NoAnswer("an interim or compressed answer, which was not asked for")
    if (answer.length or 0) > largest:
        raise TooLarge("the answer is too large")
    content = answer.read(largest + 1)
    if answer.length and len(content) <= largest:
        raise NoAnswer("the server closed the connection within its answer")
    if len(content) > largest:
        raise TooLarge("the answer is too large")
    return content


class _TimedSocket:
    """A socket as `http.client` uses it; its reads and writes end together, at `ends_at`."""

    def __init__(self, connected: socket.socket) -> None:
        self.connected = connected
        self.ends_at = 0.0
        self.has_ended = False

    def sendall(self, data: bytes) -> None:
        """Send all data. TLS gives its time-out to each record, so each is sent by itself."""
        for start in range(0, len(data), _TLS_RECORD):
            self.limit()
            self.connected.sendall(data[start : start + _TLS_RECORD])

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what the answer is read from."""
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Leave the socket open: `http.client` closes before it has read a last answer."""

    def limit(self) -> None:
        """Give the next read or write the time that is left."""
        seconds = self.ends_at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        self.connected.settimeout(seconds)


class _Reader(io.RawIOBase):
    def __init__(self, timed: _TimedSocket) -> None:
        self._timed = timed

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        self._timed.limit()
        count = self._timed.connected.recv_into(buffer)
        self._timed.has_ended = count == 0
        return count
