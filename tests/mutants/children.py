"""Runs tests in forked processes, each with one change, several at a time.

The parent has imported everything, collected the tests and started PostgreSQL and moto, so a child
starts in milliseconds. A child that hangs gets SIGALRM and ends.
"""

import contextlib
import gc
import json
import os
import select
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from support.cluster import Cluster

type Answer = dict[str, Any]
"""What a child reports: JSON."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a child does; its answer is `{"signal": ...}` if a signal ended it."""

    name: str
    run: Callable[[], Answer]


@dataclass(slots=True)
class _Child:
    job: Job
    pid: int
    began: float
    received: bytes = b""


@dataclass(frozen=True, slots=True)
class Children:
    """Forks a process for each job."""

    cluster: Cluster
    at_once: int
    _running: dict[int, _Child] = field(default_factory=dict[int, _Child])
    """By the pipe that the parent reads."""

    def map(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Answer, float]]:
        """Run the jobs; yield each with its answer and its seconds, in the order of their ends."""
        for job in jobs:
            while len(self._running) >= self.at_once:
                yield from self._wait()
            self._start(job)
        while self._running:
            yield from self._wait()

    def _start(self, job: Job) -> None:
        gc.freeze()  # a child's collections leave the parent's pages alone
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a daemon thread may be left
            pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._be_child(job, writer)
        os.close(writer)
        self._running[reader] = _Child(job, pid, time.monotonic())

    def _be_child(self, job: Job, writer: int) -> None:
        """Do the job and exit, whatever happens: the rest of the program is the parent's."""
        try:
            os.setsid()
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            silent = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(silent, stream)
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(self._answer(job))
        finally:
            os._exit(0)

    def _answer(self, job: Job) -> bytes:
        try:
            self.cluster.reconnect(f"child_{os.getpid()}")
            return json.dumps(job.run()).encode()
        except BaseException:  # noqa: BLE001 - the parent reports it
            return json.dumps({"error": traceback.format_exc()}).encode()

    def _wait(self) -> Iterator[tuple[Job, Answer, float]]:
        ready, _, _ = select.select(list(self._running), [], [])
        for reader in ready:
            child = self._running[reader]
            if more := os.read(reader, 65536):
                child.received += more
                continue
            os.close(reader)
            del self._running[reader]
            _, status = os.waitpid(child.pid, 0)
            answer = json.loads(child.received) if child.received else {"signal": status & 127}
            if not child.received:
                self._clean_up(child.pid)
            yield child.job, answer, time.monotonic() - child.began

    def _clean_up(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        self.cluster.drop_left(f"child_{pid}")
