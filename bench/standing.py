"""Measures what a stack costs in a month without its nights: hourly functions, alarms, logs.

One hour is run on the local stack from cold functions. The proxy of the bench `cost` counts the
requests, and the REPORT lines give Lambda's time on this machine. Alarms, dashboards and filters
are counted in the template, and metrics in the functions' logs.
"""

import json
import time
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from bench.cost import IDLE_SQS, PRICES, PRICES_OF, durations
from bench.cost import MEMORY_GB as FUNCTION_GB
from bench.counting import Counts, counting_proxy
from bench.stack import bench_stack, end_function
from local.template import load_template
from support.deployed import Deployed, eventually

SIZES = (500, 5_000)
HOURLY = ("Monitor", "PortalDrift", "Notifier")
HOURS = 730
"""Hours of a month."""
_RESOURCES = load_template()["Resources"]
_MEMORY_GB = {
    name: _RESOURCES[name]["Properties"].get("MemorySize", FUNCTION_GB * 1024) / 1024
    for name in HOURLY
}
_LINE_OVERHEAD = 26
"""Bytes that CloudWatch adds to each line of a log."""
MONTHLY = {
    "alarms": 0.10,
    "custom metrics": 0.30,
    "dashboards": 3.0,
    "logs, GB": 0.50,
    "SQS, polls": PRICES["SQS, requests"],
    **{
        name: PRICES[name]
        for name in (
            "Lambda, requests",
            "Lambda, GB-seconds",
            "DynamoDB, write units",
            "DynamoDB, read units",
            "Secrets Manager, requests",
        )
    },
}
"""In USD: per month for an alarm, a metric or a dashboard, and otherwise per unit."""


def main(console: Console) -> None:
    """Run one hour at each size, and print the table."""
    months: list[dict[str, float]] = []
    with bench_stack() as stack:
        port = stack.local.require().aws_port
        with (
            counting_proxy(port) as (url, counts),
            stack.environment(HOURLY, AWS_ENDPOINT_URL=url),
        ):
            months = [_month(stack, counts, mentors) for mentors in SIZES]
    columns = [text for mentors in SIZES for text in (f"{mentors:,} mentors", "USD")]
    table = Table("a month", "USD per unit", *columns)
    for name, price in MONTHLY.items():
        cells = [t for m in months for t in (f"{m[name]:,.3g}", f"{m[name] * price:.3f}")]
        table.add_row(name, f"{price:.3g}", *cells)
    totals = [sum(month[name] * price for name, price in MONTHLY.items()) for month in months]
    table.add_row("in all", "", *[text for total in totals for text in ("", f"{total:.2f}")])
    console.print(f"list prices: {PRICES_OF}")
    console.print(table)


def _month(stack: Deployed, counts: Counts, mentors: int) -> dict[str, float]:
    """Return the units of a month whose hours are all as the one that it runs."""
    stack.local.seed(mentors=mentors, expired=0, seed=1)
    for name in HOURLY:
        end_function(stack, name)
    known = {name: durations(stack, name).keys() for name in HOURLY}
    counts.clear()
    began = time.time()
    for name in HOURLY:
        stack.stack.invoke(name, {})

    def taken(name: str) -> list[int]:
        found = durations(stack, name)
        return [found[request] for request in found.keys() - known[name]]

    eventually(lambda: all(taken(name) for name in HOURLY))
    lines = [line for name in HOURLY for line in _lines(stack, name, began)]
    return {
        "alarms": _count("AWS::CloudWatch::Alarm"),
        "custom metrics": len(set(_metrics(lines))) + _count("AWS::Logs::MetricFilter"),
        "dashboards": _count("AWS::CloudWatch::Dashboard"),
        "logs, GB": HOURS * sum(len(line.encode()) + _LINE_OVERHEAD for line in lines) / 1e9,
        "SQS, polls": sum(IDLE_SQS.values()) * HOURS / 24,
        "Lambda, requests": HOURS * len(HOURLY),
        "Lambda, GB-seconds": HOURS
        * sum(sum(taken(name)) / 1000 * _MEMORY_GB[name] for name in HOURLY),
        "DynamoDB, write units": HOURS * counts.write_units,
        "DynamoDB, read units": HOURS * counts.read_units,
        "Secrets Manager, requests": HOURS * counts.operations["GetSecretValue"],
    }


def _count(kind: str) -> int:
    return sum(resource["Type"] == kind for resource in _RESOURCES.values())


def _lines(stack: Deployed, function: str, since: float) -> Iterator[str]:
    pages = stack.logs.get_paginator("filter_log_events")
    group = stack.stack.outputs[f"{function}LogGroup"]
    for page in pages.paginate(logGroupName=group, startTime=int(since * 1000)):
        yield from (event.get("message", "") for event in page["events"])


def _metrics(lines: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield the namespace, name and dimensions of each metric that the lines hold."""
    for line in lines:
        if line.startswith('{"_aws"'):
            for kind in json.loads(line)["_aws"]["CloudWatchMetrics"]:
                for metric in kind["Metrics"]:
                    yield (kind["Namespace"], metric["Name"], json.dumps(kind["Dimensions"]))
