"""Requests to Dataverse: address, token, headers and bounded retries (H3).

| the portal, or its login | the client |
| --- | --- |
| 429, or a failure with a `Retry-After` | waits exactly as long as it says, then tries again |
| 429 | also closes the gate, so that the other workers wait as well |
| 408, other 5xx but 501, no answer | tries three times in all, with doubling, jittered waits |
| 401 | tries once more, with a new token |
| any other error | does not try again |

All tries of one call share the time that is left. No wait begins that is as long as that time:
the caller gets the error instead, and saves its progress in the seconds that it has reserved. A
wait that the portal asks for must even leave ten seconds for work. Otherwise the time could run
short before the first success, and the delivery would count as failed although the portal only
throttled.

Before its first request, and after each 429, the client asks the gate. While the gate is closed, it
behaves as after a 429, but sends nothing, not even a login.
"""

import random
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urljoin
from uuid import UUID

from pydantic_core import to_json
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from mentor_pause.config import PortalSettings
from mentor_pause.errors import PortalError, PortalRefused, PortalThrottled, PortalUnavailable
from mentor_pause.http import Http, Response
from mentor_pause.http.client import HttpClient, split
from mentor_pause.portal.answers import UNAUTHORIZED, error_of, json_object
from mentor_pause.portal.exchange import Connections
from mentor_pause.portal.login import Login, Token

_TRIES = 3
_LEAST_AFTER_WAIT = 10.0
"""Seconds that must be left when a wait for the portal ends."""
_HEADERS = {"Accept": "application/json", "OData-MaxVersion": "4.0", "OData-Version": "4.0"}
_AS_GIVEN = "".join(map(chr, range(0x21, 0x7F))).translate({ord(c): None for c in '"<>`{}'})
"""The characters of a link that are sent as they are; `%`: a link is escaped already."""
_CORRELATION = "x-ms-correlation-id"
_job_run_id: ContextVar[UUID | None] = ContextVar("job_run_id", default=None)


@contextmanager
def naming_run(job_run_id: UUID) -> Generator[None]:
    """Send a run's id with each request in this block (docs/decisions/0051).

    The header is the one with which the vendor's own client names the requests of one call.
    """
    token = _job_run_id.set(job_run_id)
    try:
        yield
    finally:
        _job_run_id.reset(token)


