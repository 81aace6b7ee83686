"""The oracle's records: plain, and of the oracle's own."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID


class Contact(NamedTuple):
    """How a person is reached."""

    email: str | None
    language: str


class Situation(NamedTuple):
    """A mentor's date and status on a night."""

    night: date
    expires_on: date | None
    is_active: bool
    cause: str
    """The last change of the date."""


@dataclass
class Mentor:
    """A mentor."""

    id: UUID
    chapter: UUID
    contact: Contact
    account: UUID | None = None
    """The user id; a coordinator may be a mentor too."""
    status: str = "active"
    was_changed_by_hand: bool = False
    """Whether a person made the last change of the status."""
    certifications: dict[UUID, date] = field(default_factory=dict)
    cause: str = "joined"
    """The last change of the date."""
    situations: list[Situation] = field(default_factory=list)
    """One for each night on which something was other than before."""

    @property
    def person(self) -> UUID:
        """The id to which the mentor's messages are addressed."""
        return self.account or self.id

    @property
    def expires_on(self) -> date | None:
        """E1: the latest certification counts."""
        return max(self.certifications.values(), default=None)


@dataclass
class Coordinator:
    """A coordinator of the organisation."""

    id: UUID
    contact: Contact
    chapters: set[UUID] = field(default_factory=set)
    mentors: set[UUID] = field(default_factory=set)
    """By assignment."""


class Warned(NamedTuple):
    """A warning (W1)."""

    mentor: UUID
    expires_on: date
    stage: int
    day: date


class Pause(NamedTuple):
    """A pause by the nightly job."""

    mentor: UUID
    expires_on: date
    day: date


@dataclass
class Message:
    """A message to one person (W3)."""

    audience: str
    person: UUID
    kind: str
    mentors: tuple[UUID, ...]
    created_at: datetime
    due_at: datetime
    state: str = "pending"

    @property
    def waits(self) -> bool:
        """Whether it is not sent yet, and may be."""
        return self.state in ("pending", "no_address")


class Mail(NamedTuple):
    """An e-mail to one person."""

    email: str
    language: str
    day: date
    own_paused_on: date | None
    own_expires_on: date | None
    paused_count: int
    expiring_count: int
    first_expires_on: date | None
    unreachable_count: int
