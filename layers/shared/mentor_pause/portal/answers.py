"""What an answer of the portal, or of its login, means.

An error's text names the HTTP status and Dataverse's code and nothing else, because the portal's
message may hold names or values of people (E13). The message is kept apart, in `vendor_message`,
for a person who asks.
"""

import math
import re
from email.utils import parsedate_to_datetime
from typing import Any, cast

from mentor_pause.errors import PortalError, PortalRefused, PortalThrottled, PortalUnavailable
from mentor_pause.http import Response
from mentor_pause.portal.json_text import parse

type Failure = PortalError | PortalThrottled | PortalUnavailable

UNAUTHORIZED, TOO_MANY_REQUESTS = 401, 429
_TRANSIENT = frozenset({408, *range(500, 600)} - {501})
_CODE = re.compile(r"0x[0-9A-Fa-f]{1,8}")
_LOGIN_CODE = re.compile(r"AADSTS[0-9]{1,9}(?![0-9A-Za-z])")
"""Entra's error code, at the beginning of its message; an operator looks it up."""
_LEAST_WAIT, _USUAL_WAIT = 1.0, 5.0
"""Seconds to wait after a 429: at the least, and where its `Retry-After` makes no sense."""
_LOGIN_ERRORS = frozenset(
    {
        "invalid_request", "invalid_client", "invalid_grant", "invalid_scope",
        "invalid_resource", "unauthorized_client", "unsupported_grant_type",
    }
)  # fmt: skip


def error_of(response: Response) -> Failure:
    """Return the error of an answer; its body may be anything."""
    status = response.status_code
    code, vendor_message = _code_and_message(response)
    what = f"HTTP {status}{f' {code}' if code else ''}"
    if _asks_to_wait(response):
        return _throttled(f"the portal asks the client to wait ({what})", response)
    if status in _TRANSIENT:
        return PortalUnavailable(f"the portal failed ({what})")
    if response.is_success or response.is_redirect:
        return PortalError(
            f"the portal answered with {_kind(response)} (HTTP {status}), which Dataverse never "
            "does; is its address right?", status,
        )  # fmt: skip
    kind = PortalRefused if status == UNAUTHORIZED else PortalError
    return kind(f"the portal refused the request ({what})", status, code, vendor_message)


def login_error_of(response: Response) -> Failure:
    """Return the error of a login; only the field `error` says which of Entra's errors it is."""
    body, status = object_or_empty(response), response.status_code
    error = body.get("error")
    if _asks_to_wait(response):
        return _throttled("the login asks the client to wait", response)
    if status in _TRANSIENT or error == "temporarily_unavailable":
        return PortalUnavailable(f"the login failed (HTTP {status})")
    known = error if isinstance(error, str) and error in _LOGIN_ERRORS else "unknown error"
    code = _LOGIN_CODE.match(str(body.get("error_description")))
    what = f"HTTP {status}{f' {code[0]}' if code else ''}"
    return PortalRefused(f"the login refused us: {known} ({what})")


def _asks_to_wait(response: Response) -> bool:
    """Whether a server asks the client to wait: 429, or another failure with a `Retry-After`."""
    status = response.status_code
    says_for_how_long = "Retry-After" in response.headers
    return status == TOO_MANY_REQUESTS or (status in _TRANSIENT and says_for_how_long)


def _throttled(message: str, response: Response) -> PortalThrottled:
    has_failed = response.status_code != TOO_MANY_REQUESTS
    return PortalThrottled(message, seconds_to_wait(response), has_failed=has_failed)


def seconds_to_wait(response: Response) -> float:
    """Read `Retry-After`: seconds, or a date, which is compared with the server's own clock."""
    given = response.header("Retry-After")
    try:
        seconds = float(given)
    except ValueError:
        try:
            until = parsedate_to_datetime(given)
            seconds = (until - parsedate_to_datetime(response.headers["Date"])).total_seconds()
        except (KeyError, TypeError, ValueError):
            return _USUAL_WAIT
    return max(_LEAST_WAIT, seconds) if math.isfinite(seconds) else _USUAL_WAIT


def token_of(response: Response) -> tuple[str, float]:
    """Return a login's token and for how many seconds it is valid.

    Raises:
        PortalRefused: the answer holds no token that could be sent.
    """
    body = object_or_empty(response)
    token = body.get("access_token")
    if not (isinstance(token, str) and token and token.isascii() and token.isprintable()):
        raise PortalRefused(
            f"the login answered with {_kind(response)} that holds no token; is its address right?"
        )
    try:
        seconds = float(body.get("expires_in", math.nan))
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    usual = 300.0
    return token, seconds if math.isfinite(seconds) and seconds > 0 else usual


def json_object(response: Response) -> dict[str, Any]:
    """Return the JSON object in an answer's body.

    Raises:
        PortalError: the body is something else, such as a proxy's page.
    """
    if body := object_or_empty(response):
        return body
    raise PortalError(
        f"the portal answered with {_kind(response)} instead of a JSON object; "
        "is its address right?"
    )


def object_or_empty(response: Response) -> dict[str, Any]:
    """Return the JSON object in an answer's body, or an empty one."""
    try:
        body = parse(response.content)
    except ValueError:
        return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _kind(response: Response) -> str:
    """Return the answer's media type, or "something" where the header holds no media type."""
    stated = response.header("Content-Type").partition(";")[0].strip()
    return stated if re.fullmatch(r"[\w.+-]{1,40}/[\w.+-]{1,60}", stated) else "something"


def _code_and_message(response: Response) -> tuple[str, str]:
    error = object_or_empty(response).get("error")
    if not isinstance(error, dict):
        return "", ""
    code, message = (cast("dict[str, object]", error).get(name) for name in ("code", "message"))
    known = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    return known, _printable(message)


def _printable(message: object) -> str:
    """Return the beginning of the portal's message in characters that a terminal can show."""
    text = message[:500] if isinstance(message, str) else ""
    return "".join(character if character.isprintable() else "?" for character in text)
