"""Scheduled triggers during dry runs of people, during another run, and without a database."""

from collections import Counter
from collections.abc import Callable
from uuid import uuid4

from support.deployed import Deployed, eventually
from support.dry_runs import post_dry_runs_over_triggers, statuses
from support.proxy import running_proxy
from support.watch import JOB, Night, describe
from support.way import by_way_of, database_address, detour, locked_rows, pooled

_START = f"/jobs/{JOB}/runs"


def _dry_runs(stack: Deployed) -> str:
    stack.local.seed(mentors=300, expired=150, seed=3)
    night = Night(stack)
    answers, posted = post_dry_runs_over_triggers(stack, 12)
    return (
        f"12 triggers in {night.seconds():.1f} s, answered {dict(Counter(answers))};"
        f" rows of the schedule: {dict(statuses(stack, 'schedule'))};"
        f" dry runs answered {dict(posted)};"
        f" {night.timed_out()} ended by Lambda"
    )


def _by_hand(stack: Deployed) -> str:
    stack.local.seed(mentors=300, expired=150, seed=3)
    with locked_rows(stack, 1):
        by_hand = stack.fire(f"hand-{uuid4()}", trigger="manual")
        night = Night(stack)
        answer = night.fire()
        eventually(lambda: bool(night.reasons("Dispatcher")))
    first, summary = stack.finish(by_hand["job_run_id"])
    eventually(lambda: night.run() is not None, 120)
    own = night.finish(120)
    return (
        f"trigger during a run by hand: answered {answer['status']}; the run by hand paused"
        f" {summary['paused_count']} ({first.status}); its own run: {describe(night, own)};"
        f" rows of the schedule: {dict(statuses(stack, 'schedule'))}"
    )


def _away(how: str) -> Callable[[Deployed], str]:
    def run(stack: Deployed) -> str:
        stack.local.seed(mentors=300, expired=150, seed=3)
        night = Night(stack)
        if how == "killed":
            with pooled(stack) as pooler:
                pooler.kill()
                return _finish(stack, night, how, pooler.start)
        with (
            running_proxy(database_address(stack)) as proxy,
            detour(stack, by_way_of(proxy.port)),
        ):
            proxy.freeze()
            return _finish(stack, night, how, proxy.thaw)

    return run


def _finish(stack: Deployed, night: Night, how: str, end: Callable[[], None]) -> str:
    answer = night.fire()
    took = night.seconds()
    end()
    eventually(lambda: night.run() is not None, 120)
    summary = night.finish(120)
    return (
        f"database down ({how}) at the trigger: answered {answer} after {took:.1f} s;"
        f" {describe(night, summary)}; rows {dict(statuses(stack, 'schedule'))}"
    )


SCENARIOS = {
    "dry-runs": _dry_runs,
    "by-hand": _by_hand,
    "away-killed": _away("killed"),
    "away-frozen": _away("frozen"),
}
