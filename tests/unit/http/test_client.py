"""The HTTP client over real sockets: whatever a peer does, one exchange ends in time (R2)."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mentor_pause.http import (
    CannotBeSent,
    HttpError,
    NoAnswer,
    NotConnected,
    Request,
    TooLarge,
)
from mentor_pause.http.client import HttpClient
from mentor_pause.retry import OutOfTime, time_limit

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"

type Serve = Callable[[socket.socket], object]


class Peer:
    """A server that answers each connection with `serve`."""

    def __init__(self, serve: Serve, tls: ssl.SSLContext | None = None) -> None:
        """`serve` gets a connection; the connection is closed after it."""
        self.accepted = 0
        self.closed = threading.Semaphore(0)
        """Counts the connections that have ended."""
        self._serve, self._tls = serve, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/a"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self._serve(connection)
        self.closed.release()

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.close()


@contextmanager
def peer(serve: Serve, tls: ssl.SSLContext | None = None) -> Generator[Peer]:
    """Yield a server."""
    with closing(Peer(serve, tls)) as found:
        yield found


@pytest.fixture
def http() -> Generator[HttpClient]:
    """The client."""
    with closing(HttpClient()) as client:
        yield client


def head(connection: socket.socket) -> bytes:
    """Read a request without a body."""
    read = b""
    while not read.endswith(b"\r\n\r\n"):
        if not (more := connection.recv(1)):
            return b""
        read += more
    return read


def saying(*pieces: bytes) -> Serve:
    """Send an answer in pieces, and close the connection."""

    def serve(connection: socket.socket) -> None:
        head(connection)
        for piece in pieces:
            connection.sendall(piece)

    return serve


def staying(connection: socket.socket) -> None:
    """Answer every request on a connection."""
    while head(connection):
        connection.sendall(OK)


def get(url: str, **more: float) -> Request:
    """Return a request."""
    return Request("GET", url, {"X-Key": "k"}, longest=more.get("longest", 5.0), largest=1000)


def test_a_request_and_its_answer(http: HttpClient) -> None:
    """The path, the query and the headers arrive as given, and a body with its length."""
    seen = SimpleQueue[bytes]()

    def serve(connection: socket.socket) -> None:
        seen.put(head(connection))
        seen.put(connection.recv(2))
        connection.sendall(b"HTTP/1.1 201 Made\r\nContent-Range: 0-0/1\r\n")
        connection.sendall(b"Content-Length: 3\r\n\r\n[7]")

    with peer(serve) as found:
        request = Request("POST", f"{found.url}?b=%20c#d", {"X-Key": "k"}, b"{}")
        answer = http.send(request)
    assert (answer.status_code, answer.json()) == (201, [7])
    assert answer.header("content-range") == "0-0/1"
    lines = seen.get().split(b"\r\n")
    assert seen.get() == b"{}"
    assert lines[0] == b"POST /a?b=%20c HTTP/1.1"
    assert {b"X-Key: k", b"Accept-Encoding: identity", b"Content-Length: 2"} <= set(lines)
    assert f"Host: 127.0.0.1:{found.port}".encode() in lines


def test_a_connection_serves_many_requests(http: HttpClient) -> None:
    """Also a client that was closed connects again."""
    with peer(staying) as found:
        for _ in range(3):
            assert http.send(get(found.url)).content == b"[]"
        assert found.accepted == 1
        http.close()
        assert found.closed.acquire(timeout=5)
        assert http.send(get(found.url)).content == b"[]"
        assert found.accepted == 2


def test_a_connection_that_the_server_has_closed_is_not_used(http: HttpClient) -> None:
    """A warm function finds it so after a pause; the request goes over a new connection."""
    with peer(saying(OK)) as found:
        for _ in range(3):
            assert http.send(get(found.url)).content == b"[]"
            assert found.closed.acquire(timeout=5)
        assert found.accepted == 3


def test_threads_share_a_client(http: HttpClient) -> None:
    """No two requests are on one connection at the same time."""
    answers = SimpleQueue[bytes]()
    with peer(staying) as found:
        request = get(found.url)
        threads = [
            threading.Thread(
                target=lambda: [answers.put(http.send(request).content) for _ in range(20)]
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert found.accepted <= 4
    assert [answers.get_nowait() for _ in range(80)] == [b"[]"] * 80


BROKEN = {
    "nothing": (b"",),
    "no HTTP": (b"SSH-2.0-x\r\n",),
    "in the status line": (b"HTTP/1.1 20",),
    "in the headers": (b"HTTP/1.1 200 OK\r\nContent-Length: 1",),
    "between the headers": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n",),
    "in the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]",),
    "in a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[]",),
    "between the chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",),
    "an interim answer": (b"HTTP/1.1 103 Early Hints\r\n\r\n", OK),
    "a compressed answer": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n",
        gzip.compress(b"[]"),
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_an_answer_that_is_not_whole_is_no_answer(http: HttpClient, how: str) -> None:
    """The request may have arrived, so the error differs from `NotConnected`."""
    with peer(saying(*BROKEN[how])) as found, pytest.raises(NoAnswer):
        http.send(get(found.url))


@pytest.mark.parametrize(
    "start",
    [
        b"Content-Length: 1001\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1000\r\n",
        b"Connection: close\r\n\r\n",
    ],
)
def test_an_answer_that_is_too_large_is_not_read_to_its_end(http: HttpClient, start: bytes) -> None:
    """R2: whatever length it says, or none."""
    with (
        peer(saying(b"HTTP/1.1 200 OK\r\n", start, b" " * 5000)) as found,
        pytest.raises(TooLarge),
    ):
        http.send(get(found.url))


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/a", {"X-Key": "k\r\nX-Other: 1"}),
        ("/a", {"X-Key\r\nX-Other": "1"}),
        ("/a", {"X-Key": "\u20ac"}),
        ("/a b", {}),
        ("/\u00e5", {}),
    ],
)
def test_what_is_no_request_is_not_sent(
    http: HttpClient, path: str, headers: dict[str, str]
) -> None:
    """Neither a header nor a path can add a second header or request."""
    seen = SimpleQueue[bytes]()
    with peer(lambda connection: seen.put(connection.recv(1000))) as found:
        with pytest.raises(CannotBeSent):
            http.send(Request("GET", f"http://127.0.0.1:{found.port}{path}", headers))
        assert seen.get(timeout=5) == b""


@pytest.mark.parametrize("url", ["ftp://a/", "a", "", "http://", "http://[x/", "http://a:b/"])
def test_what_is_no_address_of_http_is_not_sent(http: HttpClient, url: str) -> None:
    """The client says so before it connects."""
    with pytest.raises(CannotBeSent):
        http.send(get(url))


def test_where_nothing_listens_nothing_was_sent(http: HttpClient) -> None:
    """A caller may repeat any request then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotConnected, match="refused"):
        http.send(get(f"http://127.0.0.1:{port}/"))


