"""Puts the parts of the Lambdas together from the environment, the same for every job."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from mentor_pause import config
from mentor_pause.aws import clients
from mentor_pause.aws.events import Bus
from mentor_pause.aws.queues import WorkerQueue
from mentor_pause.database.client import Database
from mentor_pause.engine.completion import Completion
from mentor_pause.engine.page_worker import PageConsumer, Work
from mentor_pause.engine.sqs_batch import Consumer
from mentor_pause.ledger.runs import Leases, Ledger
from mentor_pause.ledger.table import Table
from mentor_pause.retry import Remaining, Retry


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


def open_ledger() -> Ledger:
    """Return the ledger that the settings name."""
    settings = config.LedgerSettings.load()
    leases = Leases(settings.dispatch_lease_seconds, settings.run_lease_seconds)
    return Ledger(Table(clients.dynamodb_client(), settings.ledger_table), leases)


def open_completion(ledger: Ledger, database: Database, retry: Retry, logger: Logger) -> Completion:
    """Return what completes runs and announces them on the configured bus."""
    settings = config.BusSettings.load()
    bus = Bus(clients.events_client(), settings.event_bus_name, settings.event_source)
    return Completion(ledger, database, bus, retry, ledger.now, logger)


def page_consumer(
    job_name: str, work: Work, database: Database, retry: Retry, logger: Logger
) -> Consumer:
    """Return what takes the pages of `job_name` off its queue and gives them to `work`.

    It closes the database's connection after each record. A warm function that has nothing to do
    would keep it for minutes, and where connections are few, another worker waits for it (R1).

    Raises:
        ConfigurationError: a setting is missing.
    """
    org = config.OrgSettings.load()
    ledger = open_ledger()
    consumer = PageConsumer(
        job_name,
        org.hlf_org_id,
        work,
        ledger,
        open_completion(ledger, database, retry, logger),
        worker_queue(),
        ledger.now,
        logger,
    )

    def consume(record: SQSRecord, remaining: Remaining) -> None:
        with closing(database):
            consumer(record, remaining)

    return consume


def worker_queue() -> WorkerQueue:
    """Return the queue that a worker reads, by its own settings alone.

    Raises:
        ConfigurationError: a setting is missing.
    """
    worker = config.WorkerSettings.load()
    return WorkerQueue(clients.sqs_client(), worker.queue_url, worker.dead_letter_queue_url)
