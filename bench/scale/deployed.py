"""Measures nights of many mentors on the deployed local stack: `make bench BENCH=scale`.

The figures have the names of the simulation's. A proxy counts the requests to AWS, and the REPORT
lines give Lambda's time. The memory is the largest that a function's process has had. Emulator,
database and functions share this machine, so the times are those of this machine.
"""

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
from rich.console import Console

from bench.cost import FUNCTIONS, PRICES, bill_of, durations, start_cold
from bench.counting import Counts, counting_proxy, item_size
from bench.scale.figures import Figure, Figures, figures_table
from bench.stack import JOB, bench_stack, end_function, peak_mib
from mentor_pause.domain.runs import run_id_of
from support.deployed import Deployed, eventually

SIZES = (10_000,)
_LONGEST_NIGHT = 4 * 3600
_ROSTER = 20
"""Mentors of the small roster that brings the chapters and the coordinators; none has expired."""

_PLATFORM_LINES = ("START ", "END ", "REPORT ", "INIT_START ")
_ADD_MENTORS = """
insert into public.peer_mentors (id, org_id, chapter_id)
select md5(n::text)::uuid, %(org)s, c.ids[1 + n %% cardinality(c.ids)]
from
    generate_series(1, %(mentors)s) as n,
    (select array_agg(id) as ids from public.chapters where org_id = %(org)s) as c
"""
_ADD_CERTIFICATIONS = """
insert into public.certifications (mentor_id, expires_on)
select md5(n::text)::uuid, current_date - 30 from generate_series(1, %(mentors)s) as n
"""
_COUNT_PAUSED = "select count(*) from public.peer_mentors where status = 'paused'"


def measure(stack: Deployed, counts: Counts, mentors: int) -> Figures:
    """Run one night from cold functions, and return its figures.

    Raises:
        RuntimeError: the run failed, or did not pause every mentor.
    """
    _load(stack, mentors)
    stack.forget_runs()
    start_cold(stack)
    end_function(stack, "Dispatcher")
    counts.clear()
    known = {name: durations(stack, name).keys() for name in FUNCTIONS}
    began, trigger_id = time.time(), f"scale-{uuid4()}"
    run_id = run_id_of(JOB, stack.stack.org_id, trigger_id)
    stack.stack.lambdas().invoke(
        FunctionName=stack.stack.outputs["DispatcherFunctionName"],
        InvocationType="Event",
        Payload=json.dumps(
            {"job_name": JOB, "trigger": "schedule", "trigger_id": trigger_id}
        ).encode(),
    )
    pages = _wait_for_end(stack, run_id)
    seconds = time.time() - began
    _assert_all_paused(stack, mentors)

    def taken(function: str) -> list[int]:
        found = durations(stack, function)
        return [found[request] for request in found.keys() - known[function]]

    eventually(lambda: len(taken("ExpiryWorker")) >= pages and bool(taken("Dispatcher")), 600)
    dispatcher, worker = taken("Dispatcher"), taken("ExpiryWorker")
    memory = {name: peak_mib(stack, name) for name in FUNCTIONS}
    lines = [line for name in FUNCTIONS for line in _lines(stack, name, began)]
    items = list(_items(stack, run_id))
    amounts = bill_of(stack, counts, mentors, [*dispatcher, *worker]).amounts
    sizes = [item_size(item) for item in items]
    return Figures(
        mentors,
        [
            Figure("night, s", seconds, 1),
            Figure("dispatcher, s", sum(dispatcher) / 1000, 1),
            Figure("dispatcher, invocations", len(dispatcher), 0, "no"),
            Figure("worker, invocations", len(worker)),
            Figure("worker, longest invocation, s", max(worker) / 1000, 1, "no"),
            Figure("dispatcher, MiB", memory["Dispatcher"], 0, "as it is"),
            Figure("worker and completion, MiB", memory["ExpiryWorker"], 0, "as it is"),
            Figure("log lines", len(lines)),
            Figure("longest log line, bytes", max(map(len, lines), default=0), 0, "no"),
            Figure("ledger, items", len(items)),
            Figure("ledger, bytes", sum(sizes)),
            Figure("largest item, bytes", max(sizes), 0, "as it is"),
            *[Figure(name, amount) for name, amount in amounts.items()],
            Figure("cost, USD", sum(amounts[n] * price for n, price in PRICES.items()), 4),
        ],
    )


def _load(stack: Deployed, mentors: int) -> None:
    """Load a small roster, and add mentors whose certification has expired."""
    stack.local.seed(mentors=_ROSTER, expired=0, seed=1)
    values = {"org": stack.stack.org_id, "mentors": mentors}
    with psycopg.connect(stack.local.database_url(), autocommit=True) as owner:
        owner.execute(_ADD_MENTORS, values)
        owner.execute(_ADD_CERTIFICATIONS, values)
        owner.execute("vacuum analyze")


def _wait_for_end(stack: Deployed, run_id: UUID) -> int:
    """Wait until the run has completed, and return the number of its pages.

    Raises:
        RuntimeError: it failed, or it has not ended in time.
    """
    ledger, pause, until = stack.stack.ledger(), threading.Event(), time.time() + _LONGEST_NIGHT
    while time.time() < until:
        run = ledger.find_run(run_id)
        if run is not None and run.status == "completed":
            return run.pages_total or 0
        if run is not None and run.status == "failed":
            raise RuntimeError(f"the run failed: {run.error}")
        pause.wait(0.5)
    raise RuntimeError(f"the run has not ended in {_LONGEST_NIGHT} s")


def _assert_all_paused(stack: Deployed, mentors: int) -> None:
    with psycopg.connect(stack.local.database_url()) as owner:
        row = owner.execute(_COUNT_PAUSED).fetchone()
    paused = row[0] if row else 0
    if paused < mentors:
        raise RuntimeError(f"{paused} of {mentors} mentors are paused")


def _lines(stack: Deployed, function: str, began: float) -> Iterator[bytes]:
    """Yield the lines that a function itself has logged."""
    pages = stack.logs.get_paginator("filter_log_events").paginate(
        logGroupName=stack.stack.outputs[f"{function}LogGroup"], startTime=int(began * 1000)
    )
    for page in pages:
        for event in page["events"]:
            text = event.get("message", "")
            if text.strip() and not text.startswith(_PLATFORM_LINES):
                yield text.encode()


def _items(stack: Deployed, run_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield the items of a run."""
    client = stack.stack.session.client("dynamodb", endpoint_url=stack.stack.endpoint_url)
    pages = client.get_paginator("query").paginate(
        TableName=stack.stack.outputs["LedgerTableName"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"RUN#{run_id}"}},
    )
    for page in pages:
        yield from page["Items"]


def main(console: Console, sizes: Sequence[int] = ()) -> None:
    """Measure each size, and print the table. The variable SIZES names other sizes."""
    wanted = sizes or [int(size) for size in os.environ.get("SIZES", "").split()] or SIZES
    nights: list[Figures] = []
    with bench_stack() as stack:
        port = stack.local.require().aws_port
        with (
            counting_proxy(port) as (url, counts),
            stack.environment(FUNCTIONS, AWS_ENDPOINT_URL=url),
        ):
            for mentors in sorted(wanted):
                nights.append(measure(stack, counts, mentors))
                console.print(figures_table(nights))
