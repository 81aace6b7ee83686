"""A proxy between client and server, which can cut all connections without a word."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress


class Proxy:
    """Carries bytes between its clients and one server, until it cuts."""

    def __init__(self, server: tuple[str, int]) -> None:
        """It listens on a loopback port of its own."""
        self._server = server
        self._ends: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]

    def serve(self) -> None:
        """Take connections until the listener is shut down."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self._server)
                self._ends += (client, server)
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        _shut(target)

    def cut(self) -> None:
        """End every connection."""
        for end in self._ends:
            _shut(end)

    def close(self) -> None:
        """End everything."""
        self.cut()
        _shut(self.listener)
        for end in (self.listener, *self._ends):
            end.close()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def running_proxy(server: tuple[str, int]) -> Generator[Proxy]:
    """Run a proxy before a server."""
    proxy = Proxy(server)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(5)
