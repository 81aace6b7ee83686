"""Shows how far a run is while it goes on: a bar at a terminal, a line each 30 s in a pipe."""

import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from threading import Event

from cli.runs import Progress
from cli.waiting import Pause, waiting
from mentor_pause.domain.runs import Run

type _Update = Callable[[Progress], None]


def watch(
    steps: Iterable[Progress], pause: Pause = Event.wait, look: str = "mentor-pause monitor"
) -> Run:
    """Show a run's progress until it ends; return it as it was last seen.

    `look` is the command for somebody who sees that nothing moves.
    """
    last: Progress | None = None
    with _bar() if sys.stderr.isatty() else _lines(pause, look) as update:
        for last in steps:
            update(last)
    if last is None:
        raise RuntimeError("a run that was followed shows at least its end")
    return last.run


@contextmanager
def _bar() -> Generator[_Update]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("waiting for the workers"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pages"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("pages", total=None)
        yield lambda seen: bar.update(
            task, completed=seen.closed, total=seen.planned if seen.run.pages_total else None
        )


@contextmanager
def _lines(pause: Pause, look: str) -> Generator[_Update]:
    text = ["waiting for the dispatcher to plan the first page"]

    def update(seen: Progress) -> None:
        planned = seen.planned if seen.run.pages_total else f"{seen.planned} or more"
        text[0] = (
            f"waiting for the workers: {seen.closed} of {planned} pages of run"
            f" {seen.run.job_run_id} are closed; if nothing moves, look with: {look}"
        )

    with waiting(lambda: text[0], pause):
        yield update
