"""The database functions of the notifier, which sends the e-mails (W3, W4).

The role of the notifier can execute these functions and nothing else. Every method raises what the
methods of `Database` raise.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from mentor_pause.database.calls import DatabaseCalls, Result, read_flag

type SendResult = Literal["sent", "refused", "unknown"]
"""What SES answered. `refused`: it did not accept the e-mail. `unknown`: there was no answer."""

type DeliveryState = Literal["sent", "delivered", "bounced", "complained", "suppressed"]
"""What an event of SES says about an e-mail."""


class BegunDigest(Result):
    """A digest that is about to be sent: the address, and counts and days (W5)."""

    email: str | None
    """None: this call found nothing to send; call again."""
    language: Literal["nb", "en"] | None
    day: date | None
    own_paused_on: date | None
    own_expires_on: date | None
    paused_count: int | None
    renewed_count: int | None
    expiring_count: int | None
    first_expires_on: date | None
    unreachable_count: int | None
    held_count: int | None
    own_resumed_on: date | None
    resumed_count: int | None
    unforeseen_count: int | None


class Settled(Result):
    """What `settle_messages` put right."""

    unknown_count: int
    """Digests that had no answer of SES."""
    outdated_count: int
    """Messages that are too old to be sent."""


@dataclass(frozen=True, slots=True)
class NotifierDatabase(DatabaseCalls):
    """The database as the notifier sees it."""

    def settle_messages(self, org_id: UUID) -> Settled:
        """End digests without an answer, and messages that are too old."""
        return self.call("settle_messages", Settled.read_only, p_org_id=org_id)

    def begin_digest(self, org_id: UUID, digest_id: UUID) -> BegunDigest | None:
        """Begin the next digest under a new id; the same call again returns the same digest.

        Returns:
            None if no message is due.
        """
        return self.call(
            "begin_digest",
            lambda rows: BegunDigest.read_only(rows) if rows else None,
            p_org_id=org_id,
            p_digest_id=digest_id,
        )

    def finish_digest(
        self,
        org_id: UUID,
        digest_id: UUID,
        result: SendResult,
        *,
        provider_message_id: str | None = None,
        reason: str | None = None,
        retry_seconds: int = 3600,
    ) -> bool:
        """Note what SES answered; return whether that changed anything.

        `retry_seconds`: how long the messages of a refused digest wait.
        """
        return self.call(
            "finish_digest",
            read_flag,
            p_org_id=org_id,
            p_digest_id=digest_id,
            p_result=result,
            p_provider_message_id=provider_message_id,
            p_reason=reason,
            p_retry_seconds=retry_seconds,
        )

    def record_delivery(
        self,
        org_id: UUID,
        digest_id: UUID,
        state: DeliveryState,
        provider_message_id: str,
        reason: str | None,
    ) -> bool:
        """Note an event of SES about a digest; return whether that changed anything."""
        return self.call(
            "record_delivery",
            read_flag,
            p_org_id=org_id,
            p_digest_id=digest_id,
            p_state=state,
            p_provider_message_id=provider_message_id,
            p_reason=reason,
        )
