"""A separate local stack with the real template, and nights on it."""

import os
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from uuid import UUID, uuid4

import psutil

from mentor_pause.domain.runs import run_id_of
from support.deployed import Deployed, eventually

JOB = "certification_expiry"

type Component = Literal["database", "workers", "dispatcher", "emulator"]


@dataclass(frozen=True, slots=True)
class Night:
    """The measurements of one night."""

    mentors: int
    seconds: float
    """Seconds from the rule's event to the run's end."""
    first_page: float
    """Seconds until the dispatcher wrote the first page, including its cold start."""
    paging: float
    """Seconds until the dispatcher answered."""
    dispatcher_mib: float
    """The largest memory of the dispatcher's process, in MiB."""
    processor: dict[Component, float]
    """Seconds of processor time of each component."""

    @property
    def rate(self) -> float:
        """Mentors per second."""
        return self.mentors / self.seconds


@contextmanager
def bench_stack() -> Generator[Deployed]:
    """Start and deploy a stack; no sync and no message follows a run on it."""
    with TemporaryDirectory() as folder:
        os.environ["MENTOR_PAUSE_LOCAL"] = folder
        stack = Deployed.start(Path(folder))
        try:
            stack.let_the_sync_follow(follow=False)
            stack.let_the_notifier_follow(follow=False)
            yield stack
        finally:
            stack.local.down(_silent)
            del os.environ["MENTOR_PAUSE_LOCAL"]


def run_night(
    stack: Deployed, mentors: int, prepare: Callable[[Deployed], object] = id, limit: float = 600
) -> Night:
    """Load a roster of expired mentors, start a run from a cold dispatcher; wait for its end."""
    stack.local.seed(mentors=mentors, expired=mentors, seed=1)
    prepare(stack)
    end_function(stack, "Dispatcher")
    before = processor_seconds(stack)
    trigger_id = f"bench-{uuid4()}"
    job_run_id = run_id_of(JOB, stack.stack.org_id, trigger_id)
    with ThreadPoolExecutor(1) as pool:
        began = time.perf_counter()
        first = pool.submit(_wait_for_first_page, stack, job_run_id)
        stack.fire(trigger_id)
        paging = time.perf_counter() - began
        ledger = stack.stack.ledger()

        def has_ended() -> bool:
            run = ledger.find_run(job_run_id)
            return run is not None and run.status != "running"

        eventually(has_ended, limit)
        seconds = time.perf_counter() - began
        first_page = first.result() - began
    run, summary = stack.finish(str(job_run_id))
    if (run.status, summary["paused_count"]) != ("completed", mentors):
        raise RuntimeError(f"{summary['paused_count']} of {mentors} were paused: {run.status}")
    after = processor_seconds(stack)
    processor: dict[Component, float] = {
        name: spent - before[name] for name, spent in after.items()
    }
    return Night(mentors, seconds, first_page, paging, peak_mib(stack, "Dispatcher"), processor)


def processor_seconds(stack: Deployed) -> dict[Component, float]:
    """Return the processor time that each component has had since its start.

    The dispatcher's process starts with the night, so its time before the night is zero. The
    emulator's time is its own, without the functions that it has started.
    """
    (pid_file,) = (stack.local.folder / "postgres").rglob("postmaster.pid")
    server = psutil.Process(int(pid_file.read_text().split()[0]))
    emulator = psutil.Process(stack.local.require().emulator.pid).cpu_times()
    return {
        "database": sum(map(_spent, [server, *server.children(recursive=True)])),
        "workers": sum(map(_spent, _processes(stack, "ExpiryWorker"))),
        "dispatcher": sum(map(_spent, _processes(stack, "Dispatcher"))),
        "emulator": emulator.user + emulator.system,
    }


def _spent(process: psutil.Process) -> float:
    """Return the processor time of a process, with that of its children that have ended."""
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system
    return 0.0


def _wait_for_first_page(stack: Deployed, job_run_id: UUID) -> float:
    ledger = stack.stack.ledger()
    eventually(lambda: ledger.pages.find(job_run_id, 1) is not None)
    return time.perf_counter()


def end_function(stack: Deployed, function: str) -> None:
    """End the processes of a function, so that its next invocation starts cold."""
    for process in _processes(stack, function):
        process.kill()
    eventually(lambda: not _processes(stack, function))


def _processes(stack: Deployed, function: str) -> list[psutil.Process]:
    name, found = stack.stack.outputs[f"{function}FunctionName"], list[psutil.Process]()
    for process in psutil.Process(stack.local.require().emulator.pid).children(recursive=True):
        with suppress(psutil.Error):
            is_one = process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == name
            if is_one and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def peak_mib(stack: Deployed, function: str) -> float:
    """Return the largest memory that a process of a function has had, in MiB."""

    def peak(process: psutil.Process) -> float:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    return max(map(peak, _processes(stack, function)))


def _silent(_text: str) -> None:
    """Say nothing."""
