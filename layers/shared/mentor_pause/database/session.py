"""One session with PostgreSQL by libpq's non-blocking calls: no call waits beyond its seconds.

libpq's blocking calls never end if the server keeps the connection and sends nothing, as a paused
pooler does. So the session sends, polls the socket and reads (R2). It requests binary results,
because they do not depend on settings such as DateStyle and TimeZone, which a role or database may
have (R4).
"""

import select
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import override

import psycopg
from psycopg import adapt, pq
from psycopg.adapt import Buffer, PyFormat
from psycopg.pq.abc import PGresult

from mentor_pause.database.error_classification import error_from_code, error_from_connection
from mentor_pause.database.transport import Row
from mentor_pause.errors import DatabaseError, MentorPauseError
from mentor_pause.retry import OutOfTime

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_VOID = 2278
_TEXTS = ("text", "varchar", "bpchar", "name")
_PART_FOR_CANCELLING = 0.1
"""The part of a call's seconds that is reserved for cancelling: 1 s of 10."""


class Session:
    """Sends statements over one connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        """`connection` is in autocommit mode, and only this session uses it."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._poll = select.poll()
        self._register_loaders()
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
