"""A mentor's status and certification."""

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
    """The first day on which the certification is no longer valid."""
    modified_on: datetime
    """When the portal changed the row last; aware."""
