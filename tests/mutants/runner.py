"""A pytest plugin that tries changes instead of running the tests once."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from mutants.changes import Mutant, Verdict
from mutants.children import Answer, Children, Job
from mutants.reach import Reach, Store, Watch, count_calls
from support.cluster import Cluster

AT_ONCE = 1 + (os.cpu_count() or 1)
"""Processes that try mutants: each waits for PostgreSQL a part of its time."""
_CHUNK = 20
"""How many tests one process measures."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A mutant, how a process takes it over, and the tests that can notice it."""

    mutant: Mutant
    use: Callable[[], bool]
    tests: Sequence[str]
    near: Sequence[str] = ()
    """Words in the names of the tests that notice it most probably, the best word first."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant."""

    mutant: Mutant
    verdict: Verdict
    by: str
    """The test that noticed it."""
    seconds: float


type Planner = Callable[[Store, Cluster], Iterable[Trial]]
type Recorder = Callable[[Result], None]


@dataclass(slots=True)
class Runner:
    """Measures the tests that are new or changed, then tries every mutant."""

    plan: Planner
    record: Recorder
    measures: bool = True
    """False: only tests that were measured before take part."""
    most_seconds: float = 30.0
    """How long the tests of one mutant may take, by their measured times."""
    first: Sequence[str] = ()
    """Words in the names of tests that come before all others."""
    _killers: list[str] = field(default_factory=list[str])
    """The tests that noticed the last mutants: they probably notice the next one."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Replace pytest's own loop."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        items = {item.nodeid: item for item in session.items}
        cluster = _warm_up(session)
        count_calls(cluster)
        store = Store.load()
        children = Children(cluster, AT_ONCE)
        if self.measures:
            _measure(session, items, store, children)
            store.save()
        jobs = self._jobs(session, items, store, cluster)
        for job, answer, seconds in children.map(jobs):
            assert isinstance(job, _TrialJob)
            self._finish(job.trial, answer, seconds)
        return True

    def _jobs(
        self, session: pytest.Session, items: dict[str, pytest.Item], store: Store, cluster: Cluster
    ) -> Iterator[Job]:
        for trial in self.plan(store, cluster):
            tests = self._choose(trial, items, store)
            if tests:
                run = _trial(session, trial, [items[test] for test in tests], store)
                yield _TrialJob(trial.mutant.name, run, trial)
            else:
                self.record(Result(trial.mutant, "unreached", "", 0))

    def _choose(self, trial: Trial, items: dict[str, pytest.Item], store: Store) -> list[str]:
        """Order the tests, and take as many as there is time for.

        The tests of `first` come first, then those that noticed the last mutants, then those whose
        names have one of the trial's words: one case of each test function, the second case of
        each, and so on; the fastest first.
        """
        possible = [test for test in trial.tests if test in items and test in store.known]
        possible.sort(key=lambda test: store.known[test].seconds)
        turns = Counter[str]()
        order = dict[str, tuple[int, ...]]()
        for test in possible:
            function, file = test.partition("[")[0], test.partition("::")[0]
            rank = _rank(trial.near, test)
            order[test] = (
                _rank(self.first, test), _place(self._killers, test),
                rank == len(trial.near), turns[function], rank, turns[file],
            )  # fmt: skip
            turns.update((function, file))
        possible.sort(key=order.__getitem__)
        chosen, seconds = list[str](), 0.0
        for test in possible:
            seconds += store.known[test].seconds
            if chosen and seconds > self.most_seconds:
                break
            chosen.append(test)
        return chosen

    def _finish(self, trial: Trial, answer: Answer, seconds: float) -> None:
        verdict: Verdict
        by = str(answer.get("by", ""))
        if "error" in answer:
            raise RuntimeError(f"{trial.mutant}: {answer['error']}")
        if "signal" in answer:
            verdict = "timed out" if answer["signal"] == signal.SIGALRM else "noticed"
            by = f"signal {answer['signal']}"
        elif answer.get("invalid"):
            verdict = "invalid"
        else:
            verdict = "noticed" if by else "survived"
        if verdict == "noticed" and "::" in by:
            self._killers = [by, *(test for test in self._killers if test != by)][:3]
        self.record(Result(trial.mutant, verdict, by, seconds))


@dataclass(frozen=True, slots=True)
class _TrialJob(Job):
    trial: Trial


def _place(killers: list[str], test: str) -> int:
    return killers.index(test) if test in killers else len(killers)


def _rank(words: Sequence[str], test: str) -> int:
    return next((rank for rank, word in enumerate(words) if word in test), len(words))


def _warm_up(session: pytest.Session) -> Cluster:
    """Start PostgreSQL and moto, which the children inherit, by running one test that uses both."""
    item = next(
        item
        for item in session.items
        if isinstance(item, pytest.Function) and {"cluster", "aws"} <= set(item.fixturenames)
    )
    reports = runtestprotocol(item, log=False, nextitem=session.items[-1])
    failed = [report.longreprtext for report in reports if report.failed]
    if failed:
        raise session.Interrupted(f"{item.nodeid} fails: {failed[0]}")
    found = session._fixturemanager._arg2fixturedefs["cluster"][-1].cached_result
    assert found is not None
    cluster: Any = found[0]
    return cluster


def _trial(
    session: pytest.Session, trial: Trial, items: Sequence[pytest.Item], store: Store
) -> Callable[[], Answer]:
    def run() -> Answer:
        try:
            if not trial.use():
                return {"invalid": True}
        except Exception as error:  # noqa: BLE001 - every test would notice it
            return {"by": f"the module does not load: {error}"}
        for item, reports in _run(session, items, store):
            if any(report.failed for report in reports):
                return {"by": item.nodeid}
        return {}

    return run


def _run(
    session: pytest.Session, items: Sequence[pytest.Item], store: Store | None = None
) -> Iterator[tuple[pytest.Item, list[pytest.TestReport]]]:
    session._setupstate.teardown_exact(items[0])
    for item, following in zip(items, [*items[1:], session.items[-1]], strict=True):
        limit = 20 + 6 * store.known[item.nodeid].seconds if store else 400
        signal.setitimer(signal.ITIMER_REAL, limit)
        yield item, runtestprotocol(item, log=False, nextitem=following)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _measure(
    session: pytest.Session, items: dict[str, pytest.Item], store: Store, children: Children
) -> None:
    new = [item for node, item in items.items() if node not in {*store.known, *store.failed}]
    chunks = [new[start : start + _CHUNK] for start in range(0, len(new), _CHUNK)]
    jobs = [
        Job(chunk[0].nodeid, _measurement(session, chunk, children.cluster)) for chunk in chunks
    ]
    for done, (job, answer, _) in enumerate(children.map(jobs), 1):
        for node, reach in answer.get("known", {}).items():
            store.known[node] = Reach(**reach)
        store.failed |= answer.get("failed", {})
        if not {"known", "failed"} & answer.keys():
            store.failed[job.name] = str(answer)
            print(f"not measured: {job.name} and the tests after it: {answer}")  # noqa: T201
        print(f"measured {done} of {len(chunks)} groups of tests", flush=True)  # noqa: T201
        if done % 20 == 0:
            store.save()


def _measurement(
    session: pytest.Session, chunk: Sequence[pytest.Item], cluster: Cluster
) -> Callable[[], Answer]:
    def run() -> Answer:
        known, failed = dict[str, Any](), dict[str, str]()
        watch = Watch(cluster)
        watch.start()
        watch.begin()
        began = time.monotonic()
        for item, reports in _run(session, chunk):
            reach = watch.end(time.monotonic() - began)
            wrong = [report.longreprtext for report in reports if report.failed]
            if wrong:
                failed[item.nodeid] = wrong[0][-2000:]
            elif not any(report.skipped for report in reports):
                known[item.nodeid] = {
                    "seconds": reach.seconds, "lines": reach.lines, "functions": reach.functions,
                }  # fmt: skip
            else:
                failed[item.nodeid] = "skipped"
            watch.begin()
            began = time.monotonic()
        return {"known": known, "failed": failed}

    return run