def dripping(start: bytes, more: bytes) -> Serve:
    """Send a beginning, and then single bytes for ever."""

    def serve(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(start)
        while True:
            connection.sendall(more)
            time.sleep(0.01)

    return serve


def staying_silent(connection: socket.socket) -> None:
    """Answer nothing until the client hangs up."""
    while connection.recv(1000):
        pass


def deaf(connection: socket.socket) -> None:
    """Read nothing of a request."""
    threading.Event().wait(3)
    connection.close()


SLOW = {
    "silent": staying_silent,
    "in the status line": dripping(b"HTTP/1.1 200 ", b"O"),
    "in the headers": dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "in the body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b" "),
    "in the chunks": dripping(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"
    ),
}


@pytest.mark.parametrize("how", SLOW)
def test_an_exchange_has_one_deadline(http: HttpClient, how: str) -> None:
    """R2: although no single read waits long; the connection is closed, and no thread goes on."""
    with peer(SLOW[how]) as found:
        began = time.monotonic()
        with pytest.raises(OutOfTime):
            http.send(get(found.url, longest=0.3))
        assert 0.3 <= time.monotonic() - began < 2
        assert found.closed.acquire(timeout=5)


def test_a_peer_that_reads_nothing_has_the_same_deadline(http: HttpClient) -> None:
    """R2: a large request does not wait for ever."""
    with peer(deaf) as found:
        began = time.monotonic()
        with pytest.raises(OutOfTime):
            http.send(Request("POST", found.url, {}, b" " * 50_000_000, longest=0.3))
        assert time.monotonic() - began < 2


def test_the_limit_of_the_work_counts_too(http: HttpClient) -> None:
    """R2: the shorter limit counts, and without time nothing is sent."""
    with peer(SLOW["silent"]) as found:
        with time_limit(0.2), pytest.raises(OutOfTime):
            http.send(get(found.url))
        with time_limit(0), pytest.raises(OutOfTime):
            http.send(get(found.url))
        assert found.accepted == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of `localhost`, signed by itself, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    key_format = serialization.PrivateFormat.PKCS8
    file.write_bytes(key.private_bytes(encoding, key_format, plain) + made.public_bytes(encoding))
    return file


@pytest.mark.parametrize(
    ("host", "is_trusted", "error"),
    [
        ("localhost", True, None),
        ("127.0.0.1", True, NotConnected),
        ("localhost", False, NotConnected),
    ],
    ids=["trusted", "of another name", "of nobody known"],
)
def test_a_server_must_prove_its_name(
    certificate: Path, host: str, is_trusted: bool, error: type[HttpError] | None
) -> None:
    """The key goes to no server with another certificate."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    mine = HttpClient(tls=lambda: ssl.create_default_context(cafile=str(certificate)))
    with (
        peer(staying, server) as found,
        closing(mine if is_trusted else HttpClient()) as client,
    ):
        url = f"https://{host}:{found.port}/"
        if error is None:
            assert [client.send(get(url)).content for _ in range(2)] == [b"[]"] * 2
            assert found.accepted == 1
            return
        with pytest.raises(error, match="certificate"):
            client.send(get(url))
