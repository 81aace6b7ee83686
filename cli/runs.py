"""Starts runs and follows them to their end."""

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
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.runs import Page, Run, Trigger
from mentor_pause.domain.summary import Summary, join_summary_lines
from mentor_pause.engine.completion import SUMMARY_MESSAGES, summary_of


class NotFinished(NotInOrder):
    """A run that was followed has not ended in time."""


_POLL_SECONDS = 0.2
_FAR_AHEAD = datetime(9999, 1, 1, tzinfo=UTC)
_NEWEST = 500
"""Rows of the execution log in which a run is looked for; `runs --limit` shows no more."""
_NEVER_BEGAN = ("refused", "duplicate")
_NIGHTLY_RULE = "CertificationExpiryRuleName"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    run: Run
    closed: int
    planned: int


def request(job: str, as_of: str | None, *, dry_run: bool) -> dict[str, Any]:
    """Return the dispatcher's event for a run that a person asks for."""
    asked = {
        "job_name": job,
        "trigger": "manual",
        "trigger_id": f"cli-{uuid4()}",
        "dry_run": dry_run,
    }
    return (
        asked | {"requested_by": f"command line, {getuser()}"} | ({"as_of": as_of} if as_of else {})
    )


def redrive_request(stack: Stack, job_run_id: UUID) -> dict[str, Any]:
    """Return the dispatcher's event that has a run's errored mentors run again.

    Raises:
        NotInOrder: the run goes on.
        StackError: the ledger does not know the run, or nobody errored in it.
    """
    first = find_run(stack, job_run_id)
    if first.status == "running":
        raise NotInOrder(
            f"run {job_run_id} is still in progress, and only a run that has ended can be redriven;"
            f" wait for its end with: {stack.command(f'runs {job_run_id} --follow')}"
        )
    if first.errors == ():
        raise StackError(
            f"run {job_run_id} has no errors, so there is nothing to run again; see it with:"
            f" {stack.command(f'runs {job_run_id}')}"
        )
    again = request(first.trigger.job_name, None, dry_run=first.trigger.dry_run)
    return again | {"redrive_of": str(job_run_id)}


def find_run(stack: Stack, job_run_id: UUID) -> Run:
    """Return a run by its id.

    Raises:
        StackError: the ledger does not know it.
    """
    found = stack.ledger().find_run(job_run_id)
    if found is None:
        raise StackError(
            f"the ledger knows no run {job_run_id}; it keeps runs for 90 days. See what the"
            f" execution log has with: {stack.command(f'runs {job_run_id}')}"
        )
    return found


def find_logged(stack: Stack, job_run_id: UUID) -> Execution:
    """Return what the execution log has about a run that the ledger does not know.

    Raises:
        StackError: it is not among the newest rows either.
    """
    with stack.database() as database:
        rows = database.list_executions(stack.org_id, _NEWEST)
    found = [row for row in rows if row.job_run_id == job_run_id]
    if not found:
        raise StackError(
            f"neither the ledger nor the newest {_NEWEST} rows of the execution log have a run"
            f" {job_run_id}. See the newest with: {stack.command('runs')}"
        )
    # A request that came twice has a row for each time, and the run has at most one.
    return next((row for row in found if row.status not in _NEVER_BEGAN), found[0])


def nightly_event(stack: Stack) -> dict[str, Any]:
    """Return what the deployed nightly rule sends, made by the rule's own input transformer.

    Raises:
        StackError: the rule has no such target.
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
    raise StackError(f"the rule {rule} has no target with an input transformer")


def refuse_while_open(stack: Stack) -> None:
    """Refuse to wipe the database under a run.

    The run would find neither its mentors nor its row any more, and hang with its job's lock.

    Raises:
        StackError: a run is open; the message names it and the next command.
    """
    found = open_runs(stack)
    if not found:
        return
    job_run_id, job_name = next(iter(found.items()))
    raise StackError(
        f"run {job_run_id} of {job_name} is open, and would hang without its database."
        f" See it with: mentor-pause runs {job_run_id}."
        " If it hangs already: mentor-pause monitor. To wipe all: mentor-pause local reset"
    )


def open_runs(stack: Stack) -> dict[UUID, str]:
    """Return the runs that have not ended, by ledger or by execution log, and their jobs."""
    locks, found = stack.ledger().locks, dict[UUID, str]()
    for job in JOBS:
        asking = Trigger(job, stack.org_id, "manual", "open runs", "command line")
        # However long the lease may still be: no run's lease is longer than this.
        found |= dict.fromkeys(locks.find_hung(asking, _FAR_AHEAD), job)
    with stack.database() as database:
        rows = database.list_executions(stack.org_id, _NEWEST)
    return found | {row.job_run_id: row.job_name for row in rows if row.status == "running"}


def follow(stack: Stack, job_run_id: UUID, seconds: float) -> Iterator[Progress]:
    """Yield the run's progress until it has ended.

    Raises:
        NotFinished: it has not ended in time; it goes on without us.
    """
    ledger = stack.ledger()
    deadline = time.monotonic() + seconds
    while True:
        run = ledger.find_run(job_run_id)
        if run is not None:
            yield Progress(run, len(run.closed_pages), run.pages_total or run.pages_planned)
            if run.status != "running":
                return
        if time.monotonic() > deadline:
            raise NotFinished(
                f"run {job_run_id} is not complete after {seconds:.0f} s; it goes on; follow it"
                f" again with: {stack.command(f'runs {job_run_id} --follow')}"
            )
        time.sleep(_POLL_SECONDS)


def read_log_lines(lines: Iterable[str], job_run_id: UUID | None) -> list[dict[str, Any]]:
    """Return the summaries among log lines, each with all its ids, in the order they began.

    A line may have a time before its JSON, as `aws logs tail` writes it, and a summary may be one
    that `nightly` or `run --json` has printed. Other lines are skipped.

    Raises:
        StackError: a summary has a line that is missing.
    """
    by_run: dict[str, list[dict[str, Any]]] = {}
    for line in filter(None, map(_summary_line, lines)):
        if job_run_id in (None, UUID(line["job_run_id"])):
            by_run.setdefault(line["job_run_id"], []).append(line)
    try:
        return [join_summary_lines(found) for found in by_run.values()]
    except ValueError as error:
        raise StackError(str(error)) from None


def _summary_line(text: str) -> dict[str, Any] | None:
    try:
        found: object = json.loads(text[text.index("{") :])
        line = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
        UUID(line["job_run_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    is_bare = "message" not in line and "processed_count" in line and "errors" in line
    return line if is_bare or line.get("message") in SUMMARY_MESSAGES else None


def read_summary(stack: Stack, run: Run) -> tuple[Summary, list[Page]]:
    """Return a run's pages and what they come to; of a run that goes on, the closed ones."""
    pages = stack.ledger().pages.list(run.job_run_id)
    counted = [p for p in pages if p.outcome is not None or run.status != "running"]
    with stack.database() as database:
        return summary_of(run, counted, database), pages
