"""Puts the parts of a page consumer together from the environment, the same for every job."""

from datetime import UTC, datetime

from aws_lambda_powertools import Logger

from mentor_pause import aws, config
from mentor_pause.bus import Bus
from mentor_pause.completion import Completion
from mentor_pause.ledger import Ledger
from mentor_pause.pages import PageConsumer, Station, Work
from mentor_pause.queues import Inbox
from mentor_pause.retry import Retry
from mentor_pause.supabase import Database


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def open_completion(ledger: Ledger, database: Database, retry: Retry, logger: Logger) -> Completion:
    """Return what completes runs and announces them on the configured bus."""
    bus = Bus(aws.events_client(), config.BusSettings.load().event_bus_name)
    return Completion(ledger, database, bus, retry, now, logger)


def page_consumer(
    job_name: str, work: Work, database: Database, retry: Retry, logger: Logger
) -> PageConsumer:
    """Return what takes the pages of `job_name` off its queue and gives them to `work`.

    Raises:
        ConfigurationError: a setting is missing.
    """
    org, worker = config.OrgSettings.load(), config.WorkerSettings.load()
    ledger = aws.open_ledger(config.LedgerSettings.load())
    return PageConsumer(
        Station(job_name, org.hlf_org_id),
        work,
        ledger,
        open_completion(ledger, database, retry, logger),
        Inbox(aws.sqs_client(), worker.queue_url, worker.dead_letter_queue_url),
        now,
        logger,
    )
