"""The messages of a night on the deployed stack, and what becomes of them (W1 to W4)."""

import json
from collections import Counter
from uuid import UUID

import psycopg
import pytest

from local.mail import Mail, read_mails
from local.template import SES_EVENTS
from support.deployed import Deployed, eventually, mentor_pause, rows

pytestmark = pytest.mark.xdist_group("second stack")

UNSENT = "select 1 from messages where state in ('pending', 'sending')"


def send_all(deployed: Deployed, owner: psycopg.Connection) -> dict[str, Mail]:
    """Run a night, wait until its messages have left, and return the mails by recipient."""
    before = len(read_mails(deployed.local.require().aws_port))
    assert mentor_pause("run", "certification_expiry", "--json").returncode == 0
    eventually(lambda: not rows(owner, UNSENT), seconds=120)
    mails = read_mails(deployed.local.require().aws_port)[before:]
    recipients = Counter(mail.to[0] for mail in mails)
    assert set(recipients.values()) == {1}
    return {mail.to[0]: mail for mail in mails}


def test_the_messages_of_a_night_reach_the_right_people_once_and_may_bounce(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """W1 to W3: each mentor who was paused or warned, and each coordinator; in their language."""
    mails = send_all(deployed, owner)
    told = rows(
        owner,
        "select k.email, k.language, m.kind from messages m"
        " join mentor_contacts k on k.mentor_id = m.mentor_ids[1] where m.audience = 'mentor'",
    )
    coordinators = rows(
        owner,
        "select distinct k.email, k.language from messages m"
        " join member_contacts k on k.user_id = m.person_id where m.audience = 'coordinator'",
    )
    expected = {row["email"] for row in (*told, *coordinators)} - {None}
    assert mails.keys() == expected
    assert len(coordinators) > 1
    kinds = Counter(row["kind"] for row in told)
    assert kinds["paused"] == 150
    assert kinds["warning"] > 0
    for row in (*told, *coordinators):
        if row["email"]:
            greeting = mails[row["email"]].text.partition(",")[0]
            assert greeting == ("Hello" if row["language"] == "en" else "Hei")
    without = rows(owner, "select person_id from messages where state = 'no_address'")
    assert len(without) == sum(row["email"] is None for row in told)


def test_a_bounce_is_visible_within_a_minute(deployed: Deployed, owner: psycopg.Connection) -> None:
    """W4, W6: the rules pass it on without the address, and the mentor cannot be reached then."""
    send_all(deployed, owner)
    (sent, *_) = rows(
        owner,
        "select d.id, d.provider_message_id, d.person_id from digests d"
        " join peer_mentors m on d.person_id in (m.id, m.user_id) order by d.id",
    )
    detail = {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": "kari@example.com"}],
        },
        "mail": {
            "messageId": sent["provider_message_id"],
            "destination": ["kari@example.com"],
            "tags": {
                "ses:configuration-set": [deployed.stack.outputs["ConfigurationSetName"]],
                "digest": [str(sent["id"])],
            },
        },
    }
    put = deployed.stack.events().put_events(
        Entries=[
            {"Source": SES_EVENTS, "DetailType": "Email Bounced", "Detail": json.dumps(detail)}
        ]
    )
    assert put["FailedEntryCount"] == 0

    def is_visible() -> bool:
        found = owner.execute("select state from digests where id = %s", (sent["id"],)).fetchone()
        return found == ("bounced",)

    eventually(is_visible, seconds=60)
    shown = json.loads(mentor_pause("messages", "--undelivered", "--json").stdout)["messages"]
    bounced = [row for row in shown if UUID(row["person_id"]) == sent["person_id"]]
    assert {(row["state"], row["reason"]) for row in bounced} == {("bounced", "Permanent")}


def test_a_notifier_whose_time_ends_asks_for_another(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """W3: it publishes MessagesLeft, and each message leaves once."""
    with deployed.time_out("Notifier", 65):  # so that it works for a few seconds
        assert send_all(deployed, owner)
    reports = deployed.lines("NotifierLogGroup", "messages sent")
    assert any(line["stopped_by"] == "time" and line["sent"] for line in reports)
