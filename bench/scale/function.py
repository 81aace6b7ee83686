"""A Lambda function in the simulation: a process that runs the product's own handler.

The handler, its settings and botocore are real. Three parts are replaced:

- botocore's event `before-call` answers each request of AWS's client, and sends it to the
  simulation through a pipe instead of to AWS.
- `mentor_pause.database.pooled` is the stand-in for the database.
- `mentor_pause.retry` and Lambda's context read the virtual clock. A call runs in the thread of its
  caller, because a call's own thread waits for real seconds.

The virtual clock adds the latency of each call to the processor time that the handler uses. Lambda
gives a function of 512 MB less than a third of a processor, so the processor time is multiplied.
"""

import importlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from bench.scale.database import Arguments, Row, Transport, moment
from mentor_pause import retry

FULL_PROCESSOR_MB = 1769
"""With so much memory a function has one processor, by AWS's documentation."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds of one call of each service."""

    database: float = 0.012
    dynamodb: float = 0.005
    sqs: float = 0.020
    events: float = 0.020
    secretsmanager: float = 0.020
    per_byte: float = 1 / 50e6
    """Seconds for each byte of an answer of AWS: 50 MB/s."""


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function of the template."""

    name: str
    handler: str
    timeout: int
    memory_mb: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, on its way to the simulation."""

    at: float
    service: str
    operation: str
    request: Any


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an invocation."""

    at: float
    answer: object
    """What the handler returned; None if Lambda ended the invocation or the handler raised."""
    was_killed: bool
    database_calls: Counter[str]
    log_lines: int
    longest_line: int
    peak_mib: float
    completed_run: bool
    """Whether it logged the first line of a summary."""


class Clock:
    """The virtual clock of one function, in seconds."""

    def __init__(self, factor: float, kill: Callable[[], None]) -> None:
        """`factor` multiplies the processor time; `kill` is called at the time-out."""
        self._factor, self._kill = factor, kill
        self._offset = self._mark = 0.0
        self.deadline = 0.0

    def start(self, at: float, seconds: float) -> None:
        """Begin an invocation that may take so many seconds."""
        self._offset, self._mark, self.deadline = at, time.process_time(), at + seconds

    def now(self) -> float:
        """Return the present moment."""
        return self._offset + self._factor * (time.process_time() - self._mark)

    def advance(self, seconds: float) -> None:
        """Let time pass; Lambda ends the invocation at its time-out."""
        self._offset += seconds
        if self.now() > self.deadline:
            self._kill()


@dataclass(slots=True)
class LogCounter:
    """A text stream that counts the lines of the log and drops them."""

    lines: int = 0
    longest: int = 0
    completed_run: bool = False
    partial: list[str] = field(default_factory=list[str])

    def write(self, text: str) -> int:
        """Count the lines of a text, which may end within a line."""
        self.partial.append(text)
        if "\n" in text:
            for line in "".join(self.partial).splitlines():
                self.lines += 1
                self.longest = max(self.longest, len(line.encode()))
                self.completed_run |= '"run completed"' in line
            self.partial.clear()
        return len(text)

    def flush(self) -> None:
        """Keep nothing back."""


class _InTurn:
    """A thread that runs at once, in its caller's thread."""

    def __init__(
        self, target: Callable[..., object], args: tuple[object, ...], **_: object
    ) -> None:
        self._target, self._args = target, args

    def start(self) -> None:
        """Run to the end."""
        self._target(*self._args)


