"""Starts a run, or attaches to one, and shows its result."""

import sys
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from cli.failures import Interrupted, NotInOrder
from cli.history import show_end
from cli.output import machine, result, say
from cli.runs import follow, read_plan, read_summary
from cli.show.plans import show_plan_of
from cli.show.progress import watch
from cli.show.runs import show_run
from cli.stacks import Stack
from mentor_pause.domain.runs import run_id_of

_FOLLOW_SECONDS = 900.0


def start(
    stack: Stack,
    event: Mapping[str, Any],
    *,
    wait: bool,
    as_json: bool,
    last_line: bool = False,
) -> None:
    """Ask the dispatcher to start a run; with `wait`, follow the run and show its result.

    `finish` explains `last_line`.

    Raises:
        NotInOrder: the dispatcher did not start the run.
        Interrupted: the user pressed Ctrl-C; the message says what continues.
    """
    job_run_id = ask(stack, event)
    if wait:
        finish(stack, job_run_id, as_json=as_json, last_line=last_line)
    else:
        show_started(stack, job_run_id)


def ask(
    stack: Stack, event: Mapping[str, Any], accepted: Collection[str] = ("running", "completed")
) -> UUID:
    """Ask the dispatcher for a run and return the run's id.

    Raises:
        NotInOrder: the dispatcher's answer is not among the `accepted` ones.
        Interrupted: the user pressed Ctrl-C; the message says what continues.
    """
    answer = _invoke(stack, event)
    if answer["status"] not in accepted:
        raise _not_started(stack, answer)
    return UUID(answer["job_run_id"])


def show_started(stack: Stack, job_run_id: UUID) -> None:
    """Print the id of a run that has started, and how to follow it."""
    result(str(job_run_id))
    say(f"started; follow it with: {stack.command(f'runs {job_run_id} --follow')}")


def _not_started(stack: Stack, answer: Mapping[str, str]) -> NotInOrder:
    job_run_id, status = answer["job_run_id"], answer["status"]
    step = f"list the runs with: {stack.command('runs')}"
    if other := answer.get("conflicting_run_id"):
        step = f"wait for its end with: {stack.command(f'runs {other} --follow')}"
    return NotInOrder(
        f"run {job_run_id} {status}: {answer.get('error', 'no reason given')}; {step}",
        job_run_id=job_run_id,
        status=status,
    )


def _invoke(stack: Stack, event: Mapping[str, Any]) -> dict[str, str]:
    job_run_id = run_id_of(
        event["job_name"], stack.org_id, event["trigger_id"], dry_run=event.get("dry_run") is True
    )
    notice = "the dispatcher has the request and may continue; see whether the run started with:"
    with _interruptible(job_run_id, f"{notice} {stack.command(f'runs {job_run_id}')}"):
        return stack.invoke_dispatcher(event)


def attach(
    stack: Stack, job_run_id: UUID, *, as_json: bool, more: Mapping[str, object] | None = None
) -> None:
    """Follow an earlier run, as `finish` does.

    Raises:
        StackError: neither the ledger nor the execution log has the run.
    """
    if stack.ledger().find_run(job_run_id) is None:
        show_end(stack, job_run_id, as_json=as_json)
        return
    finish(stack, job_run_id, as_json=as_json, more=more)


def finish(
    stack: Stack,
    job_run_id: UUID,
    *,
    as_json: bool,
    last_line: bool = False,
    more: Mapping[str, object] | None = None,
) -> None:
    """Follow a run to its end and show its result; exit code 1 unless it completed without errors.

    With `last_line` the summary as JSON follows the text for people. The JSON also has the members
    of `more`.

    Raises:
        Interrupted: the user pressed Ctrl-C; the message says how to attach again.
    """
    again = f"follow it again with: {stack.command(f'runs {job_run_id} --follow')}"
    with _interruptible(job_run_id, f"run {job_run_id} continues; {again}"):
        run = watch(follow(stack, job_run_id, _FOLLOW_SECONDS), look=stack.command("monitor"))
        summary, _ = read_summary(stack, run)
        plan = read_plan(stack, run)
    if not as_json:
        show_run(run, summary, stack.command(f"runs {job_run_id} --json"))
        show_plan_of(run, plan, stack.command)
    if as_json or last_line:
        machine(summary.as_json() | dict(more or {}))
    if run.status != "completed" or summary.errored:
        sys.exit(1)


@contextmanager
def _interruptible(job_run_id: UUID, sentence: str) -> Generator[None]:
    """On Ctrl-C, stop waiting and say what continues."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(sentence, job_run_id=str(job_run_id)) from None
