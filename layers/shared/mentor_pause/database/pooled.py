"""The pooled transport: psycopg through the pooler, as a role that can only execute functions.

It uses psycopg's libpq layer and not a cursor. The pause loop spends its time in these calls, and a
cursor would double the time that the client needs for one (docs/decisions/0022).
"""

from collections.abc import Mapping
from functools import cache
from threading import Event
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from mentor_pause.database.error_classification import error_from_connection
from mentor_pause.database.session import Session
from mentor_pause.database.transport import CALL_SECONDS, CONNECT_SECONDS, Row
from mentor_pause.errors import DatabaseUnavailable, MentorPauseError
from mentor_pause.retry import OutOfTime, call_within, seconds_for_call


class PooledTransport:
    """One connection, which the first call opens, and the next call after it was lost."""

    def __init__(self, url: str) -> None:
        """`url` is a PostgreSQL connection URL or string."""
        self._url = url
        self._session: Session | None = None

    def call(self, function: str, arguments: Mapping[str, object]) -> list[Row]:
        """See `Transport.call`."""
        statement = _statement(function, tuple(arguments))
        try:
            session = self._open(seconds_for_call(CALL_SECONDS))
            return session.ask(statement, tuple(arguments.values()), seconds_for_call(CALL_SECONDS))
        except OutOfTime:
            pass
        finally:
            if self._session is not None and not self._session.is_open():
                self.close()
        raise DatabaseUnavailable(f"no answer from the database within {CALL_SECONDS:.0f} s")

    def _open(self, seconds: float) -> Session:
        if self._session is None:
            self._session = Session(_connect(self._url, min(seconds, CONNECT_SECONDS)))
        return self._session

    def close(self) -> None:
        """Close the connection; the next call opens one again."""
        if self._session is not None:
            self._session.close()
            self._session = None


def _connect(url: str, seconds: float) -> psycopg.Connection:
    """Open a connection within the seconds; close a connection that opens too late."""
    opened: list[psycopg.Connection] = []
    too_late = Event()

    def connect() -> psycopg.Connection:
        # No prepared statements: the pooler may send the next call to another server connection.
        # No transaction around the call: it would cost two more round trips.
        opened.append(psycopg.connect(url, autocommit=True, **_settings(url)))
        if too_late.is_set():
            opened[0].close()
        return opened[0]

    try:
        return call_within(seconds, connect)
    except OutOfTime:
        too_late.set()
        for connection in opened:
            connection.close()
        failure: MentorPauseError = DatabaseUnavailable(
            f"no connection to the database within {CONNECT_SECONDS:.0f} s"
        )
    except (psycopg.Error, ValueError) as error:
        failure = error_from_connection(str(error))
    raise failure  # outside the handler: the driver's error may repeat the URL


def _settings(url: str) -> dict[str, Any]:
    """Return settings that libpq would otherwise take from the environment or from the role."""
    return {
        "application_name": "mentor-pause",
        "client_encoding": "UTF8",
        # Without this, libpq would send the environment's PGOPTIONS, which a pooler refuses.
        "options": conninfo_to_dict(url).get("options") or "",
        # For each address; it ends attempts for which `_connect` no longer waits.
        "connect_timeout": round(CONNECT_SECONDS),
        "tcp_user_timeout": round(CALL_SECONDS * 1000),
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }


@cache
def _statement(function: str, names: tuple[str, ...]) -> bytes:
    """Return the call of a function, with parameters for its values (E14).

    Putting it together takes as long as sending it.
    """
    named = sql.SQL(", ").join(
        sql.SQL("{} => ${}").format(sql.Identifier(name), sql.Literal(number))
        for number, name in enumerate(names, 1)
    )
    call = sql.SQL("select * from public.{}({})").format(sql.Identifier(function), named)
    return call.as_bytes()
