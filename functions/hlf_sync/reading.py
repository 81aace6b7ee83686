"""The state of one reading of the portal's certifications, as far as one invocation needs it."""

from dataclasses import dataclass
from typing import Literal

from hlf_sync.notes import Notes
from mentor_pause.domain.messages import MentorPage
from mentor_pause.portal import Portal
from mentor_pause.retry import Remaining

_LEAST_SECONDS = 8.0
"""No request begins with less time left: with its waits, the third try comes after some six."""

type ReadingStatus = Literal["finished", "advanced", "stalled"]
"""How an invocation left the run's reading.

- `finished`: the run has read everything that can be read.
- `advanced`: time ran short, after the invocation had read or removed something new.
- `stalled`: time ran short before that.
"""


@dataclass(slots=True)
class Reading:
    """One invocation's part of the run's reading."""

    portal: Portal
    page: MentorPage
    time_left: Remaining
    notes: Notes
    has_advanced: bool = False
    """Whether this invocation has read or removed something new."""

    def is_out_of_time(self) -> bool:
        """Whether no other request may begin."""
        return self.time_left() < _LEAST_SECONDS

    def unfinished(self) -> ReadingStatus:
        """Return the status of a reading that stops because time is short."""
        return "advanced" if self.has_advanced else "stalled"
