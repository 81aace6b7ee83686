"""Notes SES's events about the digests (W4).

The rules of the stack pass on four values of an event and nothing else, because SES's own events
hold the recipient's address (W5).
"""

from typing import Annotated, Literal
from uuid import UUID

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mentor_pause.database.notifier_client import DeliveryState, NotifierDatabase

_STATES: dict[str, DeliveryState] = {
    "Send": "sent",
    "Delivery": "delivered",
    "Bounce": "bounced",
    "Complaint": "complained",
    "Reject": "bounced",
}
_SUPPRESSED = {"Suppressed", "OnAccountSuppressionList"}
"""The kinds of bounce by which SES says that it did not even try."""


class DeliveryEvent(BaseModel):
    """What the rules pass on of an event of SES."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    event: Literal["Send", "Delivery", "Bounce", "Complaint", "Reject"]
    message_id: Annotated[str, Field(min_length=1, max_length=200)]
    """SES's id of the e-mail."""
    digest: Annotated[list[UUID], Field(min_length=1, max_length=1)]
    """The values of the tag `digest`; we set one."""
    bounce_type: Annotated[str, Field(max_length=50)] | None = None
    """`Permanent`, `Transient` or `Undetermined`."""
    bounce_sub_type: Annotated[str, Field(max_length=50)] | None = None

    @property
    def state(self) -> DeliveryState:
        """The state of the digest that the event tells."""
        if self.bounce_sub_type in _SUPPRESSED:
            return "suppressed"
        return _STATES[self.event]

    @property
    def reason(self) -> str | None:
        """Why it did not arrive, as SES names it."""
        return self.bounce_type or ("Reject" if self.event == "Reject" else None)


def note_event(body: str, org_id: UUID, database: NotifierDatabase, logger: Logger) -> None:
    """Note one event. An event that cannot be read is logged and dropped: it stays unreadable.

    Raises:
        RetryableDatabaseError: the database is away; SQS delivers the event again.
        DatabaseError: the database refused the event.
    """
    try:
        event = DeliveryEvent.model_validate_json(body)
    except ValidationError as error:
        faults = [".".join(map(str, e["loc"])) for e in error.errors(include_input=False)]
        logger.error("event of SES not readable", extra={"fields": faults})
        return
    (digest_id,) = event.digest
    database.record_delivery(org_id, digest_id, event.state, event.message_id, event.reason)
