"""How the stand-in portal misbehaves: a fault affects one request, a manner lasts until its end.

Sources: Microsoft's documentation of the Dataverse Web API ("Service protection API limits",
"Compose HTTP requests and handle errors", "Web service error codes") and of Entra ID ("Microsoft
Entra authentication and authorization error codes").
"""

import io
import math
import threading
from collections.abc import Buffer, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

type Fault = Literal[
    "none",
    "down",
    "unavailable",
    "unavailable for a while",
    "throttled",
    "throttled by time",
    "throttled by concurrency",
    "throttled until a date",
    "throttled without a time",
    "throttled for long",
    "answer lost",
    "drip",
    "token ended",
    "no JSON",
    "forbidden",
    "other business unit",
    "other record",
    "other object",
    "login throttled",
    "login unavailable",
    "login refused",
    "login page",
]
"""What goes wrong with one request.

`login ...` waits for the next login, `other record` and `other object` for the next update.
"""

type Manner = Literal[
    "small pages",
    "pages by cookie",
    "gzip",
    "slow answers",
    "late saves",
    "short tokens",
    "few requests",
    "foreign rows",
    "secured columns",
]
"""A behaviour of the stand-in that lasts until it is ended."""

OF_NAMES: tuple[Manner, ...] = ("foreign rows", "secured columns")
"""Manners that affect only named rows or columns."""
SLOW_SECONDS = 0.05
"""How long each answer takes in the manner `slow answers`."""
LATE_REQUESTS = 3
"""Requests after which a save of the manner `late saves` becomes visible."""
SHORT_SECONDS = 30
"""How long a token lives in the manner `short tokens`."""
FEW_REQUESTS, FEW_SECONDS = 60, 8
"""How many requests the manner `few requests` accepts within any so many seconds."""
_LONG_SECONDS, _WHILE_SECONDS = 300, 10


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        """`code` is Dataverse's own, often empty."""
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"error": {"code": code, "message": message}}
        self.headers = headers


class LoginRefusal(Refusal):
    """An answer of the login that is an error."""

    def __init__(self, status: int, error: str, description: str, **headers: str) -> None:
        """`description` begins with Entra's own code, such as `AADSTS7000215: ...`."""
        super().__init__(status, "", description, **headers)
        self.body = {"error": error, "error_description": f"{description} Trace ID: 0. Time: now."}


class Drip(io.BufferedIOBase):
    """Sends a byte now and then, until the reader hangs up or the server closes."""

    def __init__(self, out: io.BufferedIOBase, closing: threading.Event, seconds: float) -> None:
        """Write to `out`, one byte every `seconds`."""
        super().__init__()
        self._out, self._closing, self._seconds = out, closing, seconds

    def write(self, content: Buffer) -> int:
        """Send the whole content, slowly."""
        whole = bytes(content)
        with suppress(OSError):
            for byte in whole:
                if self._closing.wait(self._seconds):
                    break
                self._out.write(bytes([byte]))
        return len(whole)


def waits_for(fault: Fault) -> str | None:
    """Return the HTTP method of the requests that a fault affects; None: any method."""
    if fault.startswith("login"):
        return "POST"
    return "PATCH" if fault in ("other record", "other object") else None


def refusal_of(fault: Fault | None, retry_after: int) -> Refusal | None:
    """Return the error that a fault answers with; None: the request goes on.

    `retry_after`, in seconds, is the value of the header of a throttled request.
    """
    made = _REFUSALS.get(fault) if fault else None
    return made(retry_after) if made else None


def too_many_requests(seconds: float) -> Refusal:
    """Refuse a request beyond the limit; the client may come back in so many seconds."""
    return _throttled(_COUNT)(max(1, math.ceil(seconds)))


def foreign() -> Refusal:
    """Refuse a row of another business unit."""
    return Refusal(403, "0x80048306", "The user does not have access to the record's owner.")


def wrong_secret() -> LoginRefusal:
    """Refuse a login whose secret is not the application's."""
    return LoginRefusal(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")


def _throttled(code: str, wait: Callable[[int], str | None] = str) -> Callable[[int], Refusal]:
    def refuse(seconds: int) -> Refusal:
        retry_after = wait(seconds)
        headers = {} if retry_after is None else {"Retry_After": retry_after}
        return Refusal(429, code, "Number of requests exceeded the limit.", **headers)

    return refuse


def _date_in(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


_COUNT, _TIME, _CONCURRENCY = "0x80072322", "0x80072321", "0x80072326"
_REFUSALS: dict[Fault, Callable[[int], Refusal]] = {
    "unavailable": lambda _: Refusal(503, "", "The service is unavailable."),
    "unavailable for a while": lambda _: Refusal(
        503, "", "The service is unavailable.", Retry_After=str(_WHILE_SECONDS)
    ),
    "throttled": _throttled(_COUNT),
    "throttled by time": _throttled(_TIME),
    "throttled by concurrency": _throttled(_CONCURRENCY),
    "throttled until a date": _throttled(_COUNT, _date_in),
    "throttled without a time": _throttled(_COUNT, lambda _: None),
    "throttled for long": _throttled(_COUNT, lambda _: str(_LONG_SECONDS)),
    "forbidden": lambda _: Refusal(
        403, "0x80040220", "Principal user is missing prvWrite privilege."
    ),
    "other business unit": lambda _: foreign(),
    "other record": lambda _: Refusal(
        404, "0x80060891", "A record with the specified key values does not exist in hlf_chapter."
    ),
    "other object": lambda _: Refusal(
        404, "0x80040217", "Entity 'hlf_chapter' With Id = 0 Does Not Exist"
    ),
    "login throttled": lambda seconds: LoginRefusal(
        429, "temporarily_unavailable", "AADSTS90055: Too many requests.", Retry_After=str(seconds)
    ),
    "login unavailable": lambda _: LoginRefusal(
        503, "temporarily_unavailable", "AADSTS90033: A transient error has occurred."
    ),
    "login refused": lambda _: wrong_secret(),
}