class Context:
    """Lambda's context, by the virtual clock."""

    function_name = invoked_function_arn = "function"
    function_version = "1"

    def __init__(self, clock: Clock, memory_mb: int, request_id: str) -> None:
        """`request_id` names the invocation."""
        self._clock = clock
        self.memory_limit_in_mb, self.aws_request_id = memory_mb, request_id

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the time-out."""
        return int((self._clock.deadline - self._clock.now()) * 1000)


class Function:
    """The process of a function; it handles one event after the other."""

    def __init__(
        self, connection: Connection, spec: FunctionSpec, mentors: int, latencies: Latencies
    ) -> None:
        """Import the handler, as a cold start does."""
        self._connection, self._spec, self._latencies = connection, spec, latencies
        self._clock = Clock(FULL_PROCESSOR_MB / spec.memory_mb, self._die)
        self._log = LogCounter()
        self._transport = Transport(mentors, self._wait_for_database, self._ask_database)
        os.environ |= spec.environment
        sys.stdout = self._log  # pyright: ignore[reportAttributeAccessIssue]
        pooled = ModuleType("mentor_pause.database.pooled")
        pooled.__dict__["PooledTransport"] = self._open_transport
        sys.modules[pooled.__name__] = pooled
        retry.__dict__["time"] = SimpleNamespace(monotonic=self._clock.now)
        retry.__dict__["Thread"] = _InTurn
        boto3.setup_default_session(region_name="eu-north-1")
        session: Any = boto3.DEFAULT_SESSION
        session.events.register("before-call", self._answer_aws)
        module, _, name = spec.handler.rpartition(".")
        self._handler: Callable[[object, Context], object] = getattr(
            importlib.import_module(module), name
        )

    def serve(self) -> None:
        """Handle the events that come through the pipe, until it is closed (`EOFError`)."""
        while True:
            at, event, request_id = self._connection.recv()
            self._transport.calls.clear()
            self._log.lines = self._log.longest = 0
            self._log.completed_run = False
            _reset_peak()
            self._clock.start(at, self._spec.timeout)
            context = Context(self._clock, self._spec.memory_mb, request_id)
            try:
                answer = self._handler(event, context)
            except Exception as error:  # noqa: BLE001 - Lambda notes that the invocation failed
                self._log.write(f"{type(error).__name__}: {error}\n")
                sys.stderr.write(f"{self._spec.name}: {type(error).__name__}: {error}\n")
                answer = None
            self._clock.advance(0)
            self._connection.send(self._ended(answer))

    def _ended(self, answer: object, *, was_killed: bool = False) -> Ended:
        log = self._log
        at = self._clock.deadline if was_killed else self._clock.now()
        return Ended(
            at, answer, was_killed, Counter(self._transport.calls), log.lines, log.longest,
            _peak_mib(), log.completed_run,
        )  # fmt: skip

    def _die(self) -> None:
        self._connection.send(self._ended(None, was_killed=True))
        os._exit(0)

    def _open_transport(self, _url: str) -> Transport:
        return self._transport

    def _wait_for_database(self, round_trips: int, seconds: float) -> None:
        self._clock.advance(round_trips * self._latencies.database + seconds)

    def _ask_database(self, function: str, arguments: Arguments) -> list[Row]:
        self._connection.send(Call(self._clock.now(), "database", function, dict(arguments)))
        return self._connection.recv()

    def _answer_aws(
        self,
        model: Any,  # noqa: ANN401 - botocore does not type it
        params: Mapping[str, Any],
        **_: object,
    ) -> tuple[AWSResponse, dict[str, Any]]:
        """Take botocore's event, and return what it would have made of the HTTP response."""
        service = model.service_model.service_name
        self._clock.advance(getattr(self._latencies, service))
        request = json.loads(params["body"])
        self._connection.send(Call(self._clock.now(), service, model.name, request))
        text: str = self._connection.recv()
        self._clock.advance(len(text) * self._latencies.per_byte)
        answer: dict[str, Any] = json.loads(text)
        status = 400 if "Error" in answer else 200
        headers: Any = {"date": f"{moment(self._clock.now()):%a, %d %b %Y %H:%M:%S} GMT"}
        answer["ResponseMetadata"] = {"HTTPStatusCode": status, "HTTPHeaders": headers}
        return AWSResponse("", status, headers, None), answer


def _reset_peak() -> None:
    """Let Linux forget the largest memory so far."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float:
    """Return the largest memory of this process since `_reset_peak`, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def run_function(
    connection: Connection, spec: FunctionSpec, mentors: int, latencies: Latencies
) -> None:
    """Run a function's process."""
    with suppress(EOFError):  # the simulation has closed the pipe
        Function(connection, spec, mentors, latencies).serve()
