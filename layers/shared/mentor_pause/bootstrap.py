"""Builds the parts of the Lambdas from their settings, the same for every job."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from aws_lambda_powertools import Logger

from mentor_pause import config
from mentor_pause.aws import clients
from mentor_pause.aws.event_bus import EventPublisher
from mentor_pause.aws.queues import PageQueues, WaitingRequests, WorkerQueue
from mentor_pause.database.calls import DatabaseCalls
from mentor_pause.database.client import Database
from mentor_pause.engine.completion import BATCHES, Batches, Completion
from mentor_pause.engine.page_worker import PageWorker, Scope
from mentor_pause.engine.recovery import Recovery
from mentor_pause.engine.requeue import Work
from mentor_pause.errors import EventBusUnavailable, QueueUnavailable
from mentor_pause.ledger.runs import Leases, Ledger
from mentor_pause.ledger.table import Table
from mentor_pause.retry import Remaining, Retry, seconds_left

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    from mentor_pause.engine.sqs_batch import Consumer

QUEUE_RETRY = Retry(attempts=4, base=0.1, longest=2, on=QueueUnavailable, patience=8)
BUS_RETRY = Retry(attempts=3, on=EventBusUnavailable, patience=8)


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts that every job shares, built from the adapters."""

    ledger: Ledger
    database: Database
    publisher: EventPublisher
    logger: Logger
    seconds_left: Remaining = seconds_left
    """Returns the seconds until the work of the invocation must have ended."""
    batches: Batches = BATCHES

    @property
    def completion(self) -> Completion:
        """Completes runs."""
        return Completion(
            self.ledger, self.database, self.publisher, self.logger, self.seconds_left,
            self.batches,
        )  # fmt: skip

    @property
    def recovery(self) -> Recovery:
        """Ends runs that their own dispatcher or workers do not end."""
        return Recovery(self.ledger, self.database, self.completion, self.logger, self.seconds_left)

    def worker(self, scope: Scope, work: Work, queue: WorkerQueue) -> PageWorker:
        """Return the worker that gives the pages of a queue to `work`."""
        return PageWorker(scope, work, self.ledger, self.completion, queue, self.logger)


def open_engine(ledger: Ledger, database: Database, logger: Logger) -> Engine:
    """Return the engine, with the event bus that the settings name.

    Raises:
        ConfigurationError: a setting is missing.
    """
    bus = config.BusSettings.load()
    publisher = EventPublisher(
        clients.events_client(), bus.event_bus_name, bus.event_source, BUS_RETRY
    )
    return Engine(ledger, database, publisher, logger)


def open_ledger() -> Ledger:
    """Return the ledger that the settings name.

    Raises:
        ConfigurationError: a setting is missing.
    """
    settings = config.LedgerSettings.load()
    leases = Leases(settings.dispatch_lease_seconds, settings.run_lease_seconds)
    return Ledger(Table(clients.dynamodb_client(), settings.ledger_table), leases)


def open_page_queues(settings: config.QueueSettings) -> PageQueues:
    """Return the queues to which the dispatcher sends pages."""
    return PageQueues(clients.sqs_client(), settings.url_by_job(), QUEUE_RETRY)


def open_waiting_requests() -> WaitingRequests:
    """Return the queue of waiting run requests that the settings name.

    Raises:
        ConfigurationError: a setting is missing.
    """
    url = config.QueueSettings.load().waiting_runs_queue_url
    return WaitingRequests(clients.sqs_client(), url, QUEUE_RETRY)


def open_worker_queue() -> WorkerQueue:
    """Return the queue that a worker reads; this needs the queue's settings only.

    Raises:
        ConfigurationError: a setting is missing.
    """
    settings = config.WorkerSettings.load()
    return WorkerQueue(
        clients.sqs_client(), settings.queue_url, settings.dead_letter_queue_url, QUEUE_RETRY
    )


def open_worker(job_name: str, work: Work, database: Database, logger: Logger) -> "Consumer":
    """Return the worker of a job, and of the jobs that share its queue.

    It closes the database's connection after each record. Otherwise an idle warm function would
    keep it for minutes, and another worker may wait for a connection where they are few (R1).

    Raises:
        ConfigurationError: a setting is missing.
    """
    scope = Scope(job_name, config.OrgSettings.load().hlf_org_id)
    engine = open_engine(open_ledger(), database, logger)
    worker = engine.worker(scope, work, open_worker_queue())

    def consume(record: "SQSRecord", remaining: Remaining) -> None:
        with closing(database):
            worker(record, remaining)

    return consume


class _CachedDatabase(Protocol):
    def __call__(self) -> DatabaseCalls: ...

    def cache_info(self) -> Any: ...  # noqa: ANN401 - functools does not export its type


@contextmanager
def closing_if_opened(database: _CachedDatabase) -> Generator[None]:
    """Close the database's connection, if it was opened, when an invocation ends (R1)."""
    try:
        yield
    finally:
        if database.cache_info().currsize:
            database().close()
