"""The database functions about messages to people: the warnings and the outbox (W1, W7)."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from mentor_pause.database.calls import DatabaseCalls, MentorId, read_count
from mentor_pause.database.message_results import Message, MessageFigures


@dataclass(frozen=True, slots=True)
class MessageFunctions(DatabaseCalls):
    """One method for each function."""

    def write_warnings(self, org_id: UUID, as_of: date, limit: int) -> int:
        """Warn the mentors whose certification expires soon, and their coordinators (W1).

        Repeating a call for the same day adds nothing.

        Returns:
            How many warnings the call wrote. If that is `limit`, there may be more.
        """
        return self.call(
            "write_warnings", read_count, p_org_id=org_id, p_as_of=as_of, p_limit=limit
        )

    def list_messages(
        self, org_id: UUID, *, undelivered: bool, before: int | None, limit: int
    ) -> list[Message]:
        """Return up to `limit` messages with an id below `before`, newest first (W7).

        `undelivered`: only the messages that did not arrive, or that have waited for an hour.
        """
        return self.call(
            "list_messages",
            Message.read_all,
            p_org_id=org_id,
            p_undelivered=undelivered,
            p_before=before,
            p_limit=limit,
        )

    def get_message_figures(self, org_id: UUID) -> MessageFigures:
        """Return how many messages wait, bounced or have no address (W7)."""
        return self.call("get_message_figures", MessageFigures.read_only, p_org_id=org_id)

    def list_paused_unwarned(
        self, org_id: UUID, as_of: date, after: UUID | None, limit: int
    ) -> list[MentorId]:
        """Return mentors whom the runs for a day paused without a warning 14 days before (W7).

        They are in id order, up to `limit` mentors after `after`.
        """
        return self.call(
            "list_paused_unwarned",
            MentorId.read_all,
            p_org_id=org_id,
            p_as_of=as_of,
            p_after=after,
            p_limit=limit,
        )
