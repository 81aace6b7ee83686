"""What the brake did in a night reaches people by e-mail (G2, G3, G5)."""

from uuid import UUID

import pytest

from support.brake import Brake
from support.night import Night, run_id
from support.post_office import Letter, Notifier, add_contact, add_member_contact
from support.roster import ORG, TODAY, Roster

VALID = TODAY.replace(year=2036)


@pytest.fixture
def brake(roster: Roster) -> Brake:
    """The organisation's brake."""
    return Brake(roster)


def add_admin(roster: Roster) -> UUID:
    """Add an administrator who reads English."""
    admin = roster.add_coordinator()
    roster.db.execute("update org_members set role = 'admin' where user_id = %s", (admin,))
    add_member_contact(roster, admin, "admin@example.com", "en")
    return admin


def add_people(roster: Roster, brake: Brake) -> UUID:
    """Add an administrator, 12 unforeseen mentors with a coordinator, and one who was warned."""
    add_admin(roster)
    brake.warn(roster.add_mentors(1))
    unforeseen = roster.add_mentors(12)
    add_contact(roster, unforeseen[0], "mentor@example.com", "en")
    coordinator = roster.add_coordinator(mentors=unforeseen)
    add_member_contact(roster, coordinator, "coordinator@example.com", "en")
    return unforeseen[0]


def mails(notifier: Notifier) -> dict[str, Letter]:
    """Send what is due, and return the new e-mails by their addresses."""
    before = len(notifier.office.letters)
    notifier.send()
    return {letter.to: letter for letter in notifier.office.letters[before:]}


def test_in_mode_hold_administrators_are_told_when_the_run_ends(
    night: Night, notifier: Notifier, roster: Roster, brake: Brake
) -> None:
    """G3: nobody else gets an e-mail, since only the mentor who was warned is paused."""
    brake.set("hold")
    add_people(roster, brake)
    night.fire()
    night.work_off()
    sent = mails(notifier)
    assert {to: letter.subject for to, letter in sent.items()} == {
        "admin@example.com": "Decide: 12 pauses are held"
    }
    text = sent["admin@example.com"].text
    assert "the dates may be wrong" in text
    assert str(run_id()) not in text


def test_in_mode_watch_a_withdrawal_is_at_hand_and_people_learn_of_it(
    night: Night, notifier: Notifier, roster: Roster, brake: Brake
) -> None:
    """G2, G5: the pauses and what to check; the next day the pause that was taken back."""
    mentor = add_people(roster, brake)
    night.fire()
    night.work_off()
    first = mails(notifier)
    assert first["admin@example.com"].subject == (
        "Check: 12 listings were paused without a warning in time"
    )
    assert "Then take the pauses back." in first["admin@example.com"].text
    assert first["coordinator@example.com"].subject == "Follow up: 12 listings were paused"
    assert first["mentor@example.com"].subject.startswith("Renew your listing")
    roster.certify(mentor, VALID)
    night.handle(
        {
            "job_name": "withdrawal", "trigger": "manual", "trigger_id": "withdrawal-1",
            "withdraws": str(run_id()),
        }
    )  # fmt: skip
    night.work_off()
    assert roster.status(mentor) == "active"
    assert mails(notifier) == {}
    roster.db.execute("update digests set day = day - 1 where org_id = %s", (ORG,))
    roster.db.execute("update messages set due_at = now() where state = 'pending'")
    second = mails(notifier)
    assert {to: letter.subject for to, letter in second.items()} == {
        "mentor@example.com": "Your listing is active again",
        "coordinator@example.com": "1 listing is active again",
    }
    assert night.announcements()[-1]["resumed_count"] == 1
