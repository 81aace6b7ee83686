"""The messages and the mails of the local stack, from the command line (W7)."""

import json
from uuid import uuid4

import psycopg
import pytest

from local.deployment import ORG_ID, client
from support.deployed import Deployed, mentor_pause

pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture
def bounced(owner: psycopg.Connection) -> str:
    """Warn the mentors of the roster, let the e-mail to one of them bounce; return their id."""
    with owner.transaction():  # the notifier must not take the messages first
        owner.execute("select write_warnings(%s, current_date)", (ORG_ID,))
        (digest, person) = owner.execute(
            "insert into digests (id, org_id, person_id, day, state, address_hash, reason)"
            " select gen_random_uuid(), org_id, person_id, current_date, 'bounced', 'x', 'NoEmail'"
            " from messages where audience = 'mentor' limit 1 returning id, person_id::text"
        ).fetchall()[0]
        owner.execute(
            "update messages set state = 'bounced', digest_id = %s where person_id = %s",
            (digest, person),
        )
    return person


def test_undelivered_messages_are_listed(
    deployed: Deployed, owner: psycopg.Connection, bounced: str
) -> None:
    """For people and for programs; neither has a name or an address."""
    shown = mentor_pause("messages", "--undelivered", "--limit", "500")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"{bounced}  bounced" in shown.stdout
    assert "NoEmail" in shown.stdout
    assert "next: docs/runbook.md#bounceddigestsalarm says" in shown.stdout
    printed = mentor_pause("messages", "--limit", "500", "--json")
    found = json.loads(printed.stdout)
    row = next(m for m in found["messages"] if m["person_id"] == bounced)
    assert (row["state"], row["reason"], row["kind"]) == ("bounced", "NoEmail", "warning")
    assert found["figures"]["bounced_count"] == 1
    night = mentor_pause("monitor")
    assert night.returncode == 1
    assert "1 bounced or suppressed" in " ".join(night.stdout.split())
    assert "next: mentor-pause messages --undelivered" in night.stdout
    assert "without a warning at least 14 days before" in " ".join(night.stdout.split())
    contacts = owner.execute(
        "select display_name, email from mentor_contacts union all"
        " select display_name, email from member_contacts"
    ).fetchall()
    assert len(contacts) > 300
    for text in (word for contact in contacts for word in contact if word):
        assert text not in printed.stdout + shown.stdout


def test_the_mails_of_the_local_stack_are_printed(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """The emulator's SES accepts the local sender and keeps the mail.

    The notifier may send others at the same time.
    """
    address = f"kari.{uuid4()}@example.com"
    ses = client(deployed.local.require(), "sesv2")
    ses.send_email(
        FromEmailAddress="ingen-svar@example.com",
        Destination={"ToAddresses": [address]},
        Content={
            "Simple": {
                "Subject": {"Data": "Hei på deg"},
                "Body": {"Text": {"Data": "Én linje"}, "Html": {"Data": "<p>Én linje</p>"}},
            }
        },
    )
    shown = mentor_pause("local", "mail")
    assert shown.returncode == 0
    assert f"To: {address}\nSubject: Hei på deg\n" in shown.stdout
    mails = json.loads(mentor_pause("local", "mail", "--json").stdout)
    (found,) = [mail for mail in mails if mail["to"] == [address]]
    assert (found["text"], found["html"]) == ("Én linje", "<p>Én linje</p>")
