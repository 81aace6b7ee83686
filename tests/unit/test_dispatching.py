"""How the dispatcher's function is called from outside, and public documents are read."""

import io
import json
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from mentor_pause.dispatching import Dispatcher
from mentor_pause.errors import DispatcherUnavailable, DocumentUnavailable
from mentor_pause.events import DispatchRequest
from mentor_pause.web import fetch_json

REQUEST = DispatchRequest(job_name="certification_expiry", trigger_id="http-1", dry_run=True)
THROTTLED: Any = {"Error": {"Code": "TooManyRequestsException", "Message": "for a person"}}


class Lambda:
    """A client for Lambda that answers as it is told to."""

    def __init__(self, answer: object, *, broken: bool = False) -> None:
        """An exception is raised."""
        self.answer = answer
        self.broken = broken
        self.asked: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        """Take the request."""
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        payload = {"Payload": io.BytesIO(str(self.answer).encode())}
        return payload | ({"FunctionError": "Unhandled"} if self.broken else {})


def call(client: Any) -> dict[str, str] | None:
    """Ask for the run."""
    return Dispatcher(client, "the-dispatcher")(REQUEST)


def test_the_request_is_what_the_dispatcher_reads_and_its_answer_comes_back() -> None:
    """Once, and waited for."""
    client = Lambda('{"job_run_id": "r", "status": "running"}')
    assert call(client) == {"job_run_id": "r", "status": "running"}
    (asked,) = client.asked
    assert asked.keys() == {"FunctionName", "Payload"}
    assert DispatchRequest.parse(json.loads(asked["Payload"])) == REQUEST


def test_a_dispatcher_that_takes_too_long_was_asked_once() -> None:
    """Its run goes on; asking again would be a second delivery."""
    client = Lambda(ReadTimeoutError(endpoint_url="https://lambda"))
    assert call(client) is None
    assert len(client.asked) == 1


@pytest.mark.parametrize(
    "client",
    [
        Lambda(ClientError(THROTTLED, "Invoke")),
        Lambda(EndpointConnectionError(endpoint_url="https://lambda")),
        Lambda('{"errorMessage": "Kari Nordmann"}', broken=True),
        Lambda("[]"),
        Lambda("no JSON"),
    ],
)
def test_a_dispatcher_that_cannot_be_asked_or_breaks_down_is_unavailable(client: Lambda) -> None:
    """In words of our own (E13)."""
    with pytest.raises(DispatcherUnavailable) as raised:
        call(client)
    assert "Kari" not in str(raised.value)
    assert "for a person" not in str(raised.value)


def fetch(answer: httpx.Response | Exception) -> object:
    """Read a document."""

    def handle(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return fetch_json("https://project.example/keys", httpx.MockTransport(handle))


def test_a_document_is_read() -> None:
    """Whatever JSON it is."""
    assert fetch(httpx.Response(200, json={"keys": []})) == {"keys": []}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, json={}),
        httpx.Response(500, text="down"),
        httpx.Response(302, headers={"Location": "https://evil.example"}, json={"keys": []}),
        httpx.Response(200, text="<html>"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_a_document_that_cannot_be_read_is_unavailable(
    answer: httpx.Response | Exception,
) -> None:
    """Redirects included: keys come from where they are configured to be."""
    with pytest.raises(DocumentUnavailable, match=r"https://project\.example/keys"):
        fetch(answer)
