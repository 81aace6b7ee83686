"""Shows a run's progress: a bar at a terminal, a line every 30 s in a pipe."""

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
    """Show a run's progress until it ends; return its last state.

    `look` is the command to type when the progress stops.
    """
    last: Progress | None = None
    with _bar() if sys.stderr.isatty() else _lines(pause, look) as update:
        for last in steps:
            update(last)
    if last is None:
        raise RuntimeError("a followed run has at least one step")
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
            f" {seen.run.job_run_id} are closed; if this number stops growing: {look}"
        )

    with waiting(lambda: text[0], pause):
        yield update
