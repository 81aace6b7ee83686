"""Shows the messages to mentors, coordinators and administrators (W7)."""

from collections.abc import Mapping, Sequence

from cli.output import result
from cli.show.moments import when
from cli.show.tables import Column, Row, show_table
from mentor_pause.database.client import Message, MessageFigures
from mentor_pause.database.message_results import Audience, MessageKind, MessageState

STATES: Mapping[MessageState, str] = {
    "pending": "waiting to be sent",
    "sending": "being sent",
    "sent": "sent, delivery not confirmed",
    "delivered": "delivered",
    "bounced": "bounced",
    "complained": "marked as spam",
    "suppressed": "not sent, the address failed before",
    "unknown": "unknown whether it was sent",
    "no_address": "not sent, no working address",
    "outdated": "not sent, outdated",
}
_AUDIENCES: Mapping[Audience, str] = {
    "mentor": "mentor",
    "coordinator": "coordinator",
    "admin": "administrator",
}
KINDS: Mapping[MessageKind, str] = {
    "paused": "paused",
    "renewed": "certification renewed",
    "warning": "certification expires",
    "held": "pause waits for approval",
    "unforeseen": "paused without a warning in time",
    "resumed": "pause withdrawn",
}
_COLUMNS = (
    Column("person"),
    Column("state", explains_itself=True),
    Column("to", explains_itself=True),
    Column("about", explains_itself=True),
    Column("mentors", explains_itself=True),
    Column("written (UTC)"),
)


def show_messages(messages: Sequence[Message], *, undelivered: bool) -> None:
    """Show messages, each with the reason for its state."""
    if messages:
        show_table(_COLUMNS, [Row(_cells(message), message.reason) for message in messages])
    else:
        result("no undelivered messages" if undelivered else "no messages")


def _cells(message: Message) -> Sequence[str]:
    return (
        str(message.person_id), STATES[message.state], _AUDIENCES[message.audience],
        KINDS[message.kind], _count(message.mentor_count, "mentor"), when(message.created_at),
    )  # fmt: skip


def show_figures(figures: MessageFigures, *, sends: bool, command: str | None = None) -> None:
    """Show the figures of the metrics, and what the operator does next.

    `sends` says whether the stack has a sender. `command` lists the messages; None: it did.
    """
    result(
        f"{_count(figures.undelivered_count, 'message')} waiting for more than an hour,"
        f" {figures.no_address_count} without an address;"
        f" e-mails of the last 24 hours: {figures.bounced_count} bounced or suppressed,"
        f" {figures.complained_count} marked as spam, {figures.unknown_count} unknown"
    )
    if not sends:
        result("no sender is set, so no message is sent; see docs/deployment.md#e-mail")
    sections = _sections(figures, sends)
    if sections and command:
        result(f"next: {command}")
        return
    for section in sections:
        result(f"next: docs/runbook.md#{section} says what to do")


def _sections(figures: MessageFigures, sends: bool) -> list[str]:
    """Return the sections of the runbook about these figures.

    There is none about missing addresses: the coordinators see whom they have to ask.
    """
    counts = {
        "undeliveredmessagesalarm": figures.undelivered_count if sends else 0,
        "bounceddigestsalarm": figures.bounced_count + figures.complained_count,
        "e-mails-of-unknown-state": figures.unknown_count,
    }
    return [section for section, count in counts.items() if count]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
