"""Requests to Dataverse: token, headers and bounded retries (H3).

429 is obeyed to the second, and so is a failure that has a `Retry-After`. 408, other 5xx but 501,
and a network that fails are tried three times in all, with doubling, jittered waits. 401 is tried
once more, with a new token; anything else never. No wait begins that is as long as the time that is
left: the caller hears it instead, and saves its progress, for which it keeps a reserve. Each
exchange ends within 15 s and within the time that is left, whatever the portal or the login does
(R2).
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from mentor_pause.config import PortalSettings
from mentor_pause.errors import (
    PortalError,
    PortalRefused,
    PortalThrottled,
    PortalUnavailable,
)
from mentor_pause.portal.answers import (
    UNAUTHORIZED,
    error_of,
    json_object,
    login_error_of,
    token_of,
)
from mentor_pause.portal.exchange import Connections

# It logs each address, and an address holds a mentor's key (E13).
logging.getLogger("httpx").setLevel(logging.WARNING)

_EXCHANGE_SECONDS, _CONNECT_SECONDS = 15.0, 5.0
_TRIES = 3
_EARLY, _LEAST_USE = 60.0, 30.0
"""Seconds before its end from which a token is no longer used; and for how long it is used at the
least. Where that is too long, the portal's 401 has the client log in again."""
_HEADERS = {"Accept": "application/json", "OData-MaxVersion": "4.0", "OData-Version": "4.0"}


@dataclass(frozen=True, slots=True)
class Timing:
    """Time as the client sees it; in seconds."""

    remaining: Callable[[], float]
    """What is left for everything, the caller's reserve taken off."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


class Requests:
    """Sends requests below `<url>/api/data/v9.2/`."""

    def __init__(
        self,
        settings: PortalSettings,
        timing: Timing,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`transport` stands in for the network in tests."""
        self._settings = settings
        self._timing = timing
        self._connections = Connections(transport)
        self._base = httpx.URL(f"{settings.portal_url.rstrip('/')}/api/data/v9.2/")
        self._token = ""
        self._token_ends = 0.0

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def read(self, link: str, prefer: str | None = None) -> dict[str, Any]:
        """GET an address, relative or as the portal gave it, and return its JSON object.

        Raises:
            TransientError: it may be there later.
            PortalError: it is refused, or no JSON.
        """
        return json_object(self.send("GET", link, {"Prefer": prefer} if prefer else {}))

    def send(
        self,
        method: str,
        link: str,
        headers: Mapping[str, str],
        json: object = None,
        accepted: tuple[int, ...] = (200,),
    ) -> httpx.Response:
        """Send a request until it has an answer that counts.

        Raises:
            PortalThrottled: the portal asks for a wait that is longer than the time that is left.
            PortalUnavailable: no answer that counts after three tries, or no time for another.
            PortalRefused: the credentials do not do: no other request fares better.
            PortalError: any other answer that is not among `accepted`.
        """
        attempt = _Attempt(self, method, self._address(link), headers, json, accepted)
        retrying = Retrying(
            retry=retry_if_exception_type(PortalUnavailable),
            wait=lambda state: self._wait(_failure(state), attempt.unavailable),
            # The wait is drawn before this is asked.
            stop=lambda state: (
                attempt.unavailable >= _TRIES or state.upcoming_sleep >= self._timing.remaining()
            ),
            sleep=self._timing.sleep,
            reraise=True,
        )
        return retrying(attempt)

    def _wait(self, error: BaseException | None, unavailable: int) -> float:
        if isinstance(error, PortalThrottled):
            return error.seconds
        return 2.0**unavailable * self._timing.jitter()

    def exchange(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        json: object,
        accepted: tuple[int, ...],
    ) -> httpx.Response:
        """Send a request once, with a token.

        Raises:
            TransientError: it may fare better later.
            PortalError: the answer is not among `accepted`.
        """
        bearer = {"Authorization": f"Bearer {self._fresh_token()}"}
        response = self._answer(method, url, headers={**_HEADERS, **headers, **bearer}, json=json)
        if response.status_code in accepted:
            return response
        raise error_of(response)

    def forget_token(self) -> None:
        """Log in again before the next request."""
        self._token = ""

    def _answer(self, method: str, url: httpx.URL | str, **content: Any) -> httpx.Response:  # noqa: ANN401 - handed through
        """Make one exchange; what is left for everything bounds it, too.

        Raises:
            PortalUnavailable: the answer did not come in time, or nothing is left.
            PortalError: the answer is too large.
        """
        if (left := self._timing.remaining()) <= 0:
            raise PortalUnavailable("no time is left")
        seconds = min(_EXCHANGE_SECONDS, left)
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))
        request = self._connections.build(method, url, timeout=timeout, **content)
        return self._connections.exchange(request, seconds)

    def _address(self, link: str) -> httpx.URL:
        try:
            url = self._base.join(link)
        except (ValueError, TypeError, httpx.InvalidURL) as error:
            raise PortalError("the portal's link is no address") from error
        if (url.scheme, url.host, url.port) != (
            self._base.scheme,
            self._base.host,
            self._base.port,
        ):
            raise PortalError("the portal's link leads to another host")
        return url

    def _fresh_token(self) -> str:
        if not self._token or self._timing.clock() >= self._token_ends:
            self._token, seconds = self._log_in()
            used = max(seconds - _EARLY, seconds / 2, _LEAST_USE)
            self._token_ends = self._timing.clock() + used
        return self._token

    def _log_in(self) -> tuple[str, float]:
        ours = self._settings
        response = self._answer(
            "POST",
            f"{ours.portal_login_url.rstrip('/')}/{ours.portal_tenant}/oauth2/v2.0/token",
            headers={"Accept": "application/json"},
            data={
                "client_id": ours.portal_client_id,
                "client_secret": ours.portal_client_secret.get_secret_value(),
                "scope": f"{ours.portal_url.rstrip('/')}/.default",
                "grant_type": "client_credentials",
            },
        )
        if not response.is_success:
            raise login_error_of(response)
        return token_of(response)


class _Attempt:
    """One request through all its tries."""

    def __init__(self, requests: Requests, *request: Any) -> None:  # noqa: ANN401 - handed through
        self._requests = requests
        self._request = request
        self._may_renew = True
        self.unavailable = 0

    def __call__(self) -> httpx.Response:
        try:
            return self._renewing()
        except PortalThrottled:
            raise
        except PortalUnavailable:
            self.unavailable += 1
            raise

    def _renewing(self) -> httpx.Response:
        """A token may end before its time; one that was just made may not."""
        try:
            return self._requests.exchange(*self._request)
        except PortalRefused as error:
            if error.status != UNAUTHORIZED:
                raise
            self._requests.forget_token()
            if not self._may_renew:
                raise
            self._may_renew = False
            return self._requests.exchange(*self._request)


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
