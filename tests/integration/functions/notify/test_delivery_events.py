"""What SES says about an e-mail moves its digest on (W4)."""

import json
from uuid import UUID, uuid4

import pytest

from notify.delivery_events import note_event
from support.post_office import Notifier, add_contact, states
from support.roster import ORG, Roster


@pytest.fixture(autouse=True)
def sent(notifier: Notifier, roster: Roster) -> None:
    """A digest to a mentor whom a run has paused."""
    mentor = roster.add_mentor()
    add_contact(roster, mentor, "kari@example.com")
    roster.db.execute("select run_certification_expiry(%s)", (ORG,))
    notifier.send()


def event(kind: str, digest_id: UUID, message_id: str = "m-1", **more: str) -> str:
    """Return the body of a message, as the rules make it."""
    return json.dumps({"event": kind, "message_id": message_id, "digest": [str(digest_id)], **more})


def after(notifier: Notifier, roster: Roster, *bodies: str) -> tuple[str, str | None]:
    """Note events, and return the state and the reason of the digest."""
    for body in bodies:
        note_event(body, ORG, notifier.database, notifier.logger)
    (row,) = roster.rows("select state, reason from digests")
    assert states(roster) == [row["state"]]
    return row["state"], row["reason"]


def test_events_move_a_digest_on(notifier: Notifier, roster: Roster) -> None:
    """W4: twice and late too, and never back."""
    (letter,) = notifier.office.letters
    assert after(notifier, roster, event("Send", letter.digest_id)) == ("sent", None)
    delivered = event("Delivery", letter.digest_id)
    assert after(notifier, roster, delivered, delivered) == ("delivered", None)
    assert after(notifier, roster, event("Send", letter.digest_id)) == ("delivered", None)
    complaint = event("Complaint", letter.digest_id)
    assert after(notifier, roster, complaint, delivered) == ("complained", None)


@pytest.mark.parametrize(
    ("kind", "sub_kind", "expected"),
    [
        ("Permanent", "General", ("bounced", "Permanent")),
        ("Transient", "MailboxFull", ("bounced", "Transient")),
        ("Permanent", "OnAccountSuppressionList", ("suppressed", "Permanent")),
        ("Permanent", "Suppressed", ("suppressed", "Permanent")),
    ],
)
def test_a_bounce_says_why(
    notifier: Notifier, roster: Roster, kind: str, sub_kind: str, expected: tuple[str, str]
) -> None:
    """W4, W6: SES calls a suppressed address a bounce."""
    (letter,) = notifier.office.letters
    body = event("Bounce", letter.digest_id, bounce_type=kind, bounce_sub_type=sub_kind)
    assert after(notifier, roster, body) == expected


def test_a_rejected_letter_bounced(notifier: Notifier, roster: Roster) -> None:
    """W4: SES took it and found a virus in it."""
    (letter,) = notifier.office.letters
    assert after(notifier, roster, event("Reject", letter.digest_id)) == ("bounced", "Reject")


def test_an_event_decides_about_an_unknown_digest(notifier: Notifier, roster: Roster) -> None:
    """W4: the answer was lost, and the event names the digest."""
    (letter,) = notifier.office.letters
    roster.db.execute("update digests set state = 'unknown', provider_message_id = null")
    roster.db.execute("update messages set state = 'unknown'")
    assert after(notifier, roster, event("Delivery", letter.digest_id))[0] == "delivered"


def test_an_event_about_another_letter_changes_nothing(notifier: Notifier, roster: Roster) -> None:
    """W4: another digest, or another e-mail under the same tag."""
    (letter,) = notifier.office.letters
    bodies = (event("Bounce", uuid4()), event("Bounce", letter.digest_id, "m-2"))
    assert after(notifier, roster, *bodies) == ("sent", None)


@pytest.mark.parametrize(
    "body",
    [
        "not JSON",
        "[]",
        '{"event": "Open", "message_id": "m-1", "digest": []}',
        '{"event": "Delivery", "message_id": "m-1", "digest": ["kari@example.com"]}',
        '{"event": "Delivery", "message_id": "m-1", "digest": [], "to": "kari@example.com"}',
    ],
)
def test_an_unreadable_event_is_named_and_dropped(
    notifier: Notifier, roster: Roster, body: str
) -> None:
    """W4, W5: it would stay unreadable; the log repeats no value of it."""
    assert after(notifier, roster, body) == ("sent", None)
    log = notifier.output.getvalue()
    assert "event of SES not readable" in log
    assert "kari@example.com" not in log
