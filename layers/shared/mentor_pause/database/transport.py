"""The interface of a transport to the database.

Both transports raise the same error for the same code: PostgreSQL's SQLSTATE, or PostgREST's
`PGRST...` if PostgREST could not call the database (`error_table.py`).
"""

from collections.abc import Mapping
from typing import Protocol

type Row = dict[str, object]

CALL_SECONDS = 10.0
"""The longest time of a call (R2); the database's own limit for a statement is 8 s."""

CONNECT_SECONDS = 5.0
"""The longest time for connecting: all addresses, TLS and login together."""

IDS_PER_CALL = 500
"""The most ids in one call, and the most rows in one page of a listing."""


class JsonArray(list[dict[str, object]]):
    """An argument of the type jsonb; a plain list is an array of PostgreSQL."""


LIST_KEYS: Mapping[str, str] = {
    "list_all_portal_states": "mentor_id",
    "list_executions": "-id",
    "list_messages": "-id",
    "list_missed_nights": "-as_of",
    "list_paused_unwarned": "mentor_id",
    "list_plan": "mentor_id",
    "list_planned_mentors": "mentor_id",
    "list_portal_certifications": "portal_id",
    "list_portal_states": "mentor_id",
    "list_run_outcomes": "mentor_id",
    "list_run_pauses": "mentor_id",
    "list_running_executions": "id",
    "list_unsynced_mentors": "mentor_id",
    "plan_certification_expiry": "mentor_id",
}
"""Each function that returns many rows, and the unique column that orders them; `-`: descending.

PostgREST cuts an answer at its `max-rows`; the REST transport fetches the rest by this key.
"""


class Transport(Protocol):
    """Calls database functions, each in one round trip and one transaction of its own."""

    def call(self, function: str, arguments: Mapping[str, object]) -> list[Row]:
        """Call `public.<function>` with named arguments and return all its rows.

        A scalar comes back as one row with one column, named as the function. The call ends within
        `CALL_SECONDS`, and not later than the current work (`retry.time_limit`).

        Raises:
            RetryableDatabaseError: the same call may succeed later.
            DatabaseError: the database refused, or its answer cannot be read.
        """
        ...

    def close(self) -> None:
        """Close the connections; the next call opens one again."""
        ...
