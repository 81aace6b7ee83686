"""HTTP as the adapters see it: one request, one whole answer, one deadline for both (R2).

`HttpClient` in `client.py` sends over the network. Tests pass another `Http` that answers instead.

    HttpError
    ├── CannotBeSent   the address or a header is not valid; nothing was sent
    ├── NotConnected   there is no connection; nothing was sent
    ├── NoAnswer       the request may have arrived, but no whole HTTP answer came back
    └── TooLarge       the answer is larger than the caller allows
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from typing import Any, Protocol

MEBIBYTE = 2**20


class HttpError(Exception):
    """An exchange failed. The text may repeat a host name, so it belongs in no log line."""


class CannotBeSent(HttpError):
    """The address or a header is not valid; nothing was sent."""


class NotConnected(HttpError):
    """There is no connection, also because connecting took too long; nothing was sent."""


class NoAnswer(HttpError):
    """The request may have arrived, but no whole HTTP answer came back."""


class TooLarge(HttpError):
    """The answer is larger than the caller allows."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to an absolute address."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    longest: float = 10.0
    """Seconds for the whole exchange."""
    largest: int = 16 * MEBIBYTE
    """Bytes of the answer's body."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status_code: int
    headers: Message = field(default_factory=Message)
    """The names are compared without their case."""
    content: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return HTTPStatus(200) <= self.status_code < HTTPStatus(300)

    @property
    def is_redirect(self) -> bool:
        """Whether the status is 3xx."""
        return HTTPStatus(300) <= self.status_code < HTTPStatus(400)

    @property
    def is_server_error(self) -> bool:
        """Whether the status is 5xx."""
        return HTTPStatus(500) <= self.status_code

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become replacement characters."""
        return self.content.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        """Return a header's value, or an empty text."""
        return str(self.headers.get(name, ""))

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the body's JSON value.

        Raises:
            ValueError: the body is not JSON.
            RecursionError: the body is nested too deeply.
        """
        return json.loads(self.content)


class Http(Protocol):
    """Sends requests."""

    def send(self, request: Request) -> Response:
        """Send a request once, and return its whole answer, whatever its status.

        It follows no redirect, uses no proxy of the environment, and repeats nothing.

        Raises:
            HttpError: there is no whole answer; see the module.
            OutOfTime: no answer came in time, or no time is left for the request.
        """
        ...

    def close(self) -> None:
        """Close the connections; the next request opens one again."""
        ...
