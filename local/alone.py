"""Only one command at a time changes a local stack; another one waits."""

import fcntl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path, say: Callable[[str], None]) -> Generator[None]:
    """Hold the lock of the local stack in that folder until the block ends.

    The operating system releases the lock when the process ends, even after a crash. Programs that
    the process starts do not inherit the lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another command that changes this local stack")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
