"""What a wire to the database is, and how its errors are told apart.

Both wires report a failure by the same code: PostgreSQL's SQLSTATE, or PostgREST's `PGRST...`
where the database was never reached (documentation of PostgREST, "Errors").
"""

from collections.abc import Mapping
from typing import Protocol

from mentor_pause.errors import (
    Conflict,
    DatabaseError,
    DatabaseUnavailable,
    Forbidden,
    MentorPauseError,
    NotFound,
    RetryableDatabaseError,
    VersionConflict,
)

type Row = dict[str, object]

IDS_PER_CALL = 500
"""PostgREST caps the rows of a function at 1000 by default (`max-rows`)."""


class Wire(Protocol):
    """Calls database functions, each in one round trip and one transaction of its own."""

    def call(self, function: str, arguments: Mapping[str, object]) -> list[Row]:
        """Call `public.<function>` with named arguments and return its rows.

        A scalar comes back as one row with one column, named as the function.

        Raises:
            RetryableDatabaseError: the same call may succeed later.
            DatabaseError: the database refused.
        """
        ...

    def close(self) -> None:
        """Close the connections; the next call opens one again."""
        ...


_UNAVAILABLE = (
    "08", "57P", "53300", "57014",
    "PGRST000", "PGRST001", "PGRST002", "PGRST003",
)  # fmt: skip
_RETRYABLE = ("40", "53", "55P03", "57", "58", "XX000")
_BY_CODE = {"PT403": Forbidden, "PT404": NotFound, "PT409": Conflict}
_BY_HINT = {"version_conflict": VersionConflict}


def database_error(
    code: str | None, message: str, detail: str | None = None, hint: str | None = None
) -> MentorPauseError:
    """Return the error for a code; without one nobody answered, so the database is unavailable."""
    if code is None or code.startswith(_UNAVAILABLE):
        return DatabaseUnavailable(message, code, detail, hint)
    if code.startswith(_RETRYABLE):
        return RetryableDatabaseError(message, code, detail, hint)
    by_code = _BY_CODE.get(code, DatabaseError)
    return _BY_HINT.get(hint or "", by_code)(message, code, detail, hint)
