"""The interface of a transport to the database.

Both transports report a failure by the same code: PostgreSQL's SQLSTATE, or PostgREST's `PGRST...`
where the database was never reached (`error_table.py`).
"""

from collections.abc import Mapping
from typing import Protocol

type Row = dict[str, object]

CALL_SECONDS = 10.0
"""No call lasts longer, whatever the peer does (R2); the database's own limit is 8 s."""

CONNECT_SECONDS = 5.0
"""Connecting lasts no longer as a whole: all addresses, TLS and login."""

IDS_PER_CALL = 500
"""How many ids go into one call, and how many rows come back in one page."""

LIST_KEYS: Mapping[str, str] = {
    "list_all_portal_states": "mentor_id",
    "list_executions": "-id",
    "list_expired_mentors": "mentor_id",
    "list_portal_certifications": "portal_id",
    "list_portal_states": "mentor_id",
    "list_run_outcomes": "mentor_id",
    "list_running_executions": "id",
    "list_unsynced_mentors": "mentor_id",
}
"""Each function that returns many rows, and the unique column that orders them; `-`: descending.

A REST interface cuts an answer at its `max-rows`; the transport asks for the rest by this key.
"""


class Transport(Protocol):
    """Calls database functions, each in one round trip and one transaction of its own."""

    def call(self, function: str, arguments: Mapping[str, object]) -> list[Row]:
        """Call `public.<function>` with named arguments and return all its rows.

        A scalar comes back as one row with one column, named as the function. The call ends within
        `CALL_SECONDS`, or with the work that it belongs to (`retry.py`).

        Raises:
            RetryableDatabaseError: the same call may succeed later.
            DatabaseError: the database refused, or its answer cannot be read.
        """
        ...

    def close(self) -> None:
        """Close the connections; the next call opens one again."""
        ...
