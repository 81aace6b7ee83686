"""Nights with a fault of the system: the run counts no mentor as an error and names the fault."""

from collections.abc import Callable
from contextlib import ExitStack

import psycopg

from local.rest_callers import SECRET_KEY
from support.deployed import Deployed, eventually, rows
from support.system_faults import FAULTS, Fault, rest
from support.watch import Night, describe
from support.way import workers_held


def _night_with(stack: Deployed, fault: Fault) -> tuple[Night, dict[str, object]]:
    """Inject a fault into a night, and remove it when a page has recorded its reason.

    Returns:
        The night, and its summary.
    """
    night = Night(stack)
    with ExitStack() as mended:
        with workers_held(stack):
            night.fire()
            mended.enter_context(fault(stack))
        eventually(lambda: bool(night.reasons()))
        run = night.run()
        if run is None or not run.wait_reason:
            raise RuntimeError("the ledger does not have the reason")
    return night, night.finish(300)


def _scenario(name: str) -> Callable[[Deployed], str]:
    def run(stack: Deployed) -> str:
        stack.local.seed(mentors=100, expired=100, seed=1)
        night, summary = _night_with(stack, FAULTS[name])
        with psycopg.connect(stack.local.database_url(), autocommit=True) as owner:
            (row,) = rows(owner, "select status, error from scheduler_execution_log")
        return f"{describe(night, summary)}; the run's row: {row['status']}, {row['error']}"

    return run


def _fired_into(name: str) -> Callable[[Deployed], str]:
    def run(stack: Deployed) -> str:
        stack.local.seed(mentors=100, expired=100, seed=1)
        night = Night(stack)
        with FAULTS[name](stack):
            answer = night.fire()
        night.hurry()
        eventually(lambda: night.run() is not None, 120)
        if night.reasons():
            night.hurry_pages()
        summary = night.finish(300)
        with psycopg.connect(stack.local.database_url(), autocommit=True) as owner:
            (row,) = rows(owner, "select status, error from scheduler_execution_log")
        return (
            f"triggered during the fault: answered {answer}; {describe(night, summary)};"
            f" the run's row: {row['status']}, {row['error']}"
        )

    return run


def _rest_night(stack: Deployed) -> str:
    stack.local.seed(mentors=100, expired=100, seed=1)
    with rest(SECRET_KEY)(stack):
        night = Night(stack)
        night.fire()
        summary = night.finish(120)
    return f"by REST: {describe(night, summary)}"


SCENARIOS = (
    {name: _scenario(name) for name in FAULTS}
    | {f"fired-into-{name}": _fired_into(name) for name in FAULTS}
    | {"rest-night": _rest_night}
)
