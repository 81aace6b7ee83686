"""How other functions call the dispatcher."""

import io
import json
import time
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from mentor_pause.aws.dispatcher_client import DispatcherClient
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.errors import DispatcherUnavailable
from mentor_pause.retry import time_limit

REQUEST = DispatchRequest(job_name="certification_expiry", trigger_id="http-1", dry_run=True)
THROTTLED: Any = {"Error": {"Code": "TooManyRequestsException", "Message": "for a person"}}
ARN = "arn:aws:lambda:eu-north-1:123456789012:function:the-dispatcher"
DENIED: Any = {
    "Error": {
        "Code": "AccessDeniedException",
        "Message": f"User: arn:aws:sts::123456789012:assumed-role/x is not authorized on {ARN}",
    }
}


class Lambda:
    """A client for Lambda that gives a fixed answer."""

    def __init__(self, answer: object, *, broken: bool = False) -> None:
        """It raises an exception, or waits for an event."""
        self.answer = answer
        self.broken = broken
        self.asked: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        """Record the request, and answer."""
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, Event):
            self.answer.wait(10)
        payload = {"Payload": io.BytesIO(str(self.answer).encode())}
        return payload | ({"FunctionError": "Unhandled"} if self.broken else {})


def call(client: Any, longest: float = 5) -> dict[str, str] | None:
    """Request a run."""
    return DispatcherClient(client, "the-dispatcher", longest)(REQUEST)


def test_the_request_is_what_the_dispatcher_reads_and_its_answer_comes_back() -> None:
    """The client calls once, and waits for the answer."""
    client = Lambda('{"job_run_id": "r", "status": "running"}')
    assert call(client) == {"job_run_id": "r", "status": "running"}
    (asked,) = client.asked
    assert asked.keys() == {"FunctionName", "Payload"}
    assert DispatchRequest.parse(json.loads(asked["Payload"])) == REQUEST


def test_a_dispatcher_that_takes_too_long_was_asked_once() -> None:
    """The run continues. A second call would be a second delivery."""
    client = Lambda(ReadTimeoutError(endpoint_url="https://lambda"))
    assert call(client) is None
    assert len(client.asked) == 1


@pytest.mark.parametrize(
    "client",
    [
        Lambda(ClientError(THROTTLED, "Invoke")),
        Lambda(ClientError(DENIED, "Invoke")),
        Lambda(ClientError({"Error": {"Code": ARN}}, "Invoke")),
        Lambda(ClientError({"Error": {"Code": 7}}, "Invoke")),  # pyright: ignore[reportArgumentType]
        Lambda(ClientError({}, "Invoke")),
        Lambda(EndpointConnectionError(endpoint_url="https://lambda")),
        Lambda('{"errorMessage": "Kari Nordmann"}', broken=True),
        Lambda("[]"),
        Lambda("null"),
        Lambda('{"status": 7}'),
        Lambda("[" * 60_000),
        Lambda('{"status": "running", "job_run_id": "' + "x" * 100_000 + '"}'),
        Lambda("no JSON"),
    ],
)
def test_a_dispatcher_that_cannot_be_called_or_fails_is_unavailable(client: Lambda) -> None:
    """The error has our own words and AWS's code, but no ARN, account, role, URL or text."""
    with pytest.raises(DispatcherUnavailable) as raised:
        call(client)
    for text in ("Kari", "for a person", "arn:", "123456789012", "https://"):
        assert text not in str(raised.value)


def test_a_call_that_does_not_reach_the_dispatcher_ends_in_time() -> None:
    """R2: whatever the peer does. It stays unknown whether the dispatcher was called."""
    silent, began = Lambda(Event()), time.monotonic()
    with pytest.raises(DispatcherUnavailable, match="could not be reached in time"):
        call(silent, longest=0.2)
    assert time.monotonic() - began < 2
    assert isinstance(silent.answer, Event)
    silent.answer.set()


def test_no_call_is_made_when_no_time_is_left() -> None:
    """R2: the request's own limit counts."""
    client = Lambda("{}")
    with time_limit(0), pytest.raises(DispatcherUnavailable):
        call(client)
    assert client.asked == []
