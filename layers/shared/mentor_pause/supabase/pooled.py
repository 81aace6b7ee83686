"""The pooled wire: psycopg through the pooler, as a role that can only execute functions.

It sends by psycopg's libpq layer and not by a cursor: the pause loop waits for nothing else, and a
cursor costs as much of the client's time again (docs/decisions/0022).
"""

from collections.abc import Mapping, Sequence
from functools import cache

import psycopg
from psycopg import adapt, sql
from psycopg.abc import Transformer
from psycopg.adapt import PyFormat
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

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
        self._connection: psycopg.Connection | None = None
        self._types: Transformer | None = None

    def call(self, function: str, arguments: Mapping[str, object]) -> list[Row]:
        """See `Wire.call`."""
        try:
            return self._ask(_statement(function, tuple(arguments)), tuple(arguments.values()))
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

    def _ask(self, statement: bytes, values: Sequence[object]) -> list[Row]:
        pgconn, types = self._open()
        parameters = types.dump_sequence(values, [PyFormat.AUTO] * len(values))
        result = pgconn.exec_params(statement, parameters, types.types or (), types.formats)
        if result.status != ExecStatus.TUPLES_OK:
            raise _failure(result)
        types.set_pgresult(result)
        names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
        return types.load_rows(0, result.ntuples, lambda row: dict(zip(names, row, strict=True)))

    def _open(self) -> tuple[PGconn, Transformer]:
        if self._connection is None or self._types is None or self._connection.closed:
            # No prepared statements: the pooler may hand the next call to another server.
            # No transaction around the call either, which would cost two more round trips.
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=_CONNECT_SECONDS,
                tcp_user_timeout=_SILENCE_MILLISECONDS,
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                application_name="mentor-pause",
            )
            self._types = adapt.Transformer(self._connection)
        return self._connection.pgconn, self._types

    def close(self) -> None:
        """Close the connection; the next call opens one again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._types = None


def _failure(result: PGresult) -> psycopg.Error:
    error = error_from_result(result)
    if error.sqlstate is None:  # it is libpq that speaks, and not the server
        return psycopg.OperationalError(str(error))
    return error


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


@cache
def _statement(function: str, names: tuple[str, ...]) -> bytes:
    """Return the call of a function; putting it together takes as long as sending it."""
    named = sql.SQL(", ").join(
        sql.SQL("{} => ${}").format(sql.Identifier(name), sql.Literal(number))
        for number, name in enumerate(names, 1)
    )
    call = sql.SQL("select * from public.{}({})").format(sql.Identifier(function), named)
    return call.as_bytes()
