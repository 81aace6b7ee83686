"""The client asks the gate of the workers, and closes it after a 429 (H3, R1)."""

from dataclasses import dataclass, field

import httpx
import pytest

from mentor_pause.errors import PortalThrottled
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.requests import Requests
from support.played_http import played
from support.portal import EXAMPLE, PAUSED, Time, settings


@dataclass
class FakeGate:
    """Gives its answers in turn; then it is open."""

    answers: list[float] = field(default_factory=list[float])
    asked: int = 0
    closed: list[float] = field(default_factory=list[float])

    def seconds_closed(self) -> float:
        """Return the next answer."""
        self.asked += 1
        return self.answers.pop(0) if self.answers else 0.0

    def close_for(self, seconds: float) -> None:
        """Record the seconds."""
        self.closed.append(seconds)


class Answers:
    """A portal that gives these answers first, one for each request, logins included."""

    def __init__(self, *answers: httpx.Response) -> None:
        """Without any, it accepts every request."""
        self._answers = list(answers)
        self.requests: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.requests.append(request.method)
        if self._answers:
            return self._answers.pop(0)
        if request.method == "POST":
            return logged_in()
        return httpx.Response(204)


def logged_in() -> httpx.Response:
    """Return a login's answer."""
    return httpx.Response(200, json={"access_token": "a-token", "expires_in": 3599})


def wait(status: int, seconds: int) -> httpx.Response:
    """Return an answer that asks for a wait."""
    return httpx.Response(status, headers={"Retry-After": str(seconds)})


def client(portal: Answers, gate: FakeGate, time: Time) -> Dataverse:
    """Return the real client."""
    transport = played(portal)
    requests = Requests(settings("https://x.example"), time.timing(), transport, gate=gate)
    return Dataverse(requests, EXAMPLE)


def test_while_the_gate_is_closed_for_long_nothing_is_sent() -> None:
    """No request and no login; the caller learns for how long."""
    portal, gate, time = Answers(), FakeGate([228.0]), Time()
    with pytest.raises(PortalThrottled) as raised:
        client(portal, gate, time).push(PAUSED)
    assert (raised.value.seconds, raised.value.has_failed) == (228.0, False)
    assert (portal.requests, time.slept, gate.closed) == ([], [], [])


def test_a_short_wait_passes_in_the_invocation_and_then_the_gate_is_asked_again() -> None:
    """Another worker may have been told to wait for longer meanwhile."""
    portal, gate, time = Answers(), FakeGate([12.0, 3.0]), Time()
    assert client(portal, gate, time).push(PAUSED) == "updated"
    assert (time.slept, gate.asked) == ([12.0, 3.0], 3)


def test_the_gate_is_asked_before_the_first_request_only() -> None:
    """Asking before each mentor would cost a call of the ledger for each."""
    portal, gate = Answers(), FakeGate()
    dataverse = client(portal, gate, Time())
    for _ in range(3):
        dataverse.push(PAUSED)
    assert gate.asked == 1


@pytest.mark.parametrize("answers", [(wait(429, 7),), (logged_in(), wait(429, 7))])
def test_a_429_closes_the_gate_and_is_followed_by_a_look_at_it(
    answers: tuple[httpx.Response, ...],
) -> None:
    """Whether the login throttles or the portal."""
    portal, gate, time = Answers(*answers), FakeGate(), Time()
    assert client(portal, gate, time).push(PAUSED) == "updated"
    assert (gate.closed, gate.asked, time.slept) == ([7.0], 2, [7.0])


def test_a_503_with_a_wait_closes_no_gate() -> None:
    """The portal is down: the deliveries of every page have to count, so that the run ends."""
    portal, gate, time = Answers(logged_in(), wait(503, 7)), FakeGate(), Time()
    assert client(portal, gate, time).push(PAUSED) == "updated"
    assert (gate.closed, gate.asked, time.slept) == ([], 1, [7.0])


@pytest.mark.parametrize(("seconds", "waits"), [(39, True), (40, False)])
def test_a_wait_leaves_ten_seconds_for_work(seconds: int, waits: bool) -> None:
    """50 seconds are left. A later end could leave no time for a success."""
    portal, gate, time = Answers(logged_in(), wait(429, seconds)), FakeGate(), Time()
    dataverse = client(portal, gate, time)
    if waits:
        assert dataverse.push(PAUSED) == "updated"
    else:
        with pytest.raises(PortalThrottled):
            dataverse.push(PAUSED)
    assert time.slept == ([seconds] if waits else [])
