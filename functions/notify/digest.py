"""The content of one e-mail to one recipient (W5)."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from texts.catalogue import Language


@dataclass(frozen=True, slots=True)
class Digest:
    """The rows of the outbox that one e-mail to one recipient covers, as counts and days.

    Raises:
        ValueError: the digest has nothing to say, a count is negative, or `first_expires_on` is
            missing.
    """

    digest_id: UUID
    email: str = field(repr=False)  # no log line may hold an address
    language: Language
    day: date
    """The organisation's day on which the e-mail is sent."""
    own_paused_on: date | None
    """The recipient's own listing was paused on that day."""
    own_expires_on: date | None
    """The recipient's own listing will be paused on that day, unless it is renewed."""
    paused_count: int
    """This count and the next three are of the mentors that the recipient follows up."""
    renewed_count: int
    expiring_count: int
    first_expires_on: date | None
    """The earliest day on which one of the expiring mentors will be paused."""
    unreachable_count: int
    """How many of these mentors have no working e-mail address."""
    held_count: int = 0
    """Pauses that wait for an approval. Only administrators get this count."""
    own_resumed_on: date | None = None
    """The recipient's own listing became active again on that day, by a withdrawal."""
    resumed_count: int = 0
    """Mentors that the recipient follows up and that a withdrawal resumed."""
    unforeseen_count: int = 0
    """Mentors who were paused without a warning in time (G2). Only administrators get it."""

    def __post_init__(self) -> None:
        counts = (
            self.paused_count, self.renewed_count, self.expiring_count, self.held_count,
            self.resumed_count, self.unforeseen_count,
        )  # fmt: skip
        if min(*counts, self.unreachable_count) < 0:
            raise ValueError("a count of a digest is negative")
        own = (self.own_paused_on, self.own_expires_on, self.own_resumed_on)
        if not any(own + counts):
            raise ValueError("a digest has nothing to say")
        if self.expiring_count and self.first_expires_on is None:
            raise ValueError("a digest with expiring mentors has no first day")

    @property
    def own_warned_of(self) -> date | None:
        """Return `own_expires_on`, or None if the pause of which it warns has happened."""
        if self.own_paused_on and self.own_expires_on and self.own_expires_on <= self.own_paused_on:
            return None
        return self.own_expires_on

    @property
    def is_about_others(self) -> bool:
        """Whether the digest says something about the mentors of the recipient."""
        return bool(
            self.paused_count or self.renewed_count or self.expiring_count or self.resumed_count
        )
