"""The database client: a typed method for each database function that the code calls.

Nothing else runs SQL in the Lambdas. A method returns the same values over either transport, and
repeats a failed call by the client's `retry`. Every method raises `RetryableDatabaseError` when the
call may succeed later and `DatabaseError` when the database refused; the error has the SQLSTATE.
"""

from dataclasses import dataclass

from mentor_pause.config import PooledDatabase, RestDatabase
from mentor_pause.database.calls import (
    Begun,
    Execution,
    ExecutionStatus,
    Finished,
    LostEnd,
    MemberRole,
    MentorStatus,
    OrgScope,
    RunFreshness,
    StatusChange,
)
from mentor_pause.database.mentor_functions import MentorFunctions
from mentor_pause.database.message_functions import MessageFunctions
from mentor_pause.database.message_results import Message, MessageFigures
from mentor_pause.database.plan_functions import PlanFunctions
from mentor_pause.database.run_functions import RunFunctions
from mentor_pause.database.transport import Transport
from mentor_pause.retry import NO_RETRY, Retry

__all__ = [
    "Begun",
    "Database",
    "Execution",
    "ExecutionStatus",
    "Finished",
    "LostEnd",
    "MemberRole",
    "MentorStatus",
    "Message",
    "MessageFigures",
    "OrgScope",
    "RunFreshness",
    "StatusChange",
    "connect",
    "open_transport",
]


@dataclass(frozen=True, slots=True)
class Database(MentorFunctions, MessageFunctions, PlanFunctions, RunFunctions):
    """All database functions, typed."""


def connect(settings: RestDatabase | PooledDatabase, retry: Retry = NO_RETRY) -> Database:
    """Return a client over the transport that is configured."""
    return Database(open_transport(settings), retry)


def open_transport(settings: RestDatabase | PooledDatabase) -> Transport:
    """Return the transport that is configured; the other one's package is not imported."""
    if isinstance(settings, PooledDatabase):
        from mentor_pause.database.pooled import PooledTransport  # noqa: PLC0415 - where used

        return PooledTransport(settings.url.get_secret_value())
    from mentor_pause.database.rest import RestTransport  # noqa: PLC0415 - where used

    return RestTransport(settings.url, settings.key.get_secret_value())
