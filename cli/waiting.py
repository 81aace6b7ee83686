"""A long wait says what it waits for, at a terminal and in a pipe alike: a line each 30 s."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event, Thread

from cli.output import say

EVERY = 30
"""Seconds between two lines."""

type Pause = Callable[[Event, float], bool]
"""Waits until the event, for so many seconds at most; whether the event came."""


@contextmanager
def waiting(what: str | Callable[[], str], pause: Pause = Event.wait) -> Generator[None]:
    """Say on standard error what is waited for, until the block ends.

    `what` completes "after 30 s still ..."; a function is called for each line.
    """
    ended = Event()

    def tell() -> None:
        seconds = 0
        while not pause(ended, EVERY):
            seconds += EVERY
            say(f"after {seconds} s still {what if isinstance(what, str) else what()}")

    teller = Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


@contextmanager
def telling_steps(pause: Pause = Event.wait) -> Generator[Callable[[str], None]]:
    """Yield a `say` for the steps of some work; a step that takes long is said again."""
    last = ["the first step"]

    def tell(step: str) -> None:
        last[0] = step
        say(step)

    with waiting(lambda: last[0], pause):
        yield tell
