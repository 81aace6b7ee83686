"""The pooled wire: psycopg through the pooler, as a role that can only execute functions."""

from collections.abc import Mapping

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from mentor_pause.errors import DatabaseError
from mentor_pause.supabase.wire import Row, database_error

_CONNECT_SECONDS = 5
_SILENCE_MILLISECONDS = 10_000
"""A peer that acknowledges nothing for so long is gone; no statement may take longer than 8 s."""


class PooledWire:
    """One connection, opened at the first call and again after it was lost."""

    def __init__(self, url: str) -> None:
        """`url` is a PostgreSQL connection URL."""
        self._url = url
        self._connection: psycopg.Connection[Row] | None = None

    def call(self, function: str, arguments: Mapping[str, object]) -> list[Row]:
        """See `Wire.call`."""
        try:
            return self._open().execute(_statement(function, arguments), arguments).fetchall()
        except psycopg.Error as error:
            if self._connection is not None and self._connection.broken:
                self.close()
            if error.sqlstate is None and not isinstance(error, psycopg.OperationalError):
                raise DatabaseError(_refused_here(error)) from error
            raise database_error(
                error.sqlstate,
                error.diag.message_primary or _without_answer(error),
                error.diag.message_detail,
                error.diag.message_hint,
            ) from error

    def _open(self) -> psycopg.Connection[Row]:
        if self._connection is None or self._connection.closed:
            # No prepared statements: the pooler may hand the next call to another server.
            # No transaction around the call either, which would cost two more round trips.
            self._connection = psycopg.Connection[Row].connect(
                self._url,
                autocommit=True,
                prepare_threshold=None,
                row_factory=dict_row,
                connect_timeout=_CONNECT_SECONDS,
                tcp_user_timeout=_SILENCE_MILLISECONDS,
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                application_name="mentor-pause",
            )
        return self._connection

    def close(self) -> None:
        """Close the connection; the next call opens one again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _refused_here(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.ProgrammingError):
        return "SUPABASE_DB_URL cannot be read; is its password percent-encoded?"
    return type(error).__name__


def _without_answer(error: psycopg.Error) -> str:
    """Say why there was no answer, in words of our own: libpq's may repeat parts of the URL."""
    text = str(error).lower()
    found = [reason for sign, reason in _REASONS.items() if sign in text]
    return f"no connection to the database: {found[0] if found else type(error).__name__}"


_REASONS = {
    "password authentication failed": "wrong user or password",
    "certificate": "its certificate is not trusted",
    "connection refused": "nobody listens there",
    "could not translate host name": "no such host",
    "failed to resolve host": "no such host",
    "timeout": "no answer in time",
    "server closed the connection": "the server closed it",
}


def _statement(function: str, arguments: Mapping[str, object]) -> sql.Composed:
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name in arguments
    )
    return sql.SQL("select * from public.{}({})").format(sql.Identifier(function), named)
