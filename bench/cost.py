"""Measures what a night costs: requests to AWS and calls to the database, times list prices.

The functions reach the emulator through a proxy that counts requests. Lambda's durations come from
the REPORT lines on this machine; on AWS a call to the database also waits for a network.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from rich.console import Console
from rich.table import Table

from bench.counting import Counts, counting_proxy
from bench.stack import bench_stack, end_function, run_night
from local.template import load_template
from support.deployed import Deployed, eventually

SIZES = (500, 100_000)
_TEMPLATE = load_template()
MEMORY_GB = _TEMPLATE["Globals"]["Function"]["MemorySize"] / 1024
PRICES_OF = "US East (N. Virginia), on demand, without the free tier, as published in 2025"
PRICES = {
    "Lambda, requests": 0.20e-6,
    "Lambda, GB-seconds": 0.0000166667,
    "DynamoDB, write units": 0.625e-6,
    "DynamoDB, read units": 0.125e-6,
    "SQS, requests": 0.40e-6,
    "EventBridge, events": 1.00e-6,
    "Secrets Manager, requests": 5.0e-6,
    "database calls": 0.0,
}
"""In USD per unit. The project's plan includes the database's calls."""
IDLE_SQS = {"Lambda's pollers on 6 queues, requests a day": 6 * 5 * 3 * 60 * 24}
"""Five long polls of 20 s at the same time, by AWS's documentation; the mappings never stop."""
FUNCTIONS = ("Dispatcher", "ExpiryWorker")
_PAGE = int(_TEMPLATE["Parameters"]["PageSize"]["Default"])
"""Mentors per page."""
_REPORT = re.compile(r"REPORT RequestId: (\S+).*Billed Duration: (\d+) ms")


@dataclass(frozen=True, slots=True)
class Bill:
    """The number of units that one night used, by the names of the prices."""

    mentors: int
    amounts: dict[str, float]
    operations: Counts


def measure(stack: Deployed, counts: Counts, mentors: int) -> Bill:
    """Count one night."""
    counts.clear()
    before = durations(stack, *FUNCTIONS)
    run_night(stack, mentors, prepare=start_cold)
    invocations = -(-mentors // _PAGE) + 1
    # The last worker's REPORT line comes after the run has ended.
    eventually(lambda: len(_new(before, durations(stack, *FUNCTIONS))) == invocations)
    return bill_of(stack, counts, mentors, _new(before, durations(stack, *FUNCTIONS)))


def bill_of(stack: Deployed, counts: Counts, mentors: int, milliseconds: Sequence[int]) -> Bill:
    """Return the bill of a night whose invocations took so many milliseconds."""
    asked = counts.operations
    return Bill(
        mentors,
        {
            "Lambda, requests": len(milliseconds),
            "Lambda, GB-seconds": sum(milliseconds) / 1000 * MEMORY_GB,
            "DynamoDB, write units": counts.write_units,
            "DynamoDB, read units": counts.read_units,
            # Lambda's own pollers receive and delete a page; the proxy does not see these requests.
            "SQS, requests": asked["SendMessageBatch"]
            + asked["SendMessage"]
            + asked["ChangeMessageVisibility"]
            + 2 * (len(milliseconds) - 1),
            "EventBridge, events": asked["PutEvents"],
            "Secrets Manager, requests": asked["GetSecretValue"],
            "database calls": _calls(stack),
        },
        counts,
    )


def start_cold(stack: Deployed) -> None:
    """Let the database start counting, and let every function start cold, as it does at night."""
    with psycopg.connect(stack.local.database_url(), autocommit=True) as owner:
        owner.execute("alter database mentor_pause set track_functions = 'all'")
    for function in FUNCTIONS:
        end_function(stack, function)


def _calls(stack: Deployed) -> int:
    """Return the number of function calls in the schema `public`; a session reports at its end."""
    for function in FUNCTIONS:
        end_function(stack, function)
    with psycopg.connect(stack.local.database_url(), autocommit=True) as owner:
        found = owner.execute(
            "select coalesce(sum(calls), 0)::int from pg_stat_user_functions"
            " where schemaname = 'public'"
        ).fetchone()
    return found[0] if found else 0


def durations(stack: Deployed, *functions: str) -> dict[str, int]:
    """Return the billed milliseconds of each invocation of functions so far, by its id."""
    pages = stack.logs.get_paginator("filter_log_events")
    return {
        found[1]: int(found[2])
        for function in functions
        for page in pages.paginate(logGroupName=stack.stack.outputs[f"{function}LogGroup"])
        for event in page["events"]
        if (found := _REPORT.search(event.get("message", "")))
    }


def _new(before: dict[str, int], now: dict[str, int]) -> list[int]:
    return [milliseconds for request, milliseconds in now.items() if request not in before]


def main(console: Console) -> None:
    """Count the units of each night, and print the table."""
    bills: list[Bill] = []
    with bench_stack() as stack:
        port = stack.local.require().aws_port
        with (
            counting_proxy(port) as (url, counts),
            stack.environment(FUNCTIONS, AWS_ENDPOINT_URL=url),
        ):
            bills = [measure(stack, counts, size) for size in SIZES]
    columns = [text for bill in bills for text in (f"{bill.mentors:,} mentors", "USD")]
    table = Table("", "USD per million", *columns)
    for name, price in PRICES.items():
        cells = [
            text
            for bill in bills
            for text in (f"{bill.amounts[name]:,.0f}", f"{bill.amounts[name] * price:.6f}")
        ]
        table.add_row(name, f"{price * 1e6:g}", *cells)
    totals = [sum(bill.amounts[n] * p for n, p in PRICES.items()) for bill in bills]
    table.add_row("a night", "", *[text for total in totals for text in ("", f"{total:.4f}")])
    console.print(f"list prices: {PRICES_OF}")
    console.print(table)
    for name, amount in IDLE_SQS.items():
        price = amount * PRICES["SQS, requests"]
        console.print(f"in addition to the nights: {name}: {amount:,}, USD {price:.4f}")
