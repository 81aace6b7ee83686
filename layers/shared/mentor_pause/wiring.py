"""Puts the parts of the Lambdas together from the environment, the same for every job."""

from datetime import UTC, datetime

from aws_lambda_powertools import Logger

from mentor_pause import aws, config
from mentor_pause.bus import Bus
from mentor_pause.completion import Completion
from mentor_pause.ledger import Ledger
from mentor_pause.retry import Retry
from mentor_pause.supabase import Database


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def open_completion(ledger: Ledger, database: Database, retry: Retry, logger: Logger) -> Completion:
    """Return what completes runs and announces them on the configured bus."""
    settings = config.BusSettings.load()
    bus = Bus(aws.events_client(), settings.event_bus_name, settings.event_source)
    return Completion(ledger, database, bus, retry, now, logger)
