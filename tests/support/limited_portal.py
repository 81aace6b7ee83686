"""A portal with Dataverse's limit of requests, as a transport of httpx, in virtual time.

Source: Microsoft's documentation of Dataverse ("Service protection API limits"): a user may send
6,000 requests within any 300 seconds; each request beyond that gets 429 with a `Retry-After`. The
login belongs to Entra ID and has no part in this limit.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import httpx

from support.virtual_time import VirtualTime

TOKEN_SECONDS = 3599


@dataclass(frozen=True, slots=True)
class Limit:
    """How many requests a user may send within so many seconds."""

    requests: int = 6000
    seconds: float = 300


@dataclass
class LimitedPortal(httpx.BaseTransport):
    """Answers updates, listings without rows, and logins."""

    time: VirtualTime
    limit: Limit
    latency: float
    """How many seconds each answer takes."""
    listing_pages: int = 1
    """How many pages the listing of certifications has."""
    refuse: Callable[[httpx.Request], httpx.Response | None] = lambda _request: None
    """Returns another answer to a request; None: the portal answers as usual."""
    requests: int = 0
    """Requests that the portal has accepted."""
    throttled: list[float] = field(default_factory=list[float])
    """When each 429 was answered."""
    logins: int = 0
    refused: int = 0
    """Requests that `refuse` has answered; the test counts them."""
    _window: deque[float] = field(default_factory=deque[float])
    _tokens: dict[str, float] = field(default_factory=dict[str, float])

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer after the latency, or not at all if the client stops waiting before."""
        patience: float = request.extensions["timeout"]["read"]
        self.time.sleep(min(self.latency, patience))
        if patience < self.latency:
            raise httpx.ReadTimeout("the client stopped waiting", request=request)
        if other := self.refuse(request):
            return other
        if request.url.path.endswith("/token"):
            return self._log_in()
        return self._count() or self._answer(request)

    def _log_in(self) -> httpx.Response:
        self.logins += 1
        token = f"token-{self.logins}"
        self._tokens[token] = self.time.seconds + TOKEN_SECONDS
        return httpx.Response(200, json={"access_token": token, "expires_in": TOKEN_SECONDS})

    def _count(self) -> httpx.Response | None:
        """Count a request, or refuse it if the window is full."""
        now, window = self.time.seconds, self._window
        while window and window[0] <= now - self.limit.seconds:
            window.popleft()
        if len(window) >= self.limit.requests:
            self.throttled.append(now)
            return throttled(ceil(window[0] + self.limit.seconds - now))
        window.append(now)
        return None

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if self._tokens.get(token, 0.0) <= self.time.seconds:
            return httpx.Response(401)
        if request.method == "PATCH":
            return httpx.Response(204)
        return httpx.Response(200, json=self._listing(request))

    def _listing(self, request: httpx.Request) -> dict[str, Any]:
        page = int(request.url.params.get("page", "1"))
        link = f"{request.url.scheme}://{request.url.host}{request.url.path}?page={page + 1}"
        return {"value": [], **({"@odata.nextLink": link} if page < self.listing_pages else {})}


def throttled(seconds: object) -> httpx.Response:
    """Return a 429 that asks for a wait."""
    error = {"code": "0x80072322", "message": "Number of requests exceeded the limit."}
    return httpx.Response(429, headers={"Retry-After": str(seconds)}, json={"error": error})
