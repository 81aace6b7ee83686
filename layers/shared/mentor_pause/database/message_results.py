"""The results of the database functions about messages to people, typed."""

from typing import Literal
from uuid import UUID

from mentor_pause.database.calls import Moment, Result

type Audience = Literal["mentor", "coordinator", "admin"]
type MessageKind = Literal["paused", "renewed", "warning", "held", "unforeseen", "resumed"]
type MessageState = Literal[
    "pending",
    "sending",
    "sent",
    "delivered",
    "bounced",
    "complained",
    "suppressed",
    "unknown",
    "no_address",
    "outdated",
]


class Message(Result):
    """A message to one person, as operators see it: without a name and without an address."""

    id: int
    audience: Audience
    person_id: UUID
    """The person's user id; for a mentor without an account, the mentor's id."""
    kind: MessageKind
    mentor_count: int
    state: MessageState
    reason: str | None
    """Why the e-mail bounced or was refused, as SES names it."""
    created_at: Moment
    due_at: Moment
    """When the next attempt to send it is due."""
    changed_at: Moment | None
    """When the e-mail's state last changed; None: no e-mail has taken the message."""


class MessageFigures(Result):
    """The counts of the metrics about messages (W7)."""

    undelivered_count: int
    """Messages that have waited for more than an hour, although they could leave."""
    bounced_count: int
    """E-mails of the last 24 hours that bounced or that SES suppressed."""
    complained_count: int
    unknown_count: int
    """E-mails of the last 24 hours whose answer from SES was lost."""
    no_address_count: int
    """Messages to people without an address."""
