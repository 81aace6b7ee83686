"""Collects notes about a reading of the portal, for the run's row in the execution log (H3)."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Notes:
    """The notes of one invocation: whole sentences, and rows that are counted by kind."""

    sentences: list[str] = field(default_factory=list[str])
    counts: Counter[str] = field(default_factory=Counter[str])
    examples: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, sentence: str) -> None:
        """Add a note that is about no single row."""
        self.sentences.append(sentence)

    def count(self, kind: str, row: str) -> None:
        """Count one row of a kind; the first row of each kind is its example."""
        self.counts[kind] += 1
        self.examples.setdefault(kind, row)

    def __str__(self) -> str:
        """Return all notes in one text; empty without any."""
        counted = (
            f"{count} {kind}, such as {self.examples[kind]}" for kind, count in self.counts.items()
        )
        return "; ".join((*self.sentences, *counted))
