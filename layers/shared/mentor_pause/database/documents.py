"""Reads public JSON documents over HTTP."""

import json
from http import HTTPStatus

import httpx

from mentor_pause.errors import DocumentUnavailable
from mentor_pause.retry import OutOfTime, call_within

LONGEST_SECONDS = 3.0
_TIMEOUT = httpx.Timeout(LONGEST_SECONDS)
_LARGEST = 65_536
"""Bytes; a project's key document has some hundreds."""

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""An answer that is compressed nevertheless is refused: a small one may unpack to any size."""


def fetch_json(
    url: str, transport: httpx.BaseTransport | None = None, longest: float = LONGEST_SECONDS
) -> object:
    """Return the JSON document at `url`, within `longest` seconds however slowly it comes.

    Only 200 counts: redirects are not followed. The environment's proxies are not used. The error
    says what went wrong and does not name the address.

    Raises:
        DocumentUnavailable: there was no answer in time, or it is not a JSON document.
    """
    try:
        # Leaving the client closes its connection, and with it ends a call that was given up.
        with httpx.Client(
            timeout=_TIMEOUT, transport=transport, trust_env=False, headers=_HEADERS
        ) as client:
            return json.loads(call_within(longest, lambda: _read(client, url)))
    except OutOfTime as error:
        raise DocumentUnavailable("the document was not there in time") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
        raise DocumentUnavailable(f"the document cannot be read: {type(error).__name__}") from error


def _read(client: httpx.Client, url: str) -> bytes:
    found = bytearray()
    with client.stream("GET", url) as answer:
        if answer.status_code != HTTPStatus.OK:
            raise DocumentUnavailable(f"the document cannot be read: HTTP {answer.status_code}")
        for chunk in answer.iter_raw():
            found += chunk
            if len(found) > _LARGEST:
                raise DocumentUnavailable(f"the document is larger than {_LARGEST} bytes")
    return bytes(found)
