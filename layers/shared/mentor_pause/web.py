"""Reads public JSON documents over HTTP."""

import httpx

from mentor_pause.errors import DocumentUnavailable

_TIMEOUT = httpx.Timeout(3.0)


def fetch_json(url: str, transport: httpx.BaseTransport | None = None) -> object:
    """Return the JSON document at `url`; redirects are not followed.

    Raises:
        DocumentUnavailable: there was no answer, or it is no JSON document.
    """
    try:
        with httpx.Client(timeout=_TIMEOUT, transport=transport) as client:
            answer = client.get(url, headers={"Accept": "application/json"}).raise_for_status()
            return answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise DocumentUnavailable(f"{url} cannot be read: {type(error).__name__}") from error
