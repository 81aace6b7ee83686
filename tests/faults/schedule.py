"""A seeded schedule of faults: which external calls fail, and how."""

import random
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from support.faults import FAULTS, Fault, Plan, ProcessDied, Seam

WRONG: tuple[Fault, ...] = FAULTS[1:]
NIGHTLY: tuple[str, ...] = (
    *WRONG, "stolen", "abandoned", "twice", "out of order", "held up", "short of time", "refused",
    "handed over", "second notifier", "rejected",
)  # fmt: skip
"""Everything that may happen in a night: to calls, to the lock, to messages."""
_RATES = (0.03, 0.1, 0.2, 0.3)


class Schedule(Plan):
    """Draws a fault for each call, at the seed's own rate, until `stop` is called."""

    def __init__(self, dice: random.Random) -> None:
        """`dice` are the seed's random numbers."""
        super().__init__()
        self._dice = dice
        self.begin()
        self._other: tuple[str, Callable[[], object]] | None = None
        self._left: int | None = None
        self.tell: Callable[[str], object] = str
        """Is called with each call and its fault."""
        self.counts: Counter[tuple[str, str]] = Counter()
        """How often each fault was injected, by fault and by seam."""
        self.by_call: Counter[tuple[Fault, str]] = Counter()
        """How often each fault was injected, by fault and by method or function."""

    def begin(self) -> None:
        """From now on calls fail, at a rate and in ways that are drawn now."""
        dice = self._dice
        self._rate = self._storm = dice.choice(_RATES)
        self._kinds = dice.sample(WRONG, dice.randint(1, len(WRONG)))
        self._spares_dispatchers = dice.random() < 1 / 3
        self._meddling = dice.choice((0, 1 / 12))
        self.is_over = False

    @contextmanager
    def dispatching(self, steal: Callable[[], object]) -> Generator[None]:
        """A dispatcher runs; `steal` lets a second one take its lock.

        In some nights all calls of dispatchers succeed, so that faults reach the workers.
        """
        self._rate = 0.0 if self._spares_dispatchers else self._rate
        with self.beside("stolen", steal):
            yield
        self._rate = 0.0 if self.is_over else self._storm

    @contextmanager
    def working(self, abandon: Callable[[], object]) -> Generator[None]:
        """A worker runs; `abandon` ends its run before the worker has finished."""
        with self.beside("abandoned", abandon):
            yield

    @contextmanager
    def beside(self, kind: str, meanwhile: Callable[[], object]) -> Generator[None]:
        """A process runs; before one of its calls, another one may do `meanwhile`."""
        self._other = None if self.is_over else (kind, meanwhile)
        with suppress(ProcessDied):
            yield
        self._other = None

    def due(self, seam: Seam, what: str) -> Fault:
        """Return the fault of this call."""
        fault = self._draw(seam) if self._left is None else self._of_the_other()
        self.by_call[fault, what] += 1
        self.tell(f"{seam.name} {what}: {fault}")
        return fault

    def _draw(self, seam: Seam) -> Fault:
        if self._other is not None and self._dice.random() < self._meddling:
            kind, meanwhile = self._other
            self.counts[kind, seam.name] += 1
            self._let(meanwhile, kind)
        if self._dice.random() >= self._rate:
            return "ok"
        fault = self._dice.choice(self._kinds)
        self.counts[fault, seam.name] += 1
        return fault

    def _let(self, meanwhile: Callable[[], object], kind: str) -> None:
        """Let the other caller make so many calls and die, or finish."""
        self._other = None  # once is enough
        self._left = self._dice.choice((2, 5, 8, 11, 14, 1000))
        self.tell(f"{kind}: another process begins")
        with suppress(ProcessDied):
            meanwhile()
        self._left = None
        self.tell("the other process is gone")

    def _of_the_other(self) -> Fault:
        assert self._left is not None
        self._left -= 1
        return "dies before" if self._left < 0 else "ok"

    def count(self, kind: str) -> None:
        """Count something that is done to a message."""
        self.counts[kind, "delivery"] += 1

    def stop(self) -> None:
        """From now on all calls succeed, and late calls are made."""
        self._rate, self.is_over = 0.0, True
        self.arrive()
