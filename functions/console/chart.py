"""A plot of pauses, warnings and renewals per week, for an SVG that a table accompanies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SERIES = ("paused", "warned", "renewed")
BAR, STEP, HEIGHT = 16, 22, 60


@dataclass(frozen=True, slots=True)
class Bar:
    """One week of one series: place and height in units of the picture."""

    x: int
    height: int
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """One row of bars for each series, each with its own largest count."""

    weeks: Sequence[Mapping[str, Any]]
    rows: tuple[tuple[str, int, tuple[Bar, ...]], ...]
    """Name, largest count and bars of each series."""
    width: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened in all these weeks."""
        return all(most == 0 for _, most, _ in self.rows)


def weekly_chart(weeks: Sequence[Mapping[str, Any]]) -> Chart:
    """Return the plot of the rows of `get_weekly_figures`."""
    return Chart(weeks, tuple((name, *_bars(weeks, name)) for name in SERIES), STEP * len(weeks))


def _bars(weeks: Sequence[Mapping[str, Any]], name: str) -> tuple[int, tuple[Bar, ...]]:
    most = max((int(week[name]) for week in weeks), default=0)
    return most, tuple(
        Bar(STEP * i, max(round(HEIGHT * week[name] / most), 2) if week[name] else 0, week[name])
        for i, week in enumerate(weeks)
    )
