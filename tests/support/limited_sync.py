"""A sync run of many changed mentors against a portal with a limit, in virtual time.

The worker's code is the product's: page worker, sync, push, reading, portal client, ledger. The
stand-ins are the portal, the queue, the database's answers, and moto's DynamoDB.
"""

import io
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import batched, count
from typing import Any, cast
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from hlf_sync.pull import pull_certifications
from hlf_sync.push import PushMentors
from hlf_sync.sync import SyncPage
from mentor_pause.aws.event_bus import EventPublisher
from mentor_pause.aws.queues import WorkerQueue
from mentor_pause.bootstrap import Engine
from mentor_pause.database.client import Database
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.transport import Row
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import Trigger
from mentor_pause.engine.page_worker import PageWorker, Scope
from mentor_pause.errors import MentorPauseError
from mentor_pause.ledger.items import expiry, new_run, page_key, run_key
from mentor_pause.ledger.portal_gate import PortalGate
from mentor_pause.ledger.runs import Leases, Ledger
from mentor_pause.ledger.table import Table
from mentor_pause.portal import Portal
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.login import KeptToken
from mentor_pause.portal.requests import Requests, Timing
from mentor_pause.retry import NO_RETRY, Remaining
from support.aws import Clients, RecordingEvents, create_ledger_table, sqs_record
from support.limited_portal import LimitedPortal
from support.played_http import Over
from support.portal import EXAMPLE, settings
from support.roster import ORG
from support.virtual_queue import QueuedMessage, VirtualQueue
from support.virtual_time import InvocationKilled, VirtualTime

SYNC = "hlf_sync"
WORKERS, PAGE_SIZE, TIMEOUT = 2, 100, 60.0
"""As in the template; the time-out in seconds."""
_DAY = date(2026, 3, 1)
_CALL_SECONDS, _START_SECONDS = 0.005, 0.02
_names = count()


@dataclass(frozen=True, slots=True)
class Report:
    """What a run cost."""

    minutes: float
    requests: int
    throttled: int
    logins: int
    invocations: int
    counted: int
    """Deliveries that count towards the dead-letter queue."""
    killed: int
    dead_pages: int
    synced: int
    errors: int
    reasons: Counter[str]
    """The reasons in the log, such as why pages were requeued."""


class SlowClient:
    """An AWS client each of whose calls takes some virtual time."""

    def __init__(self, client: object, time: VirtualTime) -> None:
        """`client` is moto's."""
        self._client, self._time = client, time

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(**request: Any) -> Any:
            self._time.sleep(_CALL_SECONDS)
            return method(**request)

        return call


@dataclass
class MemoryTransport:
    """The database's answers about mentors that all have to be sent."""

    time: VirtualTime
    synced: set[UUID] = field(default_factory=set[UUID])

    def call(self, function: str, arguments: Mapping[str, object]) -> list[Row]:
        """Answer as the database function does."""
        self.time.sleep(_CALL_SECONDS)
        if function == "list_portal_states":
            return [self._state(mentor) for mentor in cast("list[UUID]", arguments["p_mentor_ids"])]
        if function == "mark_portal_synced":
            self.synced.add(cast("UUID", arguments["p_mentor_id"]))
            return [{function: True}]
        if function == "mirror_portal_certifications":
            return [{"portal_ids": [], "outcomes": []}]
        if function == "finish_portal_reading":
            return [{function: 0}]
        return [] if function.startswith(("list_", "move_")) else [{function: None}]

    def _state(self, mentor: UUID) -> Row:
        return {
            "mentor_id": mentor,
            "portal_key": str(mentor.int),
            "status": "paused",
            "reason": "certification_expired",
            "effective_on": _DAY,
            "version": 2,
            "is_synced": mentor in self.synced,
            "synced_by": None,
            "differs_since": self.time.now(),
        }

    def close(self) -> None:
        """Nothing is open."""


