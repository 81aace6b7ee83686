"""Requests runs, finds them and follows them to their end."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getuser
from typing import Any, cast
from uuid import UUID, uuid4

from cli.failures import NotInOrder
from cli.stacks import Stack
from local.errors import StackError
from mentor_pause.database.client import Execution
from mentor_pause.database.plan_results import Plan
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.run_report import SUMMARY_MESSAGES, join_summary_lines
from mentor_pause.domain.runs import Page, Run, Trigger
from mentor_pause.domain.summary import Summary
from mentor_pause.engine.outcomes import summary_of


class NotFinished(NotInOrder):
    """A followed run has not ended in time."""


NO_RIGHT = "42501"
"""SQLSTATE of a call for which the role lacks a right."""
_POLL_SECONDS = 0.2
_FAR_AHEAD = datetime(9999, 1, 1, tzinfo=UTC)
_NEWEST = 500
"""How many rows of the execution log are searched; `runs --limit` shows no more."""
_PAGE = 1000
"""Mentors of a plan in one call."""
_NOT_STARTED = ("refused", "duplicate")
_NIGHTLY_RULE = "CertificationExpiryRuleName"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run."""

    run: Run
    closed: int
    planned: int


def request(job: str, as_of: str | None, *, dry_run: bool) -> dict[str, Any]:
    """Return the dispatcher's event for a run that a person requests."""
    event = {
        "job_name": job,
        "trigger": "manual",
        "trigger_id": f"cli-{uuid4()}",
        "dry_run": dry_run,
    }
    return event | {"requested_by": requester()} | ({"as_of": as_of} if as_of else {})


def requester() -> str:
    """Name the person at the command line, as the execution log and approvals name them."""
    return f"command line, {getuser()}"


def redrive_request(stack: Stack, job_run_id: UUID) -> dict[str, Any]:
    """Return the dispatcher's event for a redrive of a run's errored mentors.

    Raises:
        NotInOrder: the run is in progress.
        StackError: the ledger has no such run, or the run has no errors.
    """
    first = find_run(stack, job_run_id)
    if first.status == "running":
        raise NotInOrder(
            f"run {job_run_id} is in progress, and only a run that has ended can be redriven;"
            f" wait for its end with: {stack.command(f'runs {job_run_id} --follow')}"
        )
    if first.errors == ():
        raise StackError(
            f"run {job_run_id} has no errors, so a redrive has no mentors; see the run with:"
            f" {stack.command(f'runs {job_run_id}')}"
        )
    event = request(first.trigger.job_name, None, dry_run=first.trigger.dry_run)
    return event | {"redrive_of": str(job_run_id)}


def find_run(stack: Stack, job_run_id: UUID) -> Run:
    """Return a run by its id.

    Raises:
        StackError: the ledger has no such run.
    """
    run = stack.ledger().find_run(job_run_id)
    if run is None:
        raise StackError(
            f"the ledger has no run {job_run_id}; it keeps runs for 90 days. See the execution"
            f" log's row with: {stack.command(f'runs {job_run_id}')}"
        )
    return run


def find_logged(stack: Stack, job_run_id: UUID) -> Execution:
    """Return the execution log's row of a run that the ledger does not have.

    Raises:
        StackError: the run is not among the newest rows either.
    """
    with stack.database() as database:
        newest = database.list_executions(stack.org_id, _NEWEST)
    rows = [row for row in newest if row.job_run_id == job_run_id]
    if not rows:
        raise StackError(
            f"neither the ledger nor the newest {_NEWEST} rows of the execution log have a run"
            f" {job_run_id}. List the newest runs with: {stack.command('runs')}"
        )
    # A repeated request has a row of its own; at most one row belongs to the run itself.
    return next((row for row in rows if row.status not in _NOT_STARTED), rows[0])


def nightly_event(stack: Stack) -> dict[str, Any]:
    """Return the event of the deployed nightly rule, built by the rule's own input transformer.

    Raises:
        StackError: the rule has no target with an input transformer.
    """
    rule = stack.outputs[_NIGHTLY_RULE]
    targets = stack.events().list_targets_by_rule(Rule=rule)["Targets"]
    for target in targets:
        if transformer := target.get("InputTransformer"):
            text = transformer["InputTemplate"]
            now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            values = {"$.id": str(uuid4()), "$.time": now}
            for name, path in transformer.get("InputPathsMap", {}).items():
                text = text.replace(f"<{name}>", json.dumps(values[path]))
            return json.loads(text)
    raise StackError(
        f"the rule {rule} has no target with an input transformer; deploy the template again:"
        " mentor-pause local reset, then mentor-pause local up"
    )


