"""The REST wire: PostgREST's `POST /rest/v1/rpc/<function>` with the service-role credential."""

from collections.abc import Mapping
from typing import cast

import httpx
from pydantic_core import to_json

from mentor_pause.errors import DatabaseError, MentorPauseError
from mentor_pause.supabase.wire import Row, database_error

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_SERVER_ERROR = 500


class RestWire:
    """Keeps its connections open between calls."""

    def __init__(self, url: str, key: str, transport: httpx.BaseTransport | None = None) -> None:
        """`url` is the project's, `key` a secret key (`sb_secret_...`) or a service-role JWT."""
        # A secret key is no token: as Bearer it is refused (PGRST301). The legacy JWT goes in both.
        bearer = {} if key.startswith("sb_secret_") else {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/rest/v1/rpc/",
            headers={"apikey": key, "Content-Type": "application/json", **bearer},
            timeout=_TIMEOUT,
            transport=transport,
        )

    def call(self, function: str, arguments: Mapping[str, object]) -> list[Row]:
        """See `Wire.call`."""
        try:
            response = self._http.post(function, content=to_json(arguments))
        except httpx.LocalProtocolError as error:
            raise DatabaseError("the request cannot be sent as it is configured") from error
        except httpx.HTTPError as error:
            raise database_error(None, type(error).__name__) from error
        if response.is_error:
            raise _error(response)
        return _rows(function, response)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _rows(function: str, response: httpx.Response) -> list[Row]:
    try:
        body: object = response.json()
    except ValueError as error:
        raise database_error(
            None, f"HTTP {response.status_code} with a body that is no JSON"
        ) from error
    if isinstance(body, list):
        return cast("list[Row]", body)
    return [{function: body}]


def _error(response: httpx.Response) -> MentorPauseError:
    """Classify by the code in the body; a gateway's page without one says only whether to retry."""
    try:
        found: object = response.json()
    except ValueError:
        found = None
    body = cast("dict[str, str | None]", found) if isinstance(found, dict) else {}
    status = f"HTTP {response.status_code}"
    if code := body.get("code"):
        return database_error(
            code, body.get("message") or status, body.get("details"), body.get("hint")
        )
    may_pass = response.status_code >= _SERVER_ERROR or response.status_code in (408, 429)
    return database_error(None if may_pass else status, status)
