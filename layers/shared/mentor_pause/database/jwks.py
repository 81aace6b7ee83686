"""Fetches the public keys with which Supabase Auth signs tokens (JWKS)."""

from http import HTTPStatus

from mentor_pause.errors import JwksUnavailable
from mentor_pause.http import Http, HttpError, Request, TooLarge
from mentor_pause.http.client import HttpClient
from mentor_pause.retry import OutOfTime

LONGEST_SECONDS = 3.0
_LARGEST = 65_536
"""Bytes; a project's key set has some hundreds."""


def fetch_jwks(url: str, http: Http | None = None, longest: float = LONGEST_SECONDS) -> object:
    """Return the JSON document at `url`, or stop waiting after `longest` seconds.

    Only status 200 counts. The error says what went wrong and does not name the address. The caller
    checks that the document is a key set.

    Raises:
        JwksUnavailable: no answer came in time, or the answer is not JSON.
    """
    http = http or HttpClient()
    headers = {"Accept": "application/json"}
    try:
        answer = http.send(Request("GET", url, headers, longest=longest, largest=_LARGEST))
        if answer.status_code != HTTPStatus.OK:
            raise JwksUnavailable(f"the key set cannot be read: HTTP {answer.status_code}")
        return answer.json()
    except OutOfTime as error:
        raise JwksUnavailable("the key set did not arrive in time") from error
    except TooLarge as error:
        raise JwksUnavailable(f"the key set is larger than {_LARGEST} bytes") from error
    except (HttpError, ValueError, RecursionError) as error:
        raise JwksUnavailable(f"the key set cannot be read: {type(error).__name__}") from error
    finally:
        http.close()
