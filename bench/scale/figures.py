"""The figures of a night at one size, and how much each grows for each mentor."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.table import Table

from bench.cost import PRICES
from bench.scale.night import Simulation

TOLERATED = 1.2
"""A figure for each mentor may be this much larger at the next size."""

GROWS_FROM = 10_000
"""Below this size, the costs of a night that do not depend on its mentors hide the growth."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement."""

    name: str
    value: float
    digits: int = 0
    compared: Literal["for each mentor", "as it is", "no"] = "for each mentor"
    """How sizes are compared: what grows with the mentors, what has to stay the same, the rest."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All measurements of a night."""

    mentors: int
    of: list[Figure] = field(default_factory=list[Figure])

    def value(self, name: str) -> float | None:
        """Return a measurement by its name."""
        return next((figure.value for figure in self.of if figure.name == name), None)


def figures_of(night: Simulation) -> Figures:
    """Return the figures of a simulated night."""
    dispatcher, worker = (night.invocations[name] for name in ("Dispatcher", "ExpiryWorker"))
    functions = night.invocations.values()
    usage, queues = night.ledger.usage, night.queues
    amounts = {
        "Lambda, requests": sum(one.count for one in functions),
        "Lambda, GB-seconds": sum(one.gb_seconds for one in functions),
        "DynamoDB, write units": usage.write_units,
        "DynamoDB, read units": usage.read_units,
        "SQS, requests": sum(queues.requests.values()) + 2 * night.deliveries,
        "EventBridge, events": len(night.events),
        "Secrets Manager, requests": night.requests["secretsmanager", "GetSecretValue"],
        "database calls": sum(night.database_calls.values()),
    }
    return Figures(
        night.mentors,
        [
            Figure("night, s", night.completed_at or night.now, 1),
            Figure("dispatcher, s", dispatcher.seconds, 1),
            Figure("dispatcher, longest invocation, s", dispatcher.longest, 1, "no"),
            Figure("dispatcher, invocations", dispatcher.count, 0, "no"),
            Figure("worker, invocations", worker.count),
            Figure("worker, longest page, s", worker.longest, 1, "as it is"),
            Figure("completion, s", worker.completion_seconds, 1, "no"),
            Figure("completion, longest invocation, s", worker.longest_completion, 1, "no"),
            Figure("ended by Lambda's time-out", sum(one.killed for one in functions), 0, "no"),
            Figure("dispatcher, MiB", dispatcher.peak_mib, 0, "as it is"),
            Figure("worker, MiB", worker.peak_mib, 0, "as it is"),
            Figure("completion, MiB", worker.completion_mib, 0, "as it is"),
            Figure("log lines", sum(one.log_lines for one in functions)),
            Figure("longest log line, bytes", max(f.longest_line for f in functions), 0, "no"),
            Figure("ledger, items", night.ledger.count),
            Figure("ledger, bytes", night.ledger.bytes),
            Figure("largest item, bytes", usage.largest_item, 0, "as it is"),
            Figure("largest transaction, bytes", usage.largest_transaction, 0, "as it is"),
            Figure("DynamoDB, requests", sum(usage.requests.values())),
            *[Figure(name, amount) for name, amount in amounts.items()],
            Figure("write units of a key in a second", _peak(usage.written), 0, "no"),
            Figure("read units of a key in a second", _peak(usage.read), 0, "no"),
            Figure("largest message, bytes", queues.largest_message, 0, "as it is"),
            Figure("most messages on a queue", queues.longest_queue, 0, "no"),
            Figure("cost, USD", sum(amounts[n] * price for n, price in PRICES.items()), 4),
        ],
    )


def _peak(by_second: Counter[tuple[str, int]]) -> int:
    return max(by_second.values(), default=0)


def figures_table(sizes: Sequence[Figures]) -> Table:
    """Return the table of all sizes.

    The column "growth" compares a figure with the size before: the figure divided by the mentors,
    or the whole figure if it has to stay the same (`=`).
    """
    header = ["", f"{sizes[0].mentors:,}"]
    for size in sizes[1:]:
        header += [f"{size.mentors:,}", "growth"]
    table = Table(*header)
    for figure in sizes[-1].of:
        cells, before = list[str](), None
        for size in sizes:
            value = size.value(figure.name)
            if before is not None:
                cells += [_written(value, figure.digits), _growth(figure, before, size)]
            else:
                cells.append(_written(value, figure.digits))
            before = size
        table.add_row(figure.name, *cells)
    return table


def growth(figure: Figure, before: Figures, after: Figures) -> float | None:
    """Return by which factor a figure grew; None: it is not compared."""
    first, second = before.value(figure.name), after.value(figure.name)
    if figure.compared == "no" or not first or second is None:
        return None
    mentors = after.mentors / before.mentors
    return second / first / (mentors if figure.compared == "for each mentor" else 1)


def too_large(before: Figures, after: Figures) -> list[str]:
    """Return the figures that grew more than is tolerated."""
    if before.mentors < GROWS_FROM:
        return []
    return [
        figure.name
        for figure in after.of
        if (factor := growth(figure, before, after)) is not None and factor > TOLERATED
    ]


def _growth(figure: Figure, before: Figures, after: Figures) -> str:
    factor = growth(figure, before, after)
    return "" if factor is None else f"{'=' if figure.compared == 'as it is' else ''}{factor:.2f}"


def _written(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
