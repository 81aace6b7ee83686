"""One HTTP exchange: bounded in time and in size, whatever the peer does (R2).

httpx limits single reads and single addresses. A peer that sends a byte every two seconds, or a
host name with eight silent addresses, stays within those limits for minutes. So each exchange has
one deadline: 15 seconds, or the time left if that is less.
"""

import logging
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import Any

import httpx

from mentor_pause.errors import PortalError, PortalUnavailable
from mentor_pause.retry import OutOfTime, call_within

# httpx logs each address, and an address holds a mentor's key (E13).
logging.getLogger("httpx").setLevel(logging.WARNING)

_EXCHANGE_SECONDS, _CONNECT_SECONDS = 15.0, 5.0
LARGEST_ANSWER = 16 * 2**20
"""In bytes. A page has 1,000 rows of some hundred bytes; the function has 512 MB."""

_OF_THE_TRANSFER = (b"content-encoding", b"content-length", b"transfer-encoding")
_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
_BEFORE_SENDING = "http11.send_request_headers.started"

type _Trace = Callable[[str, Mapping[str, object]], None]


class Connections:
    """The connections to the portal and to its login."""

    def __init__(
        self, remaining: Callable[[], float], transport: httpx.BaseTransport | None = None
    ) -> None:
        """Use the network, or a test's `transport`; `remaining` returns the seconds left."""
        self._remaining = remaining
        # A proxy that the environment names must not see the secret.
        self._http = httpx.Client(transport=transport, trust_env=False)
        self._sockets: list[socket.socket] = []

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def exchange(self, method: str, url: httpx.URL | str, **content: Any) -> httpx.Response:  # noqa: ANN401 - httpx checks it
        """Send a request with its `headers`, `json` or `data`, and return its whole answer.

        Raises:
            PortalUnavailable: the whole answer did not come in time, or no time is left.
            PortalError: the answer is larger than `LARGEST_ANSWER`.
        """
        seconds = min(_EXCHANGE_SECONDS, self._remaining())
        if seconds <= 0:
            raise PortalUnavailable("no time is left")
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))
        request = self._http.build_request(method, url, timeout=timeout, **content)
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
            # A call that was abandoned while it connected must not send its request later: the
            # portal may hold a newer state by then.
            if event == _BEFORE_SENDING and time.monotonic() >= ends_at:
                raise OutOfTime("the call was abandoned while it connected")

        return trace

    def _hang_up(self) -> None:
        """Close the sockets, so that the thread of the abandoned call gets an error and ends."""
        for connected in self._sockets:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()
