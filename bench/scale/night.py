"""Runs a night in virtual time: the product's functions over stand-ins for AWS and the database.

Each container of a function is a process (`function.py`) that stops at each call of AWS and
tells the moment of the call. The simulation answers the earliest call first, so that the ledger and
the queues see all calls in the order of their moments. Calls for a mentor do not stop the process,
because no other process asks for that mentor.

Lambda's rules: an invocation ends at its time-out; a failed asynchronous invocation is repeated
after one minute and after two more; a message that is not acknowledged comes back after its
visibility time-out, and moves to the dead letters after its last delivery.
"""

import json
import multiprocessing
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count
from multiprocessing import Pipe
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, cast

from bench.scale.database import ExecutionLog
from bench.scale.function import Call, Ended, FunctionSpec, Latencies, run_function
from bench.scale.ledger import LedgerTable, Refused
from bench.scale.queues import Message, Queue, is_acknowledged, open_queues, sqs_event
from bench.scale.template import Template, function_spec, mappings

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

FUNCTIONS = ("Dispatcher", "ExpiryWorker", "Monitor")
COLD_START = 0.5
"""Seconds from the start of a process to its first event; not part of the invocation's time."""

REPEATED_AFTER = (60, 120)
"""Seconds after which Lambda repeats a failed asynchronous invocation."""

LONGEST_EVENT = 256 * 1024
_COMPLETING = frozenset({"notify_coordinators", "notify_coordinators_page", "finish_execution"})
"""Calls of the database by which an invocation with a part of a completion is recognised."""

_PATIENCE = 120
"""Real seconds in which a process tells its next call."""

_SECRET = json.dumps({"SUPABASE_DB_URL": "postgresql://mentor_pause_job:x@127.0.0.1:5432/postgres"})
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["bench.scale.function"])


@dataclass(slots=True)
class Invocations:
    """What the invocations of one function used."""

    count: int = 0
    killed: int = 0
    seconds: float = 0
    longest: float = 0
    """The longest invocation without a part of a completion."""
    gb_seconds: float = 0
    peak_mib: float = 0
    completion_mib: float = 0
    """The largest memory of an invocation with a part of a run's completion."""
    completion_seconds: float = 0
    longest_completion: float = 0
    log_lines: int = 0
    longest_line: int = 0

    def add(self, ended: Ended, seconds: float, memory_mb: int) -> None:
        """Count one invocation."""
        self.count += 1
        self.killed += ended.was_killed
        self.seconds += seconds
        self.gb_seconds += seconds * memory_mb / 1024
        self.log_lines += ended.log_lines
        self.longest_line = max(self.longest_line, ended.longest_line)
        if ended.completed_run or not _COMPLETING.isdisjoint(ended.database_calls):
            self.completion_mib = max(self.completion_mib, ended.peak_mib)
            self.completion_seconds += seconds
            self.longest_completion = max(self.longest_completion, seconds)
        else:
            self.peak_mib = max(self.peak_mib, ended.peak_mib)
            self.longest = max(self.longest, seconds)


@dataclass(slots=True)
class _Container:
    """A place for one invocation at a time, with the process that handles it."""

    spec: FunctionSpec
    queue: Queue | None = None
    process: BaseProcess | None = None
    pipe: "Connection[Any, Any] | None" = None
    free_at: float = 0
    began: float = 0
    message: Message | None = None
    attempt: int = 0
    event: object = None
    is_busy: bool = False
    is_stopped: bool = False

    def open(self, mentors: int, latencies: Latencies) -> None:
        """Start the process."""
        self.pipe, theirs = cast("tuple[Connection[Any, Any], Connection[Any, Any]]", Pipe())
        self.process = _processes.Process(
            target=run_function, args=(theirs, self.spec, mentors, latencies), daemon=True
        )
        self.process.start()
        theirs.close()

    def send(self, what: object) -> None:
        """Send the process an event or an answer."""
        if self.pipe is None:
            raise RuntimeError(f"{self.spec.name} has no process")
        self.pipe.send(what)

    def receive(self) -> Call | Ended:
        """Return the process's next call.

        Raises:
            RuntimeError: the process has ended, or says nothing.
        """
        try:
            if self.pipe is not None and self.pipe.poll(_PATIENCE):
                return self.pipe.recv()
        except EOFError:
            pass
        raise RuntimeError(f"the process of {self.spec.name} has ended, or hangs")

    def end(self) -> None:
        """End the process; the next invocation starts a new one."""
        if self.process is not None and self.pipe is not None:
            self.pipe.close()
            self.process.kill()
            self.process.join()
        self.process = self.pipe = None


