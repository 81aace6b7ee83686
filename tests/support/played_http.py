"""The seam of `mentor_pause.http` over a transport of httpx, with which tests answer requests."""

from collections.abc import Callable, Mapping
from email.message import Message

import httpx

from mentor_pause.http import (
    CannotBeSent,
    HttpError,
    NoAnswer,
    NotConnected,
    Request,
    Response,
    TooLarge,
)
from mentor_pause.retry import OutOfTime

_ERRORS: dict[type[httpx.TransportError], type[Exception]] = {
    httpx.ConnectError: NotConnected,
    httpx.ConnectTimeout: NotConnected,
    httpx.TimeoutException: OutOfTime,
    httpx.LocalProtocolError: CannotBeSent,
    httpx.TransportError: NoAnswer,
}


def taken(answer: httpx.Response) -> Response:
    """Return an answer of httpx as the seam's."""
    headers = Message()
    for name, value in answer.headers.items():
        headers[name] = value
    return Response(answer.status_code, headers, answer.read())


def answered(status: int, headers: Mapping[str, str], body: object) -> Response:
    """Return an answer with a JSON body."""
    return taken(httpx.Response(status, headers=dict(headers), json=body))


class Over:
    """Sends each request to a transport of httpx."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        """The caller closes the transport, or `close` does."""
        self._transport = transport

    def send(self, request: Request) -> Response:
        """See `Http.send`."""
        asked = httpx.Request(
            request.method, request.url, headers=dict(request.headers), content=request.body,
            extensions={"timeout": httpx.Timeout(request.longest).as_dict()},
        )  # fmt: skip
        try:
            answer = taken(self._transport.handle_request(asked))
        except httpx.TransportError as error:
            raise _error(error) from error
        if len(answer.content) > request.largest:
            raise TooLarge
        return answer

    def close(self) -> None:
        """See `Http.close`."""
        self._transport.close()


def played(answer: Callable[[httpx.Request], httpx.Response]) -> Over:
    """Return a network on which `answer` answers every request."""
    return Over(httpx.MockTransport(answer))


def _error(error: httpx.TransportError) -> Exception:
    kind = next((kind for known, kind in _ERRORS.items() if isinstance(error, known)), HttpError)
    return kind(str(error))
