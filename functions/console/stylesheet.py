"""The console's style sheet, under a name that has its hash: browsers keep it for a year."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StyleSheet:
    """A style sheet and the name by which pages ask for it."""

    name: str
    text: str


def _read() -> StyleSheet:
    text = (Path(__file__).parent / "static" / "console.css").read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return StyleSheet(f"console.{digest}.css", text)


STYLESHEET = _read()
