"""Nights through a PgBouncer that is paused, frozen, exhausted, killed or too small."""

import threading
from collections.abc import Callable
from contextlib import closing

import psycopg

from support.deployed import Deployed, eventually
from support.pooler import Pooler
from support.watch import Night, describe
from support.way import database_urls, pooled

_SOME = 50
"""The number of mentors that the worker pauses before the fault begins."""

_tick = threading.Event()


def paused_count(stack: Deployed) -> int:
    """Count the paused mentors, over a direct connection to the database."""
    with psycopg.connect(stack.local.database_url(), autocommit=True) as owner:
        row = owner.execute("select count(*) from peer_mentor_status_history").fetchone()
    return row[0] if row else 0


def _trouble(
    what: str,
    begin: Callable[[Pooler], None],
    end: Callable[[Pooler], None],
    seconds: float,
    mentors: int = 2000,
) -> Callable[[Deployed], str]:
    """Return a night whose pooler fails for some time, starting in the middle of the pages."""

    def run(stack: Deployed) -> str:
        stack.local.seed(mentors=mentors, expired=mentors, seed=1)
        with pooled(stack) as pooler:
            night = Night(stack)
            night.fire()
            eventually(lambda: paused_count(stack) > _SOME)
            begin(pooler)
            before = paused_count(stack)
            _tick.wait(seconds)
            end(pooler)
            back = night.seconds()
            summary = night.finish(600)
            after = night.seconds() - back
        return (
            f"{what} for {seconds:.0f} s after {before} of {mentors}: {describe(night, summary)};"
            f" complete {after:.1f} s after the pooler was back"
        )

    return run


def _exhausted(stack: Deployed) -> str:
    """Let other clients hold the pool's two connections for a minute."""
    stack.local.seed(mentors=500, expired=500, seed=1)
    with pooled(stack, default_pool_size=2, query_wait_timeout=120) as pooler:
        job = pooler.through(database_urls(stack)[0])
        with closing(psycopg.connect(job)) as one, closing(psycopg.connect(job)) as two:
            for other in (one, two):
                other.execute("set idle_in_transaction_session_timeout = 0")
            night = Night(stack)
            answer = night.fire()
            _tick.wait(max(0, 60 - night.seconds()))
        back = night.seconds()
        summary = night.finish(600)
        after = night.seconds() - back
    return (
        f"pool exhausted for {back:.0f} s from before the trigger (answer: {answer['status']}):"
        f" {describe(night, summary)}; complete {after:.1f} s after the pool was free"
    )


def _exhausted_in_mid_run(stack: Deployed) -> str:
    stack.local.seed(mentors=2000, expired=2000, seed=1)
    with pooled(stack, default_pool_size=2, query_wait_timeout=120) as pooler:
        job = pooler.through(database_urls(stack)[0])
        night = Night(stack)
        night.fire()
        eventually(lambda: paused_count(stack) > _SOME)
        with closing(psycopg.connect(job)) as one, closing(psycopg.connect(job)) as two:
            for other in (one, two):
                other.execute("set idle_in_transaction_session_timeout = 0")
            before = paused_count(stack)
            _tick.wait(60)
        back = night.seconds()
        summary = night.finish(600)
        after = night.seconds() - back
    return (
        f"pool exhausted for 60 s after {before} of 2000: {describe(night, summary)};"
        f" complete {after:.1f} s after the pool was free"
    )


def _few_clients(stack: Deployed) -> str:
    stack.local.seed(mentors=5000, expired=5000, seed=1)
    with pooled(stack, max_client_conn=3):
        night = Night(stack)
        night.fire()
        summary = night.finish(600)
    return f"max_client_conn=3, four workers: {describe(night, summary)}"


SCENARIOS = {
    "pooler-paused": _trouble("PAUSE", Pooler.pause, Pooler.resume, 75),
    "pooler-frozen": _trouble("SIGSTOP", Pooler.freeze, Pooler.thaw, 40),
    "pooler-exhausted": _exhausted,
    "pooler-exhausted-later": _exhausted_in_mid_run,
    "pooler-killed": _trouble("killed", Pooler.kill, Pooler.start, 5, 5000),
    "few-clients": _few_clients,
}
