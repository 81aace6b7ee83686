"""A whole night inside the test's process: dispatcher, queue, worker, ledger, database.

The database is PostgreSQL, and DynamoDB and SQS are moto's. The clock stands still until a test
moves it.
"""

import io
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from math import inf
from typing import Any
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from dispatcher.app import build_dispatch
from dispatcher.dispatch import Dispatch
from dispatcher.handle_request import RequestHandler
from expiry.pause import PausePage
from mentor_pause.aws.event_bus import EventPublisher
from mentor_pause.aws.queues import PageQueues, WaitingRequests, WorkerQueue
from mentor_pause.bootstrap import Engine
from mentor_pause.config import OrgSettings
from mentor_pause.database.client import Database
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.run_report import SUMMARY_MESSAGES, join_summary_lines
from mentor_pause.domain.runs import run_id_of
from mentor_pause.domain.summary import Summary
from mentor_pause.engine.completion import BATCHES, Batches
from mentor_pause.engine.page_worker import PageWorker, Scope
from mentor_pause.engine.requeue import Work
from mentor_pause.errors import DatabaseUnavailable, LedgerUnavailable, MentorPauseError
from mentor_pause.ledger.clock import Clock as LedgerClock
from mentor_pause.ledger.closed_pages import SHARD
from mentor_pause.ledger.runs import Leases, Ledger
from mentor_pause.ledger.table import Table
from mentor_pause.retry import Remaining, Retry
from support.aws import (
    Clients,
    ImpatientQueue,
    Message,
    RecordingEvents,
    create_ledger_table,
    sqs_record,
)
from support.cluster import Cluster
from support.faults import Plan, faulty_bus, faulty_ledger, faulty_queue
from support.post_office import Notifier
from support.roster import ORG, TODAY, Records
from support.transports import TransportKind, open_transport

JOB = "certification_expiry"
DEAD_LETTERS = "dead-letters"
DELIVERIES = 5
"""SQS moves a message to the dead letters after so many deliveries, as in the template."""
LEASES = Leases(dispatch=45, run=2700)
_names = count()


def _no_wait(_seconds: float) -> None:
    """Do not wait between attempts."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of a run goes into one item, one line and one call; usually as in production."""

    shard: int = SHARD
    batches: Batches = BATCHES


