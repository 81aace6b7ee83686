"""Sends the e-mails (EventBridge rules), and notes what SES says about them (SQS)."""

from functools import cache
from typing import Any, cast
from uuid import UUID

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,  # pyright: ignore[reportUnknownVariableType]
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from mentor_pause import config
from mentor_pause.aws import clients
from mentor_pause.aws.event_bus import EventPublisher
from mentor_pause.aws.lambda_events import is_sqs_batch
from mentor_pause.aws.mailer import Mailer
from mentor_pause.aws.secrets import read_secret
from mentor_pause.bootstrap import BUS_RETRY, closing_if_opened
from mentor_pause.database.client import open_transport
from mentor_pause.database.notifier_client import NotifierDatabase
from mentor_pause.errors import (
    DatabaseError,
    EventBusUnavailable,
    MentorPauseError,
    RetryableDatabaseError,
    origin,
)
from mentor_pause.retry import Retry, time_limit
from notify.delivery_events import note_event
from notify.render import Renderer
from notify.send import Report, SendDigests, reason

LAST_SECONDS = 2.0
"""Reserved for the answer."""

logger = Logger()
metrics = Metrics()


@cache
def _database() -> NotifierDatabase:
    return NotifierDatabase(open_transport(config.load_notifier_database(read_secret)), Retry())


@cache
def _org_id() -> UUID:
    return config.OrgSettings.load().hlf_org_id


@cache
def _send() -> SendDigests:
    settings = config.NotifierSettings.load()
    mailer = None
    if settings.message_sender:
        client = clients.ses_client()
        mailer = Mailer(client, settings.message_sender, settings.configuration_set)
    render = Renderer(settings.console_url).render
    return SendDigests(_org_id(), _database(), mailer, render, logger)


@cache
def _publisher() -> EventPublisher:
    bus = config.BusSettings.load()
    client = clients.events_client()
    return EventPublisher(client, bus.event_bus_name, bus.event_source, BUS_RETRY)


@logger.inject_lambda_context(clear_state=True)
def handler(event: object, context: LambdaContext) -> object:
    """Note the events of an SQS batch, or else send the digests that are due."""
    seconds = context.get_remaining_time_in_millis() / 1000 - LAST_SECONDS
    with time_limit(seconds), closing_if_opened(_database):
        if is_sqs_batch(event):
            return _record_all(cast("dict[str, Any]", event), context)
        return _send_due(context)


def _record_all(event: dict[str, Any], context: LambdaContext) -> object:
    def take(record: SQSRecord) -> None:
        try:
            note_event(record.body, _org_id(), _database(), logger)
        except Exception as error:
            logger.error(
                "event of SES not noted", extra={"reason": reason(error), "origin": origin(error)}
            )
            raise  # SQS delivers it again

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, take, processor, context)


def _send_due(context: LambdaContext) -> dict[str, object]:
    try:
        report = _send()(lambda: context.get_remaining_time_in_millis() / 1000)
    except (DatabaseError, RetryableDatabaseError) as error:
        logger.error("messages not sent", extra={"reason": reason(error), "origin": origin(error)})
        failure = MentorPauseError(reason(error))
    else:
        answer = log_report(report, logger)
        metrics.add_metric("DigestsSent", MetricUnit.Count, report.sent)
        metrics.flush_metrics()
        if report.is_left:
            _go_on(report)
        return answer
    raise failure  # outside the handler: Lambda logs the text of each error in the chain


def log_report(report: Report, log: Logger) -> dict[str, object]:
    """Log what one invocation did, as an error if a person has to act; return the same."""
    answer: dict[str, object] = {
        "sent": report.sent,
        "refused": report.refused,
        "unknown": report.unknown + report.lost,
        "outdated": report.outdated,
        "stopped_by": report.stopped_by,
        "code": report.code,
    }
    write = log.error if report.stopped_by in ("account", "refused") else log.info
    write("messages sent", extra=answer)
    return answer


def _go_on(report: Report) -> None:
    """Ask for another invocation; without it, the next hour's goes on."""
    try:
        _publisher().publish_messages_left(_org_id(), report.sent)
    except EventBusUnavailable as error:
        logger.error("event not published", extra={"reason": str(error)})
