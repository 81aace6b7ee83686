"""What a change of the code is, whatever its language."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local.places import ROOT

type Verdict = Literal["noticed", "timed out", "survived", "unreached", "invalid"]
"""`timed out` counts as noticed, and `unreached` (no test runs the line) as survived."""

SURVIVED: tuple[Verdict, ...] = ("survived", "unreached")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change of one file."""

    file: Path
    number: int
    """Its place among the changes of the file."""
    line: int
    inside: str
    """The function, table or constant that it changes."""
    before: str
    after: str

    @property
    def name(self) -> str:
        """The file and the number, such as `functions/expiry/pause.py#12`."""
        return f"{self.file.relative_to(ROOT)}#{self.number}"

    def __str__(self) -> str:
        """Say what changes, in one line."""
        return f"{self.name} line {self.line} {self.inside}: {self.before} -> {self.after}"


def short(text: str) -> str:
    """Return a text in one line of at most 70 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 70 else f"{line[:67]}..."
