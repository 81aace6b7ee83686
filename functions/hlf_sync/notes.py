"""Collects what a person should know about a reading: by kind, how many rows, an example (H3)."""

from collections import Counter


class Notes:
    """The notes of one invocation."""

    def __init__(self) -> None:
        """Begin without any."""
        self._said: list[str] = []
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def say(self, text: str) -> None:
        """Note something that is about no single row."""
        self._said.append(text)

    def add(self, kind: str, row: str) -> None:
        """Note one row of a kind."""
        self._counts[kind] += 1
        self._examples.setdefault(kind, row)

    def __str__(self) -> str:
        """Return all in one text; empty without any."""
        kinds = (
            f"{count} {kind}, such as {self._examples[kind]}"
            for kind, count in self._counts.items()
        )
        return "; ".join((*self._said, *kinds))