class Simulation:
    """A stack in virtual time; seconds count from the beginning of the night."""

    def __init__(
        self, template: Template, mentors: int, latencies: Latencies, **settings: str
    ) -> None:
        """`settings` replaces variables of every function, such as PAGE_SIZE."""
        self.mentors, self.latencies = mentors, latencies
        self.ledger, self.log = LedgerTable(), ExecutionLog(mentors)
        self.queues = open_queues(template)
        self.events: list[str] = []
        """The details of the published events."""
        self.invocations = {name: Invocations() for name in FUNCTIONS}
        self.database_calls: Counter[str] = Counter()
        self.requests: Counter[tuple[str, str]] = Counter()
        """Requests to AWS; those of Lambda's pollers are not among them."""
        self.deliveries = 0
        self.completed_at: float | None = None
        """When the first invocation ended that completed a run."""
        self.now = 0.0
        self._specs = {name: function_spec(template, name, **settings) for name in FUNCTIONS}
        self._containers = [
            _Container(self._specs[name], self.queues.by_name[mapped.queue])
            for name in FUNCTIONS
            for mapped in mappings(template, name)
            for _ in range(mapped.concurrency)
        ]
        self._numbers = count()
        self._calls: list[tuple[float, int, _Container, Call | Ended]] = []
        self._invokes: list[tuple[float, int, str, object, int]] = []

    def invoke(self, function: str, event: object, at: float, attempt: int = 0) -> None:
        """Invoke a function asynchronously at a moment."""
        heappush(self._invokes, (at, next(self._numbers), function, event, attempt))

    def run(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until nothing is left to do, or until `stop` is true."""
        while not stop() and self._step():
            pass

    def close(self, *functions: str) -> None:
        """End the processes of the named functions, or of all; their messages stay unanswered."""
        for container in self._containers:
            if not functions or container.spec.name in functions:
                container.end()
                container.is_stopped = True
        self._calls = [call for call in self._calls if not call[2].is_stopped]
        heapify(self._calls)

    def _step(self) -> bool:
        """Do what comes next; False: there is nothing."""
        moments: list[tuple[float, Callable[[], None]]] = []
        if self._calls:
            moments.append((self._calls[0][0], self._take_call))
        if self._invokes:
            moments.append((self._invokes[0][0], self._take_invoke))
        if (delivery := self._next_delivery()) is not None:
            at, container = delivery
            moments.append((at, lambda: self._deliver(container, at)))
        if not moments:
            return False
        self.now, take = min(moments, key=lambda moment: moment[0])
        take()
        return True

    def _next_delivery(self) -> tuple[float, _Container] | None:
        best: tuple[float, _Container] | None = None
        for container in self._containers:
            if container.is_busy or container.is_stopped or container.queue is None:
                continue
            if (visible := container.queue.next_at) is None:
                continue
            at = max(visible, container.free_at)
            if best is None or at < best[0]:
                best = at, container
        return best

    def _deliver(self, container: _Container, at: float) -> None:
        queue = container.queue
        message = queue.receive(at) if queue is not None else None
        if queue is None or message is None:
            return
        self.deliveries += 1
        container.message = message
        event = sqs_event(queue.name, message)
        self._start(container, event, at + self.latencies.sqs)

    def _take_invoke(self) -> None:
        at, _, function, event, attempt = heappop(self._invokes)
        self._start(_Container(self._specs[function], attempt=attempt), event, at)

    def _start(self, container: _Container, event: object, at: float) -> None:
        container.is_busy, container.event = True, event
        if container.pipe is None:
            container.open(self.mentors, self.latencies)
            at += COLD_START
        container.began = at
        container.send((at, event, f"invocation-{next(self._numbers)}"))
        self._expect(container)

    def _expect(self, container: _Container) -> None:
        """Wait until a process tells its next call."""
        call = container.receive()
        heappush(self._calls, (call.at, next(self._numbers), container, call))

    def _take_call(self) -> None:
        _, _, container, call = heappop(self._calls)
        if isinstance(call, Ended):
            self._end(container, call)
            return
        container.send(self._answer(call))
        self._expect(container)

    def _answer(self, call: Call) -> object:
        if call.service == "database":
            return self.log.answer(call.operation, call.request, call.at)
        self.requests[call.service, call.operation] += 1
        try:
            return json.dumps(self._answer_aws(call))
        except Refused as refused:
            return json.dumps(refused.answer)

    def _answer_aws(self, call: Call) -> dict[str, Any]:
        if call.service == "dynamodb":
            return self.ledger.answer(call.operation, call.request, call.at)
        if call.service == "sqs":
            return self.queues.answer(call.operation, call.request, call.at)
        if call.service == "secretsmanager":
            return {"SecretString": _SECRET}
        entries = call.request["Entries"]
        if sum(len(json.dumps(entry)) for entry in entries) > LONGEST_EVENT:
            raise Refused("ValidationException", "an event of more than 256 KB")
        self.events += [entry["Detail"] for entry in entries]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "event"} for _ in entries]}

    def _end(self, container: _Container, ended: Ended) -> None:
        spec, queue, message = container.spec, container.queue, container.message
        seconds = ended.at - container.began
        self.invocations[spec.name].add(ended, seconds, spec.memory_mb)
        self.database_calls += ended.database_calls
        if ended.completed_run and self.completed_at is None:
            self.completed_at = ended.at
        container.is_busy, container.free_at = False, ended.at
        if ended.was_killed or spec.name != "ExpiryWorker":
            # The process would trust this machine's clock, which virtual time does not move.
            container.end()
        if queue is not None and message is not None:
            queue.finish(message, acknowledged=is_acknowledged(ended.answer))
        elif ended.answer is None and container.attempt < len(REPEATED_AFTER):
            wait = REPEATED_AFTER[container.attempt]
            self.invoke(spec.name, container.event, ended.at + wait, container.attempt + 1)
