"""Requests to Dataverse: token, headers, bounded retries, and errors by class (H3).

429 is obeyed to the second; where that is longer than the time that is left, the caller hears it
and saves its progress. 408, 5xx but 501, and a network that fails are tried again with doubling,
jittered waits; 401 once, with a new token; anything else never.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from mentor_pause.config import PortalSettings
from mentor_pause.errors import (
    PortalError,
    PortalRefused,
    PortalThrottled,
    PortalUnavailable,
)

_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_TRIES = 3
_EARLY = 60.0
"""Seconds before its end from which a token is no longer used."""
_FALLBACK_WAIT = 5.0
"""Seconds after a 429 that does not say how long."""
_HEADERS = {"Accept": "application/json", "OData-MaxVersion": "4.0", "OData-Version": "4.0"}
_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY_REQUESTS = 401, 403, 429
_TRANSIENT = frozenset({408, *range(500, 600)} - {501})


@dataclass(frozen=True, slots=True)
class Timing:
    """Time as the client sees it; in seconds."""

    remaining: Callable[[], float]
    """What is left for everything."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


class Requests:
    """Sends requests below `<url>/api/data/v9.2/`."""

    def __init__(
        self, settings: PortalSettings, timing: Timing, transport: httpx.BaseTransport | None = None
    ) -> None:
        """`transport` stands in for the network in tests."""
        self._settings = settings
        self._timing = timing
        self._http = httpx.Client(timeout=_TIMEOUT, transport=transport)
        self._base = f"{settings.portal_url.rstrip('/')}/api/data/v9.2/"
        self._token = ""
        self._token_ends = 0.0

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def read(self, link: str, prefer: str | None = None) -> dict[str, Any]:
        """GET an address, relative or as the portal gave it, and return its JSON object.

        Raises:
            TransientError: it may be there later.
            PortalError: it is refused, or no JSON.
        """
        return _json_object(self.send("GET", link, {"Prefer": prefer} if prefer else {}))

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
            PortalThrottled: too many requests, and the wait is longer than the time that is left.
            PortalUnavailable: no answer, or none that counts, after three tries.
            PortalRefused: the credentials or the privileges do not do.
            PortalError: any other answer that is not among `accepted`.
        """
        url = self._address(link)
        unavailable = 0

        def once() -> httpx.Response:
            nonlocal unavailable
            try:
                return self._renewing(lambda: self._once(method, url, headers, json, accepted))
            except PortalThrottled:
                raise
            except PortalUnavailable:
                unavailable += 1
                raise

        def is_over(state: RetryCallState) -> bool:
            error = _failure(state)
            if isinstance(error, PortalThrottled):
                return error.seconds >= self._timing.remaining()
            return unavailable >= _TRIES

        retrying = Retrying(
            retry=retry_if_exception_type((PortalThrottled, PortalUnavailable)),
            wait=self._wait,
            stop=is_over,
            sleep=self._timing.sleep,
            reraise=True,
        )
        return retrying(once)

    def _wait(self, state: RetryCallState) -> float:
        error = _failure(state)
        if isinstance(error, PortalThrottled):
            return error.seconds
        return 2.0**state.attempt_number * self._timing.jitter()

    def _renewing(self, once: Callable[[], httpx.Response]) -> httpx.Response:
        """A token may end before its time; one that was just made may not."""
        try:
            return once()
        except PortalRefused as error:
            if error.status != _UNAUTHORIZED:
                raise
            self._token = ""
            return once()

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: object,
        accepted: tuple[int, ...],
    ) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self._fresh_token()}"}
        request = self._http.build_request(
            method, url, headers={**_HEADERS, **headers, **bearer}, json=json
        )
        response = self._exchange(request)
        if response.status_code in accepted:
            return response
        raise error_of(response)

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            raise PortalUnavailable(f"no answer ({type(error).__name__})") from error

    def _address(self, link: str) -> str:
        url = urljoin(self._base, link)
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise PortalError("the portal's link leads to another host")
        return url

    def _fresh_token(self) -> str:
        if not self._token or self._timing.clock() >= self._token_ends:
            self._token = self._new_token()
        return self._token

    def _new_token(self) -> str:
        ours = self._settings
        request = self._http.build_request(
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
        response = self._exchange(request)
        if not response.is_success:
            raise _login_error(response)
        body = _json_object(response)
        token, seconds = body.get("access_token"), body.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int | str):
            raise PortalError("the login's answer has no token")
        self._token_ends = self._timing.clock() + float(seconds) - _EARLY
        return token


def error_of(response: httpx.Response) -> PortalError | PortalThrottled | PortalUnavailable:
    """Return the error that an answer stands for; its body may be anything."""
    status = response.status_code
    code, message = _told(response)
    what = f"HTTP {status}{f' {code}' if code else ''}"
    if status == _TOO_MANY_REQUESTS:
        return PortalThrottled(f"the portal asks for patience ({what})", _retry_after(response))
    if status in _TRANSIENT:
        return PortalUnavailable(f"the portal failed ({what})")
    refused = status in (_UNAUTHORIZED, _FORBIDDEN)
    kind = PortalRefused if refused or code == "0x80040220" else PortalError
    return kind(f"the portal refused ({what}): {message}", status, code)


def _login_error(response: httpx.Response) -> PortalError | PortalThrottled | PortalUnavailable:
    """Entra's errors are told apart by `error` alone; the description is for people, and long."""
    if response.status_code in _TRANSIENT or response.status_code == _TOO_MANY_REQUESTS:
        return error_of(response)
    code = _object_or_empty(response).get("error", f"HTTP {response.status_code}")
    return PortalRefused(f"the login refused us: {code}", 0, str(code))


def _told(response: httpx.Response) -> tuple[str, str]:
    error = _object_or_empty(response).get("error")
    if not isinstance(error, dict):
        return "", "no reason given"
    told = cast("dict[str, object]", error)
    return str(told.get("code") or ""), str(told.get("message") or "no reason given")[:200]


def _retry_after(response: httpx.Response) -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", _FALLBACK_WAIT)))
    except ValueError:
        return _FALLBACK_WAIT


def _object_or_empty(response: httpx.Response) -> dict[str, Any]:
    try:
        found: object = response.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _json_object(response: httpx.Response) -> dict[str, Any]:
    if found := _object_or_empty(response):
        return found
    kind = response.headers.get("Content-Type", "nothing")
    raise PortalError(f"the portal answered with {kind} where JSON was due; is its address right?")


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
