"""One HTTP exchange: bounded in time and in size, whatever the peer does (R2).

httpx limits single reads and single addresses. A peer that sends a byte every two seconds, or a
host name with eight silent addresses, is within those limits for minutes. So each exchange runs
under one deadline of its own.
"""

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress

import httpx

from mentor_pause.errors import PortalError, PortalUnavailable
from mentor_pause.retry import OutOfTime, call_within

LARGEST_ANSWER = 16 * 2**20
"""Bytes. A page has 1,000 rows of some hundred bytes; the function has 512 MB."""

_OF_THE_TRANSFER = (b"content-encoding", b"content-length", b"transfer-encoding")
_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
_BEFORE_SENDING = "http11.send_request_headers.started"

type _Trace = Callable[[str, Mapping[str, object]], None]


class Connections:
    """The connections to the portal and to its login."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        """`transport` stands in for the network in tests."""
        # The environment's proxies are not ours to trust with a secret.
        self._http = httpx.Client(transport=transport, trust_env=False)
        self._sockets: list[socket.socket] = []
        self.build = self._http.build_request

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def exchange(self, request: httpx.Request, seconds: float) -> httpx.Response:
        """Send a request and return its whole answer, within `seconds`.

        Raises:
            PortalUnavailable: the whole answer did not come in time.
            PortalError: the answer is larger than `LARGEST_ANSWER`.
        """
        request.extensions["trace"] = self._trace(time.monotonic() + seconds)
        try:
            return call_within(seconds, lambda: self._receive(request))
        except OutOfTime as error:
            self._hang_up()
            raise PortalUnavailable(f"no answer ({error})") from error
        except httpx.RequestError as error:
            raise PortalUnavailable(f"no answer ({type(error).__name__})") from error

    def _receive(self, request: httpx.Request) -> httpx.Response:
        with closing(self._http.send(request, stream=True)) as response:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > LARGEST_ANSWER:
                    raise PortalError(
                        f"the portal's answer is larger than {LARGEST_ANSWER >> 20} MiB"
                    )
        headers = [(n, v) for n, v in response.headers.raw if n.lower() not in _OF_THE_TRANSFER]
        return httpx.Response(
            response.status_code, headers=headers, content=bytes(body), request=request
        )

    def _trace(self, ends_at: float) -> _Trace:
        """Return what httpcore calls at each step of a request (its extension "trace")."""

        def trace(event: str, info: Mapping[str, object]) -> None:
            if event in _CONNECTED:
                stream = info["return_value"]
                self._sockets.append(stream.get_extra_info("socket"))  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType] - httpcore's NetworkStream
            # An abandoned call must not reach the portal later on, once it has connected: by
            # then the portal may hold something newer.
            if event == _BEFORE_SENDING and time.monotonic() >= ends_at:
                raise OutOfTime("the call was abandoned while it connected")

        return trace

    def _hang_up(self) -> None:
        """End the abandoned call: its thread gets an error from its socket, and ends."""
        for found in self._sockets:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()