class LimitedSync:
    """The parts of the run."""

    def __init__(
        self, clients: Clients, portal: LimitedPortal, mentors: int, *, shares: bool = True
    ) -> None:
        """Plan the run's pages in the ledger, and send their messages.

        Without `shares`, each page logs in by itself and knows nothing of the others' waits.
        """
        self.shares = shares
        self.time, self.portal, self.mentors = portal.time, portal, mentors
        self.dice = random.Random(1)  # noqa: S311 - not for secrets
        self.queue = VirtualQueue(self.time, self.dice)
        self.output = io.StringIO()
        name = f"limited-{next(_names)}"
        self.logger = Logger(service=name, stream=self.output)
        create_ledger_table(clients.dynamodb, name)
        slow = cast("Any", SlowClient(clients.dynamodb, self.time))
        self.table = Table(slow, name, NO_RETRY, lambda: self.time.now().replace(microsecond=0))
        self.ledger = Ledger(self.table, Leases(45, 2700))
        self.transport = MemoryTransport(self.time)
        self.invocations = self.counted = self.killed = 0
        self._trigger = Trigger(SYNC, ORG, "schedule", "night", "rule")
        self._plan()

    def _plan(self) -> None:
        run = self._trigger.job_run_id
        self.table.transact(
            [self.table.put_new_action(new_run(self._trigger, _DAY, self.time.now()))]
        )
        ids = [UUID(int=number + 1) for number in range(self.mentors)]
        for number, mentors in enumerate(batched(ids, PAGE_SIZE, strict=False), 1):
            item = {
                "pk": run_key(run),
                "sk": page_key(number),
                "mentor_ids": [str(mentor) for mentor in mentors],
                "expires_at": expiry(self.time.now()),
            }
            self.table.transact([self.table.put_new_action(item)])
            page = MentorPage(
                job_name=SYNC, job_run_id=run, org_id=ORG, as_of=_DAY, page=number,
                mentor_ids=mentors,
            )  # fmt: skip
            self.queue.send_message("", page.model_dump_json())

    def open_portal(self, remaining: Remaining, kept: KeptToken) -> Portal:
        """Return the real client, as `PortalSource` does."""
        timing = Timing(remaining, self.time.sleep, lambda: self.time.seconds, self.dice.random)
        ours = settings("https://hlf.crm4.example")
        http = Over(self.portal)
        if self.shares:
            requests = Requests(ours, timing, http, kept.of(ours), PortalGate(self.table))
        else:
            requests = Requests(ours, timing, http)
        return Dataverse(requests, EXAMPLE)

    def worker(self) -> PageWorker:
        """Return the worker of one warm function."""
        kept = KeptToken()
        database = PortalDatabase(self.transport, NO_RETRY)
        work = SyncPage(
            lambda remaining: self.open_portal(remaining, kept),
            pull_certifications(database, self.logger, self.time.now),
            PushMentors(database, self.logger, lambda ids: self.dice.sample(ids, len(ids))),
            self.logger,
        )
        publisher = EventPublisher(cast("Any", RecordingEvents()), "default")
        engine = Engine(self.ledger, Database(self.transport, NO_RETRY), publisher, self.logger)
        queue = WorkerQueue(cast("Any", self.queue), "https://sqs/pages", "https://sqs/dead")
        return engine.worker(Scope(SYNC, ORG), work, queue)

    def run(self) -> Report:
        """Work off the queue; then close the pages whose messages are dead."""
        self.time.run(*[self._work_off] * WORKERS)
        minutes = self.time.seconds / 60
        worker = self.worker()
        for message in self.queue.dead:
            self._deliver(worker, message, "dead")
        return self._report(minutes)

    def _work_off(self) -> None:
        worker = self.worker()
        while self.queue.messages:
            message = self.queue.receive()
            if message is None:
                self.time.sleep(0.5)
            elif self._deliver(worker, message, "pages"):
                self.queue.delete(message)
            else:
                self.counted += 1

    def _deliver(self, worker: PageWorker, message: QueuedMessage, queue: str) -> bool:
        """Deliver a message; return whether it was acknowledged."""
        self.invocations += 1
        sqs = {"Body": message.body, "ReceiptHandle": message.receipt}
        record = SQSRecord(sqs_record(sqs, queue, message.deliveries))
        try:
            with self.time.invocation(TIMEOUT) as remaining:
                self.time.sleep(_START_SECONDS)
                worker(record, remaining)
        except InvocationKilled:
            self.killed += 1
            return False
        except MentorPauseError:
            return False
        return True

    def _report(self, minutes: float) -> Report:
        lines = [json.loads(line) for line in self.output.getvalue().splitlines()]
        pages = self.ledger.pages.list(self._trigger.job_run_id)
        outcomes = [page.outcome for page in pages if page.outcome is not None]
        assert len(outcomes) == len(pages), "a page was lost"
        synced = sum(len(outcome.applied) for outcome in outcomes)
        skipped = sum(len(outcome.skipped) for outcome in outcomes)
        return Report(
            minutes=minutes,
            requests=self.portal.requests,
            throttled=len(self.portal.throttled),
            logins=self.portal.logins,
            invocations=self.invocations,
            counted=self.counted,
            killed=self.killed,
            dead_pages=len(self.queue.dead),
            synced=synced,
            errors=self.mentors - synced - skipped,
            reasons=Counter(str(line.get("reason")) for line in lines),
        )