@dataclass(frozen=True, slots=True)
class Timing:
    """Time as the client sees it; in seconds."""

    remaining: Callable[[], float]
    """The time left for everything, without the caller's reserve."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


class Gate(Protocol):
    """Tells all clients of the portal until when none of them may send a request."""

    def seconds_closed(self) -> float:
        """Return the seconds until a request may be sent; 0: now."""
        ...

    def close_for(self, seconds: float) -> None:
        """Let no client send a request for so many seconds."""
        ...


class Requests:
    """Sends requests below `<url>/api/data/v9.2/`."""

    def __init__(
        self,
        settings: PortalSettings,
        timing: Timing,
        http: Http | None = None,
        token: Token | None = None,
        gate: Gate | None = None,
    ) -> None:
        """Send over the network; tests pass an `http` that answers instead.

        `token` is the token of an earlier client with the same settings; it is used and renewed.
        `gate` is the gate of the workers. None: this client waits for nobody else.
        """
        self._timing = timing
        self._connections = Connections(timing.remaining, http or HttpClient())
        self._login = Login(settings, self._connections, timing.clock, token or Token())
        self._gate, self._must_ask = gate, True
        self._base = f"{settings.portal_url.rstrip('/')}/api/data/v9.2/"

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def read(self, link: str, prefer: str | None = None) -> dict[str, Any]:
        """GET an address, relative or as the portal gave it, and return its JSON object.

        Raises:
            TransientError: the same call may succeed later.
            PortalError: the portal refuses, or its answer is not a JSON object.
        """
        return json_object(self.send("GET", link, {"Prefer": prefer} if prefer else {}))

    def send(
        self,
        method: str,
        link: str,
        headers: Mapping[str, str],
        json: object = None,
        accepted: tuple[int, ...] = (200,),
    ) -> Response:
        """Send a request, with retries, and return an answer whose status is in `accepted`.

        Raises:
            PortalThrottled: the portal asks for a wait that is too long for the time left.
            PortalUnavailable: three tries had no answer, or no time is left for another one.
            PortalRefused: the portal refuses the credentials, so no other request would succeed.
            PortalError: any other answer.
        """
        content = {} if json is None else {"Content-Type": "application/json"}
        body = b"" if json is None else to_json(json)
        request = _Request(method, self._address(link), {**content, **headers}, body, accepted)
        call = _Call(self._timing)
        retrying = Retrying(
            retry=retry_if_exception_type(PortalUnavailable),
            wait=call.next_wait,
            stop=call.is_over,
            sleep=self._timing.sleep,
            reraise=True,
        )
        return retrying(self._try, request, call)

    def _try(self, request: "_Request", call: "_Call") -> Response:
        self._ask_gate()
        try:
            return self._send_once(request, call)
        except PortalThrottled as error:
            self._close_gate(error)
            raise

    def _ask_gate(self) -> None:
        if self._gate is None or not self._must_ask:
            return
        seconds = self._gate.seconds_closed()
        if seconds > 0:
            raise PortalThrottled("the portal has asked all workers to wait", seconds)
        self._must_ask = False

    def _close_gate(self, error: PortalThrottled) -> None:
        """Let all workers wait after a 429. After a 5xx only this one waits: the portal is down."""
        if self._gate is not None and not error.has_failed:
            self._gate.close_for(error.seconds)
            self._must_ask = True

    def _send_once(self, request: "_Request", call: "_Call") -> Response:
        """Send a request once, and if the portal refuses the token, once more with a new token.

        A token may end before its time. So the second 401 of a call is the portal's refusal.
        """
        try:
            return self._exchange(request)
        except PortalRefused as error:
            if error.status != UNAUTHORIZED:
                raise
            self._login.forget_token()
            if call.has_new_token:
                raise
            call.has_new_token = True
            return self._exchange(request)

    def _exchange(self, request: "_Request") -> Response:
        bearer = {"Authorization": f"Bearer {self._login.token()}"}
        run = _job_run_id.get()
        trace = {_CORRELATION: str(run)} if run else {}
        response = self._connections.exchange(
            request.method,
            request.url,
            {**_HEADERS, **trace, **request.headers, **bearer},
            request.body,
        )
        if response.status_code in request.accepted:
            return response
        raise error_of(response)

    def _address(self, link: str) -> str:
        """Return the address of a link; the token must not reach any other host."""
        if not link.isprintable():
            raise PortalError("the portal's link is not an address")
        try:
            url = urljoin(self._base, quote(link, safe=_AS_GIVEN))
            leads_to_portal = split(url)[0] == split(self._base)[0]
        except ValueError as error:
            raise PortalError("the portal's link is not an address") from error
        if not leads_to_portal:
            raise PortalError("the portal's link leads to another host")
        return url


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    accepted: tuple[int, ...]


@dataclass(slots=True)
class _Call:
    """The tries of one call. tenacity asks `next_wait` after a failed try, and then `is_over`."""

    timing: Timing
    unavailable: int = 0
    """Failed tries for which the portal has not said how long to wait."""
    has_new_token: bool = False

    def next_wait(self, state: RetryCallState) -> float:
        """Return the seconds until the next try."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, PortalThrottled):
            return error.seconds
        self.unavailable += 1
        return 2.0**self.unavailable * self.timing.jitter()

    def is_over(self, state: RetryCallState) -> bool:
        """Whether the failed try was the last one."""
        error = state.outcome.exception() if state.outcome else None
        least = _LEAST_AFTER_WAIT if isinstance(error, PortalThrottled) else 0.0
        has_time = state.upcoming_sleep + least < self.timing.remaining()
        return self.unavailable >= _TRIES or not has_time
