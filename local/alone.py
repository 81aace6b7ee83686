"""One command at a time changes a local stack; the next one waits for it."""

import fcntl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path, say: Callable[[str], None]) -> Generator[None]:
    """Keep every other command that takes this lock from the stack of that folder.

    The lock ends with the process that holds it, whatever happens to that. Programs that it starts
    do not inherit it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another command that is at work on this local stack")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
