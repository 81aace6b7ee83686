"""The pooled transport: psycopg through the pooler, as a role that can only execute functions.

libpq's blocking calls wait for ever when the other side keeps the connection and sends nothing, as
a paused pooler does. So a session sends without blocking, polls the socket and reads (R2). It does
not use psycopg's cursor, which would double the time that the client needs for a call
(docs/decisions/0022). It requests binary results, because they do not depend on settings such as
DateStyle and TimeZone, which a role or database may have (R4).
"""

import select
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import Event
from typing import Any, override

import psycopg
from psycopg import adapt, pq, sql
from psycopg.adapt import Buffer, PyFormat
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq.abc import PGresult
from pydantic_core import to_json

from mentor_pause.database.error_classification import error_from_code, error_from_connection
from mentor_pause.database.transport import CALL_SECONDS, CONNECT_SECONDS, JsonArray, Row
from mentor_pause.errors import DatabaseError, DatabaseUnavailable, MentorPauseError
from mentor_pause.retry import OutOfTime, call_within, seconds_for_call

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_VOID = 2278
_JSONB = 3802
_TEXTS = ("text", "varchar", "bpchar", "name")
_PART_FOR_CANCELLING = 0.1
"""The part of a call's seconds that is reserved for cancelling: 1 s of 10."""


class Session:
    """Sends statements over one connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        """Only this session uses the connection. It sends no `begin`: each statement commits."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._poll = select.poll()
        self._register_loaders()
        connection.adapters.register_dumper(JsonArray, _Json)
        self._types = adapt.Transformer(connection)

    def is_open(self) -> bool:
        """Whether the connection is open, as far as libpq knows."""
        return self._pgconn.status == pq.ConnStatus.OK

    def ask(self, statement: bytes, values: Sequence[object], seconds: float) -> list[Row]:
        """Send a statement and return its rows.

        Raises:
            OutOfTime: no answer came within the seconds; the connection is closed.
            MentorPauseError: the database refused, or the connection is lost.
        """
        parameters = self._dump(values)
        ends_at = time.monotonic() + seconds * (1 - _PART_FOR_CANCELLING)
        try:
            results = self._exchange(statement, parameters, ends_at)
        except OutOfTime:
            self._abandon(seconds * _PART_FOR_CANCELLING)
            raise
        failed = [r for r in results if r.status != pq.ExecStatus.TUPLES_OK]
        if failed or not results:
            raise self._failure(failed)
        return self._read(results[0])

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _dump(self, values: Sequence[object]) -> Sequence[Buffer | None]:
        try:
            return self._types.dump_sequence(values, [PyFormat.AUTO] * len(values))
        except (psycopg.Error, ValueError, OverflowError):
            pass
        raise DatabaseError("a value cannot be sent: it holds NUL or a lone surrogate")

    def _exchange(
        self, statement: bytes, parameters: Sequence[Buffer | None], ends_at: float
    ) -> list[PGresult]:
        """Return all results: when a session ends, libpq adds its own error to the server's."""
        pgconn, results = self._pgconn, list[PGresult]()
        try:
            pgconn.send_query_params(
                statement,
                parameters,
                self._types.types or (),
                self._types.formats,
                pq.Format.BINARY,
            )
            while pgconn.flush():
                self._wait(select.POLLIN | select.POLLOUT, ends_at)
                pgconn.consume_input()
            while True:
                while pgconn.is_busy():
                    self._wait(select.POLLIN, ends_at)
                    pgconn.consume_input()
                if (result := pgconn.get_result()) is None:
                    return results
                results.append(result)
        except psycopg.Error:
            while (result := pgconn.get_result()) is not None:
                results.append(result)
            return results

    def _wait(self, events: int, ends_at: float) -> None:
        self._poll.register(self._pgconn.socket, events)
        seconds = ends_at - time.monotonic()
        if seconds <= 0 or not self._poll.poll(seconds * 1000):
            raise OutOfTime("no answer in time")

    def _abandon(self, seconds: float) -> None:
        """Ask the server to cancel the call, and close; wait at most `seconds`."""
        with suppress(psycopg.Error, OSError):
            self._connection.cancel_safe(timeout=seconds)
        self.close()

    def _failure(self, failed: Sequence[PGresult]) -> MentorPauseError:
        """Return the server's first error, or libpq's own if the server sent none."""
        for result in failed:
            if code := self._field(result, pq.DiagnosticField.SQLSTATE):
                return error_from_code(
                    code,
                    self._field(result, pq.DiagnosticField.MESSAGE_PRIMARY) or "",
                    self._field(result, pq.DiagnosticField.MESSAGE_DETAIL),
                    self._field(result, pq.DiagnosticField.MESSAGE_HINT),
                )
        message = failed[0].error_message if failed else self._pgconn.error_message
        return error_from_connection(message.decode(errors="replace"))

    def _field(self, result: PGresult, field: pq.DiagnosticField) -> str | None:
        value = result.error_field(field)
        return None if value is None else value.decode(errors="replace")

    def _read(self, result: PGresult) -> list[Row]:
        try:
            self._types.set_pgresult(result)
            names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
            return self._types.load_rows(
                0, result.ntuples, lambda row: dict(zip(names, row, strict=True))
            )
        except Exception:  # noqa: BLE001 - psycopg's loaders raise many types of errors
            self._types = adapt.Transformer(self._connection)
        raise DatabaseError("a value in the answer cannot be read, such as a day after year 9999")

    def _register_loaders(self) -> None:
        adapters = self._connection.adapters
        adapters.register_loader("timestamptz", _UtcMoment)
        adapters.register_loader(_VOID, _Nothing)
        if self._connection.info.encoding == "ascii":  # SQL_ASCII: the server converts no text
            for name in _TEXTS:
                adapters.register_loader(name, _Utf8)


class _Json(adapt.Dumper):
    oid = _JSONB

    @override
    def dump(self, obj: JsonArray) -> Buffer:
        return to_json(obj)


class _UtcMoment(adapt.Loader):
    """Microseconds since 2000; psycopg's own loader depends on the session's time zone."""

    format = pq.Format.BINARY

    @override
    def load(self, data: Buffer) -> datetime:
        return _EPOCH + timedelta(microseconds=int.from_bytes(data, signed=True))


class _Utf8(adapt.Loader):
    format = pq.Format.BINARY

    @override
    def load(self, data: Buffer) -> str:
        return bytes(data).decode()


class _Nothing(adapt.Loader):
    format = pq.Format.BINARY

    @override
    def load(self, data: Buffer) -> None:
        return None


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
        opened.append(psycopg.connect(url, **_settings(url)))
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