def refuse_while_open(stack: Stack) -> None:
    """Refuse to wipe the database while a run is in progress.

    The run would lose its mentors and its row, and would keep its job's lock without ending.

    Raises:
        StackError: a run is in progress; the message names it and the next command.
    """
    runs = open_runs(stack)
    if not runs:
        return
    job_run_id, job_name = next(iter(runs.items()))
    raise StackError(
        f"run {job_run_id} of {job_name} is in progress and needs the database."
        f" See the run with: mentor-pause runs {job_run_id}."
        " If it hangs: mentor-pause monitor. To wipe everything: mentor-pause local reset"
    )


def open_runs(stack: Stack) -> dict[UUID, str]:
    """Return the ids and jobs of runs in progress, from the ledger and the execution log."""
    locks, runs = stack.ledger().locks, dict[UUID, str]()
    for job in JOBS:
        asking = Trigger(job, stack.org_id, "manual", "open runs", "command line")
        # This far ahead, the lease of every lock has expired: so every holder is listed.
        runs |= dict.fromkeys(locks.find_hung(asking, _FAR_AHEAD), job)
    with stack.database() as database:
        rows = database.list_executions(stack.org_id, _NEWEST)
    return runs | {row.job_run_id: row.job_name for row in rows if row.status == "running"}


def follow(stack: Stack, job_run_id: UUID, seconds: float) -> Iterator[Progress]:
    """Yield the run's progress until it has ended.

    Raises:
        NotFinished: the run has not ended in time; it continues.
    """
    ledger = stack.ledger()
    deadline = time.monotonic() + seconds
    while True:
        run = ledger.find_run(job_run_id)
        if run is not None:
            yield Progress(run, ledger.closed.count(run), run.pages_total or run.pages_planned)
            if run.status != "running":
                return
        if time.monotonic() > deadline:
            raise NotFinished(
                f"run {job_run_id} has not ended after {seconds:.0f} s and continues; follow it"
                f" again with: {stack.command(f'runs {job_run_id} --follow')}"
            )
        time.sleep(_POLL_SECONDS)


def read_log_lines(lines: Iterable[str], job_run_id: UUID | None) -> list[dict[str, Any]]:
    """Return the summaries in log lines, each with all its ids, in the order of their first lines.

    A line may have a time before its JSON, as `aws logs tail` writes it. It may also be the output
    of `nightly` or `run --json`. Other lines are skipped.

    Raises:
        StackError: a line of a summary is missing.
    """
    by_run: dict[str, list[dict[str, Any]]] = {}
    for line in filter(None, map(_summary_line, lines)):
        if job_run_id in (None, UUID(line["job_run_id"])):
            by_run.setdefault(line["job_run_id"], []).append(line)
    try:
        return [join_summary_lines(parts) for parts in by_run.values()]
    except ValueError as error:
        raise StackError(
            f"{error}; read the worker's whole log, for example with:"
            " aws logs tail GROUP --since 1d"
        ) from None


def _summary_line(text: str) -> dict[str, Any] | None:
    try:
        value: object = json.loads(text[text.index("{") :])
        line = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        UUID(line["job_run_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    is_bare = "message" not in line and "processed_count" in line and "errors" in line
    return line if is_bare or line.get("message") in SUMMARY_MESSAGES else None


def read_summary(stack: Stack, run: Run) -> tuple[Summary, list[Page]]:
    """Return a run's summary and its pages; while it is in progress, closed pages alone count."""
    numbers = range(1, run.pages_planned + 1)
    pages = list(stack.ledger().pages.read(run.job_run_id, numbers))
    counted = [p for p in pages if p.outcome is not None or run.status != "running"]
    with stack.database() as database:
        return summary_of(run, counted, database), pages


def read_plan(stack: Stack, run: Run) -> Plan | None:
    """Return the plan that a run made or releases; None: neither, or the plan is not kept."""
    if run.effect != "paused":
        return None
    with stack.database() as database:
        return database.get_plan(stack.org_id, run.trigger.releases or run.job_run_id)


def list_held(stack: Stack, job_run_id: UUID) -> list[UUID]:
    """Return all mentors whom the plan of a run holds, in id order."""
    held: list[UUID] = []
    after: UUID | None = None
    with stack.database() as database:
        while page := database.list_plan(stack.org_id, job_run_id, None, after, _PAGE):
            held += [entry.mentor_id for entry in page if entry.action == "hold"]
            after = page[-1].mentor_id
    return held
