"""The REST transport: PostgREST's `POST /rest/v1/rpc/<function>` with the service-role credential.

Only a 2xx answer is a success. The project's `max-rows` may cut an answer. Each answer says how
many rows there are (`Prefer: count=exact`), so the transport notices a cut and fetches the rest by
key (documentation of PostgREST, "Pagination and Count").
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from pydantic_core import PydanticSerializationError, to_json

from mentor_pause.database.answers import Answer, read_answer
from mentor_pause.database.error_classification import error_from_connection
from mentor_pause.database.transport import (
    CALL_SECONDS,
    LIST_KEYS,
    Row,
)
from mentor_pause.errors import (
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    MentorPauseError,
)
from mentor_pause.http import MEBIBYTE, CannotBeSent, Http, HttpError, Request, Response
from mentor_pause.http.client import HttpClient
from mentor_pause.retry import OutOfTime

_MOST = 64 * MEBIBYTE
"""The largest answer: a list is cut at `max-rows`, and the function has 512 MB."""


class RestTransport:
    """One HTTP client, which keeps its connections open between calls."""

    def __init__(self, url: str, key: str, http: Http | None = None) -> None:
        """`url` is the project's; `key` is a secret key (`sb_secret_...`) or a service-role JWT."""
        self._url = f"{url.rstrip('/')}/rest/v1/rpc/"
        # A secret key is not a token: PostgREST refuses it as Bearer (PGRST301).
        bearer = {} if key.startswith("sb_secret_") else {"Authorization": f"Bearer {key}"}
        content = {"Content-Type": "application/json", "Prefer": "count=exact"}
        self._headers = {"apikey": key, **content, **bearer}
        self._http = http or HttpClient()

    def call(self, function: str, arguments: Mapping[str, object]) -> list[Row]:
        """See `Transport.call`."""
        content, key = encode_arguments(arguments), LIST_KEYS.get(function)
        answer = self._ask(function, content, _order(key))
        rows = list(answer.rows)
        while answer.may_be_cut(has_key=key is not None):
            if key is None or not answer.rows:
                raise _cut(function)
            answer = self._ask(function, content, _after(key, rows[-1]))
            if answer.rows and answer.rows[-1] == rows[-1]:  # the same rows: it would never end
                raise _cut(function)
            rows += answer.rows
        return rows

    def close(self) -> None:
        """Close the connections; the next call opens one again."""
        self._http.close()

    def _ask(self, function: str, content: bytes, query: Mapping[str, str]) -> Answer:
        return read_answer(function, self._post(function, content, query))

    def _post(self, function: str, content: bytes, query: Mapping[str, str]) -> Response:
        """Send a request and return its whole answer, also in time if the server sends slowly."""
        url = f"{self._url}{function}"
        if query:
            url += f"?{urlencode(query)}"
        try:
            return self._http.send(
                Request("POST", url, self._headers, content, CALL_SECONDS, _MOST)
            )
        except OutOfTime:
            failure: MentorPauseError = DatabaseUnavailable(
                f"no answer from the database within {CALL_SECONDS:.0f} s"
            )
        except CannotBeSent:
            failure = DatabaseMisconfigured(
                "the request cannot be sent as it is configured;"
                " check SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY"
            )
        except HttpError as error:
            failure = error_from_connection(str(error), "SUPABASE_URL")
        raise failure  # outside the handler: the client's error may repeat the URL or the key


def encode_arguments(arguments: Mapping[str, object]) -> bytes:
    """Return a request's body.

    Raises:
        DatabaseError: a value cannot be sent.
    """
    try:
        return to_json(arguments)
    except (PydanticSerializationError, ValueError):
        pass
    raise DatabaseError("a value cannot be sent: it holds NUL or a lone surrogate", "22P05")


def _order(key: str | None) -> dict[str, str]:
    """Return the query that orders a list by its key; a key that begins with `-` descends."""
    if key is None:
        return {}
    return {"order": f"{key.removeprefix('-')}.{'desc' if key.startswith('-') else 'asc'}"}


def _after(key: str, last: Row) -> dict[str, str]:
    column, operator = key.removeprefix("-"), "lt" if key.startswith("-") else "gt"
    return _order(key) | {column: f"{operator}.{last[column]}"}


def _cut(function: str) -> DatabaseMisconfigured:
    return DatabaseMisconfigured(f"max-rows of the project cuts the answer of {function}; raise it")
