"""What mentor-pause knows about a mentor: the status, and a certification."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

type Status = Literal["active", "paused", "inactive"]


@dataclass(frozen=True, slots=True)
class Certification:
    """A certification that is valid in the portal: an active row with a mentor and a day."""

    id: str
    """The row's id."""
    key: str
    """The mentor's key."""
    expires_on: date
    """The first day on which it counts no longer."""
    modified_on: datetime
    """When the portal changed the row last; aware."""