AS_DEPLOYED = Sizes()


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        """It starts at 11:00 UTC of 1 March 2026, which is that day in each zone of `make_it`."""
        self.now = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
        self.tell: Callable[[float], object] = float
        """Is called with the seconds by which the clock was moved."""

    def __call__(self) -> datetime:
        """Return the present moment."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.tell(seconds)


class Night:
    """The parts of a stack, built as the Lambdas build them."""

    ledger_class = Ledger
    notifier_class = Notifier

    def __init__(
        self,
        clients: Clients,
        transport: Any,
        plan: Plan,
        page_size: int,
        job: str = JOB,
        sizes: Sizes = AS_DEPLOYED,
        beside: "Night | None" = None,
    ) -> None:
        """`plan` decides the fault of every external call.

        `beside` is the night of another job, whose clock, ledger, events and log this one shares.
        """
        self.job, self._sizes = job, sizes
        self.clock = beside.clock if beside else Clock()
        self.events = beside.events if beside else RecordingEvents()
        self.output = beside.output if beside else io.StringIO()
        self.plan, self._lines, self._read = plan, list[dict[str, Any]](), 0
        plan.let_time_pass = self.clock.advance
        name = f"night-{next(_names)}"
        self.logger = Logger(service=name, stream=self.output)
        self.sqs = ImpatientQueue(clients.sqs)
        self.queue_url: str = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.waiting_url = self.sqs.create_queue(QueueName=f"{name}-waiting")["QueueUrl"]
        if beside is None:
            create_ledger_table(clients.dynamodb, name)
        self._dynamodb = faulty_ledger(clients.dynamodb, plan)
        self._table_name: str = beside._table_name if beside else name
        self.transport, self._page_size = transport, page_size
        self.seconds_left: Remaining = lambda: inf
        self.retry = Retry(sleep=_no_wait)
        self.database = Database(transport, self.retry)
        self.publisher = EventPublisher(faulty_bus(self.events, plan), "default", retry=self.retry)
        self.engine = self.engine_at(self.clock)
        self.dispatch = self.dispatcher(self.clock)
        reconnect = Retry(attempts=2, on=DatabaseUnavailable, sleep=_no_wait)
        self.consume = self.consumer(PausePage(Database(transport, reconnect), self.logger, tuple))

    @property
    def ledger(self) -> Ledger:
        """The night's ledger."""
        return self.engine.ledger

    def ledger_at(self, clock: LedgerClock) -> Ledger:
        """Return the night's ledger with a clock that may be skewed."""
        retry = Retry(on=LedgerUnavailable, sleep=_no_wait)
        table = Table(self._dynamodb, self._table_name, retry, clock)
        return self.ledger_class(table, LEASES, self._sizes.shard)

    def engine_at(self, clock: LedgerClock) -> Engine:
        """Return the engine with a clock that may be skewed."""
        return Engine(
            self.ledger_at(clock), self.database, self.publisher, self.logger,
            self._seconds_left, self._sizes.batches,
        )  # fmt: skip

    def _seconds_left(self) -> float:
        return self.seconds_left()

    def dispatcher(self, clock: LedgerClock) -> Dispatch:
        """Return a dispatcher whose clock may be skewed."""
        engine = self.engine_at(clock)
        queues = PageQueues(
            faulty_queue(self.sqs, self.plan), dict.fromkeys(JOBS, self.queue_url), self.retry
        )
        org = OrgSettings(hlf_org_id=ORG, hlf_org_slug="hlf")
        return build_dispatch(org, engine, queues, self._page_size)

    def worker_queue(self) -> WorkerQueue:
        """Return the queue that the worker reads."""
        return WorkerQueue(
            faulty_queue(self.sqs, self.plan), self.queue_url, f"https://sqs/{DEAD_LETTERS}"
        )

    def consumer(self, work: Work, engine: Engine | None = None) -> PageWorker:
        """Return a worker that does `work` with each page."""
        scope = Scope(self.job, ORG)
        return (engine or self.engine).worker(scope, work, self.worker_queue())

    def fire(
        self,
        trigger_id: str = "night-1",
        as_of: date | None = TODAY,
        *,
        dry_run: bool = False,
        dispatch: Dispatch | None = None,
        trigger: str = "schedule",
    ) -> dict[str, str]:
        """Deliver a trigger of the rule, or a manual request."""
        event = {
            "job_name": self.job,
            "trigger": trigger,
            "trigger_id": trigger_id,
            "as_of": as_of and as_of.isoformat(),
            "dry_run": dry_run,
        }
        return self.handle(event, dispatch)

    def handle(self, event: object, dispatch: Dispatch | None = None) -> dict[str, Any]:
        """Pass an event to the dispatcher's handler."""
        waiting = WaitingRequests(faulty_queue(self.sqs, self.plan), self.waiting_url, self.retry)
        reception = RequestHandler(
            lambda: dispatch or self.dispatch,
            lambda: self.database,
            lambda: waiting,
            lambda: ORG,
            self.clock,
            self.logger,
        )
        return reception(event, "invocation")

    def waiting(self) -> list[Message]:
        """Take the waiting requests off their queue."""
        return self._take_all(self.waiting_url)

    def deliver_waiting(self, message: Message) -> bool:
        """Deliver a waiting request to the dispatcher; return whether it was acknowledged."""
        event = {"Records": [sqs_record(message, "waiting", 1)]}
        return self.handle(event) == {"batchItemFailures": []}

    def receive(self) -> list[Message]:
        """Take every message off the queue, once."""
        return self._take_all(self.queue_url)

    def _take_all(self, url: str) -> list[Message]:
        found: list[Message] = []
        while batch := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=43000
        ).get("Messages"):
            found += batch
        return found

    def deliver(
        self,
        message: Message,
        *,
        dead: bool = False,
        remaining: float | Remaining = 60,
        receive_count: int = 1,
    ) -> bool:
        """Deliver a message to the worker; return whether it was acknowledged."""
        try:
            self.consume(
                self.record(message, dead=dead, receive_count=receive_count),
                remaining if callable(remaining) else self.remaining(remaining),
            )
        except MentorPauseError:
            return False
        return True

    def remaining(self, seconds: float) -> Remaining:
        """Return the function that tells a worker its time left; here it stays the same."""
        return lambda: seconds

    def record(self, message: Message, *, dead: bool = False, receive_count: int = 1) -> SQSRecord:
        """Return a message as Lambda's event source mapping passes it on."""
        queue = DEAD_LETTERS if dead else self.queue_url.rpartition("/")[2]
        return SQSRecord(sqs_record(message, queue, receive_count))

    def work_off(self, remaining: float = 60) -> None:
        """Deliver everything on the queue, as often as SQS does, until the queue is empty."""
        waiting = [(message, 1) for message in self.receive()]
        while waiting:
            self._deliveries(waiting, remaining)
            waiting += [(message, 1) for message in self.receive()]

    def _deliveries(self, waiting: list[tuple[Message, int]], remaining: float) -> None:
        due, waiting[:] = list(waiting), []
        for message, times in due:
            is_dead = times > DELIVERIES
            done = self.deliver(message, dead=is_dead, remaining=remaining, receive_count=times)
            assert done or times < DELIVERIES + 10, "this message is never acknowledged"
            if not done:
                waiting.append((message, times + 1))

    def pages(self) -> list[MentorPage]:
        """Take the messages off the queue, and return their pages."""
        return [MentorPage.parse(message["Body"]) for message in self.receive()]

    def database_calls(self, function: str) -> int:
        """Return how often a database function was called so far."""
        return self.transport.calls[function]

    def lines(self, message: str | None = None) -> list[dict[str, Any]]:
        """Return the log lines, or those that say `message`."""
        text = self.output.getvalue()
        self._lines += [json.loads(line) for line in text[self._read :].splitlines()]
        self._read = len(text)
        return [line for line in self._lines if message in (None, line["message"])]

    def forget_lines(self) -> None:
        """Empty the log."""
        self.output.seek(0)
        self.output.truncate()
        self._lines, self._read = [], 0

    def summaries(self) -> list[dict[str, Any]]:
        """Return the summaries, each from all its lines, with the fields of E7 and `errors`."""
        found, earlier = list[dict[str, Any]](), list[dict[str, Any]]()
        for line in self.lines():
            if line["message"] == SUMMARY_MESSAGES[1]:
                earlier.append(line)
            elif line["message"] == SUMMARY_MESSAGES[0]:
                ids = [one for one in earlier if one["job_run_id"] == line["job_run_id"]]
                found.append(join_summary_lines([*ids, line]))
        return [_fields_of_summary(summary) for summary in found]

    def announcements(self) -> list[dict[str, Any]]:
        """Return the details of the published events."""
        return self.events.details


def _fields_of_summary(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of E7 and `errors`; those of a withdrawal have other names."""
    jobs = [job for job in JOBS.values() if f"{job.effect}_count" in summary]
    effect = jobs[0].effect
    counted = 0 if effect == "synced" else None
    wanted = Summary(UUID(int=0), effect, renewed_count=counted).as_json()
    return {field: summary[field] for field in wanted}


def run_id(trigger_id: str = "night-1", job: str = JOB, *, dry_run: bool = False) -> UUID:
    """Return the id of the run that a trigger starts."""
    return run_id_of(job, ORG, trigger_id, dry_run=dry_run)


@contextmanager
def open_night(
    clients: Clients,
    roster: Records,
    cluster: Cluster,
    plan: Plan | None = None,
    page_size: int = 3,
    kind: TransportKind = "pooled",
    build: type[Night] = Night,
    sizes: Sizes = AS_DEPLOYED,
) -> Generator[Night]:
    """Build a night on a test's database."""
    plan = plan or Plan()
    with open_transport(kind, roster, cluster, plan) as transport:
        yield build(clients, transport, plan, page_size, sizes=sizes)
