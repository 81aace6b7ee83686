"""While a command waits, it says every 30 s what it waits for, at a terminal and in a pipe."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event, Thread

from cli.output import say

EVERY = 30
"""Seconds between two lines."""

type Pause = Callable[[Event, float], bool]
"""Waits for an event, at most for the given seconds; returns whether the event came."""


@contextmanager
def waiting(what: str | Callable[[], str], pause: Pause = Event.wait) -> Generator[None]:
    """Say on standard error what the command waits for, until the block ends.

    `what` completes the line "after 30 s still ..."; if it is a function, each line calls it.
    """
    ended = Event()

    def report() -> None:
        seconds = 0
        while not pause(ended, EVERY):
            seconds += EVERY
            say(f"after {seconds} s still {what if isinstance(what, str) else what()}")

    reporter = Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join()


@contextmanager
def reporting_steps(pause: Pause = Event.wait) -> Generator[Callable[[str], None]]:
    """Yield a function that reports the steps of some work; a long step is reported again."""
    last = ["the first step"]

    def say_step(step: str) -> None:
        last[0] = step
        say(step)

    with waiting(lambda: last[0], pause):
        yield say_step
