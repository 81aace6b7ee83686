"""Fetches the public keys with which Supabase Auth signs tokens (JWKS)."""

import json
from http import HTTPStatus

import httpx

from mentor_pause.errors import JwksUnavailable
from mentor_pause.retry import OutOfTime, call_within

LONGEST_SECONDS = 3.0
_TIMEOUT = httpx.Timeout(LONGEST_SECONDS)
_LARGEST = 65_536
"""Bytes; a project's key set has some hundreds."""

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""A compressed answer is refused, because a small one may unpack to any size."""


def fetch_jwks(
    url: str, transport: httpx.BaseTransport | None = None, longest: float = LONGEST_SECONDS
) -> object:
    """Return the JSON document at `url`, or stop waiting after `longest` seconds.

    Only status 200 counts; the client follows no redirect and uses no proxy of the environment.
    The error says what went wrong and does not name the address. The caller checks that the
    document is a key set.

    Raises:
        JwksUnavailable: no answer came in time, or the answer is not JSON.
    """
    try:
        # Leaving the block closes the connection, which ends a call that took too long.
        with httpx.Client(
            timeout=_TIMEOUT, transport=transport, trust_env=False, headers=_HEADERS
        ) as client:
            return json.loads(call_within(longest, lambda: _read(client, url)))
    except OutOfTime as error:
        raise JwksUnavailable("the key set did not arrive in time") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
        raise JwksUnavailable(f"the key set cannot be read: {type(error).__name__}") from error


def _read(client: httpx.Client, url: str) -> bytes:
    content = bytearray()
    with client.stream("GET", url) as answer:
        if answer.status_code != HTTPStatus.OK:
            raise JwksUnavailable(f"the key set cannot be read: HTTP {answer.status_code}")
        for chunk in answer.iter_raw():
            content += chunk
            if len(content) > _LARGEST:
                raise JwksUnavailable(f"the key set is larger than {_LARGEST} bytes")
    return bytes(content)
