"""Faults of external calls: an error, a lost or late answer, no answer, or a killed process."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from mentor_pause.errors import DatabaseUnavailable, RetryableDatabaseError
from mentor_pause.http import NotConnected, Request, Response
from mentor_pause.http.client import HttpClient
from mentor_pause.retry import OutOfTime
from support.played_http import answered

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
"""A late call is made after so many other calls."""


def failures(count: int) -> list[Fault]:
    """Return so many failing calls in a row."""
    return ["before"] * count


class ProcessDied(BaseException):
    """The runtime kills the process; no code can catch this and continue."""


@dataclass(frozen=True, slots=True)
class Seam:
    """An external service, and how its calls fail."""

    name: str
    gone: Callable[[], Any]
    """Fails as if the server did not exist."""
    silent: Callable[[], Any]
    """Fails as if no answer came."""
    throttled: Callable[[], Any]
    """Fails as if there were too many calls."""


_ANSWERS: Mapping[str, Callable[[Seam], Callable[[], Any]]] = {
    "before": lambda seam: seam.gone,
    "late": lambda seam: seam.silent,
    "blocked": lambda seam: seam.silent,
    "throttled": lambda seam: seam.throttled,
}

DEADLINE = 10.0
"""The deadline of an adapter's call, in seconds."""


class Plan:
    """Decides the fault of each external call. After the last fault, all calls succeed."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        """Each fault is used for one call."""
        self._faults: Iterator[Fault] = iter(())
        self._late: list[tuple[int, Callable[[], object]]] = []
        self._calls = 0
        self._meanwhile: dict[int, Callable[[], object]] = {}
        self.injected = 0
        self.called: list[str] = []
        """The method or function of each call since `then`."""
        self.let_time_pass: Callable[[float], object] = float
        """Is called with the seconds for which a call was blocked."""
        self.then(*faults)

    def then(self, *faults: Fault, after: int = 0) -> None:
        """Let `after` calls succeed and the next ones have these faults; count the calls from 0."""
        well: list[Fault] = ["ok"] * after
        due: list[Fault] = [*well, *faults]
        self._faults = iter(due)
        self.injected = 0
        self.called = []

    def before_call(self, number: int, meanwhile: Callable[[], object]) -> None:
        """Call `meanwhile` before an external call; 1 is the next one."""
        self._meanwhile[self._calls + number] = meanwhile

    def due(self, seam: Seam, what: str) -> Fault:
        """Return the fault of this call. `what` is the method or function."""
        for fault in self._faults:
            return fault
        return "ok"

    def around[T](self, call: Callable[[], T], seam: Seam, what: str = "") -> T:
        """Make one call, with its fault."""
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
        """Make the late calls; no caller waits for their answers."""
        due = [call for at, call in self._late if at < before]
        self._late = [(at, call) for at, call in self._late if at >= before]
        for call in due:
            with suppress(Exception):
                call()


class Faulty:
    """Wraps a client; the named methods go through the plan."""

    def __init__(self, inner: Any, methods: tuple[str, ...], plan: Plan, seam: Seam) -> None:
        """`seam` says how a call fails."""
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


class FaultyHttp:
    """HTTP whose requests go through the plan."""

    def __init__(self, plan: Plan, seam: Seam) -> None:
        """It wraps the real client."""
        self._inner = HttpClient()
        self._plan = plan
        self._seam = seam

    def send(self, request: Request) -> Response:
        """Send the request, with its fault."""
        path = urlsplit(request.url).path
        return self._plan.around(lambda: self._inner.send(request), self._seam, path)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def raising(make: Callable[[], Exception]) -> Callable[[], Any]:
    """Return a function that raises a new error."""

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
        raising(lambda: NotConnected("gone")),
        raising(lambda: OutOfTime("silent")),
        lambda: answered(status, headers, body),
    )


LEDGER = _aws("DynamoDB", "ProvisionedThroughputExceededException")
QUEUE = _aws("SQS", "RequestThrottled")
BUS = _aws("EventBridge", "ThrottlingException")
SES = _aws("SES", "TooManyRequestsException")
POOLED = Seam(
    "pooled transport",
    raising(lambda: DatabaseUnavailable("gone", "08006")),
    raising(lambda: DatabaseUnavailable("no answer in time")),
    raising(lambda: RetryableDatabaseError("the row is locked", "55P03")),
)
REST = _http("REST transport", 504, {}, {"code": "PGRST003", "message": "no connection in time"})
PORTAL = _http("portal", 429, {"Retry-After": "1"}, {"error": {"code": "0x80072322"}})

_LEDGER_CALLS = (
    "batch_get_item", "get_item", "query", "update_item", "transact_write_items",
)  # fmt: skip


def faulty_ledger(client: Any, plan: Plan) -> Any:
    """Return a DynamoDB client that may fail."""
    return Faulty(client, _LEDGER_CALLS, plan, LEDGER)


def faulty_queue(client: Any, plan: Plan) -> Any:
    """Return an SQS client whose sending may fail; the test's other calls do not."""
    calls = ("send_message_batch", "send_message", "change_message_visibility")
    return Faulty(client, calls, plan, QUEUE)


def faulty_bus(client: Any, plan: Plan) -> Any:
    """Return an EventBridge client that may fail."""
    return Faulty(client, ("put_events",), plan, BUS)
