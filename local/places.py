"""The folders of the checkout and of the local stack's state."""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATABASE = "mentor_pause"
"""The database's name."""


def state_folder() -> Path:
    """Return the folder of the stack's state: `MENTOR_PAUSE_LOCAL`, or `.local/` without it."""
    return Path(os.environ.get("MENTOR_PAUSE_LOCAL") or ROOT / ".local")
