"""The few database connections that the stand-in for PostgREST shares among its requests."""

import queue
import threading
from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from local.rest_errors import Refusal

SIZE, PATIENCE = 10, 10.0
"""PostgREST's defaults: `db-pool`, and the seconds of `db-pool-acquisition-timeout`."""


class Pool:
    """At most `SIZE` connections; a request without a free one waits for it."""

    def __init__(self, database_url: str, size: int = SIZE, patience: float = PATIENCE) -> None:
        """Open no connection yet."""
        self._url, self._patience = database_url, patience
        self._places = threading.BoundedSemaphore(size)
        self._idle: queue.LifoQueue[psycopg.Connection] = queue.LifoQueue()
        self._is_closed = False

    @contextmanager
    def transaction(self) -> Generator[psycopg.Connection]:
        """Lend a connection for one transaction.

        Raises:
            Refusal: no connection is free in time.
            OperationalError: the database does not answer.
        """
        if not self._places.acquire(timeout=self._patience):
            raise Refusal("PGRST003", "Timed out acquiring connection from connection pool.")
        try:
            connection = self._take()
            try:
                with connection.transaction():
                    yield connection
            finally:
                self._give_back(connection)
        finally:
            self._places.release()

    def close(self) -> None:
        """Close the idle connections, and each lent one when it comes back."""
        self._is_closed = True
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _take(self) -> psycopg.Connection:
        while not self._idle.empty():
            connection = self._idle.get_nowait()
            if _is_alive(connection):
                return connection
            connection.close()
        return psycopg.connect(self._url, autocommit=True, client_encoding="UTF8")

    def _give_back(self, connection: psycopg.Connection) -> None:
        if connection.closed or connection.broken:
            connection.close()
        else:
            self._idle.put(connection)
            if self._is_closed:
                self.close()


def _is_alive(connection: psycopg.Connection) -> bool:
    """Ask the server: it may have been restarted, or the database made anew."""
    try:
        connection.execute("")
    except psycopg.OperationalError:
        return False
    return True
