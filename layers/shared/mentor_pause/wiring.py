"""Puts the parts of the Lambdas together from the environment, the same for every job."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from mentor_pause import aws, config
from mentor_pause.bus import Bus
from mentor_pause.completion import Completion
from mentor_pause.ledger import Ledger
from mentor_pause.retry import Retry
from mentor_pause.supabase import Database


class _Cached(Protocol):
    def __call__(self) -> Database: ...

    def cache_info(self) -> Any: ...  # noqa: ANN401 - functools' own, which it does not export


@contextmanager
def closing_if_made(database: _Cached) -> Generator[None]:
    """Close the database's connection when an invocation ends, if it was made.

    A warm function that has nothing to do would keep the connection for minutes, and where
    connections are few, another function waits for one (R1).
    """
    try:
        yield
    finally:
        if database.cache_info().currsize:
            database().close()


def now() -> datetime:
    """Return the present moment by this machine; where there is a ledger, its clock decides."""
    return datetime.now(UTC)


def open_completion(ledger: Ledger, database: Database, retry: Retry, logger: Logger) -> Completion:
    """Return what completes runs and announces them on the configured bus."""
    settings = config.BusSettings.load()
    bus = Bus(aws.events_client(), settings.event_bus_name, settings.event_source)
    return Completion(ledger, database, bus, retry, ledger.now, logger)
