"""Where the local stack keeps what is its own."""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATABASE = "mentor_pause"
"""The database's name."""


def state_folder() -> Path:
    """Return the folder of the stack's state: `.local/`, or what `MENTOR_PAUSE_LOCAL` names."""
    return Path(os.environ.get("MENTOR_PAUSE_LOCAL") or ROOT / ".local")
