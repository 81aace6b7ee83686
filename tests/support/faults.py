"""Faults at the outside calls: an error, a lost answer, an answer too late, or the process dies."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from mentor_pause.errors import DatabaseUnavailable, RetryableDatabaseError

type Fault = Literal[
    "ok", "before", "after", "late", "blocked", "throttled", "dies before", "dies after", "stolen"
]
"""What happens to a call.

`before`: an error, and nothing was done. `after`: it was done, and the answer is lost. `late`: the
caller's time-out, and it is done a few calls later. `blocked`: the peer says nothing until the
caller's deadline, and nothing was done; time has passed. `throttled`: refused for now. `dies ...`:
the process is killed. `stolen`: before the call a second dispatcher takes the lock.
"""

FAULTS: tuple[Fault, ...] = (
    "ok", "before", "after", "late", "blocked", "throttled", "dies before", "dies after",
)  # fmt: skip

_LATE = 3
"""A late call is done when so many others have been made."""


def failures(count: int) -> list[Fault]:
    """Return so many calls that fail, one after the other."""
    return ["before"] * count


class ProcessDied(BaseException):
    """What no code can catch and go on: the runtime killed the process."""


@dataclass(frozen=True, slots=True)
class Seam:
    """Something outside that is called, and how it fails."""

    name: str
    gone: Callable[[], Any]
    """Raises, or returns, what the caller gets when nobody is there."""
    silent: Callable[[], Any]
    """The same when no answer comes."""
    throttled: Callable[[], Any]
    """The same when it is too much."""


_ANSWERS: Mapping[str, Callable[[Seam], Callable[[], Any]]] = {
    "before": lambda seam: seam.gone,
    "late": lambda seam: seam.silent,
    "blocked": lambda seam: seam.silent,
    "throttled": lambda seam: seam.throttled,
}

DEADLINE = 10.0
"""Seconds after which an adapter gives a call up."""


class Plan:
    """Decides the fault of each outside call in turn; when it is used up, all is well."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        """`faults` are taken one per call."""
        self._faults: Iterator[Fault] = iter(())
        self._late: list[tuple[int, Callable[[], object]]] = []
        self._calls = 0
        self._meanwhile: dict[int, Callable[[], object]] = {}
        self.injected = 0
        self.called: list[str] = []
        """The method or function of each call since `then`."""
        self.let_time_pass: Callable[[float], object] = float
        """Hears for how many seconds a call was blocked."""
        self.then(*faults)

    def then(self, *faults: Fault, after: int = 0) -> None:
        """Give the next calls these faults, `after` so many that go well; and count anew."""
        well: list[Fault] = ["ok"] * after
        due: list[Fault] = [*well, *faults]
        self._faults = iter(due)
        self.injected = 0
        self.called = []

    def before_call(self, number: int, meanwhile: Callable[[], object]) -> None:
        """Let something happen before a call; 1 is the next one."""
        self._meanwhile[self._calls + number] = meanwhile

    def due(self, seam: Seam, what: str) -> Fault:
        """Return the fault of this call; `what` is asked of the seam."""
        for fault in self._faults:
            return fault
        return "ok"

    def around[T](self, call: Callable[[], T], seam: Seam, what: str = "") -> T:
        """Make one call, with the fault that is due."""
        self._calls += 1
        self.called.append(what)
        self._meanwhile.pop(self._calls, str)()
        self.arrive(before=self._calls)
        fault = self.due(seam, what)
        self.injected += fault != "ok"
        if fault == "late":
            self._late.append((self._calls + _LATE, call))
        if fault == "blocked":
            self.let_time_pass(DEADLINE)
        if fault in ("before", "late", "blocked", "throttled"):
            return _ANSWERS[fault](seam)()
        if fault == "dies before":
            raise ProcessDied
        answer = call()
        if fault == "after":
            return seam.silent()
        if fault == "dies after":
            raise ProcessDied
        return answer

    def arrive(self, before: float = float("inf")) -> None:
        """Do what is late; nobody waits for the answer any more."""
        due = [call for at, call in self._late if at < before]
        self._late = [(at, call) for at, call in self._late if at >= before]
        for call in due:
            with suppress(Exception):
                call()


class Faulty:
    """Stands before a client; the named methods go through the plan."""

    def __init__(self, inner: Any, methods: tuple[str, ...], plan: Plan, seam: Seam) -> None:
        """`seam` says what the caller sees when a call fails."""
        self._inner = inner
        self._methods = methods
        self._plan = plan
        self._seam = seam

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._methods:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._plan.around(lambda: found(*args, **kwargs), self._seam, name)

        return call


# Made once, since reading the certificates of the system takes 30 ms.
_TLS = httpx.create_ssl_context()


class FaultyTransport(httpx.BaseTransport):
    """HTTP that may fail; each request goes through the plan."""

    def __init__(self, plan: Plan, seam: Seam) -> None:
        """The real transport is behind it."""
        self._inner = httpx.HTTPTransport(verify=_TLS)
        self._plan = plan
        self._seam = seam

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, with the fault that is due."""
        request.read()

        def send() -> httpx.Response:
            response = self._inner.handle_request(request)
            response.read()
            return response

        return self._plan.around(send, self._seam, request.url.path)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def raising(make: Callable[[], Exception]) -> Callable[[], Any]:
    """Return what raises a new error of a kind."""

    def fail() -> Any:
        raise make()

    return fail


def _aws(name: str, code: str) -> Seam:
    answer: Mapping[str, Any] = {"Error": {"Code": code, "Message": "too much"}}
    return Seam(
        name,
        raising(lambda: EndpointConnectionError(endpoint_url="https://gone")),
        raising(lambda: ReadTimeoutError(endpoint_url="https://silent")),
        raising(lambda: ClientError(answer, name)),  # pyright: ignore[reportArgumentType]
    )


def _http(name: str, status: int, headers: Mapping[str, str], body: object) -> Seam:
    return Seam(
        name,
        raising(lambda: httpx.ConnectError("gone")),
        raising(lambda: httpx.ReadTimeout("silent")),
        lambda: httpx.Response(status, headers=dict(headers), json=body),
    )


LEDGER = _aws("DynamoDB", "ProvisionedThroughputExceededException")
QUEUE = _aws("SQS", "RequestThrottled")
BUS = _aws("EventBridge", "ThrottlingException")
POOLED = Seam(
    "pooled transport",
    raising(lambda: DatabaseUnavailable("gone", "08006")),
    raising(lambda: DatabaseUnavailable("no answer in time")),
    raising(lambda: RetryableDatabaseError("the row is locked", "55P03")),
)
REST = _http("REST transport", 504, {}, {"code": "PGRST003", "message": "no connection in time"})
PORTAL = _http("portal", 429, {"Retry-After": "1"}, {"error": {"code": "0x80072322"}})

_LEDGER_CALLS = ("get_item", "query", "update_item", "transact_write_items")


def faulty_ledger(client: Any, plan: Plan) -> Any:
    """A DynamoDB that may be gone."""
    return Faulty(client, _LEDGER_CALLS, plan, LEDGER)


def faulty_queue(client: Any, plan: Plan) -> Any:
    """An SQS that may be gone; who sends a test's messages by another way is not disturbed."""
    calls = ("send_message_batch", "send_message", "change_message_visibility")
    return Faulty(client, calls, plan, QUEUE)


def faulty_bus(client: Any, plan: Plan) -> Any:
    """An EventBridge that may be gone."""
    return Faulty(client, ("put_events",), plan, BUS)
