"""A bad contact costs its own person a message, and nobody else (W3, W6)."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg
import pytest

from support.cluster import Cluster
from support.outbox import Outbox, unreachable
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


def replace_contacts(outbox: Outbox, view: str) -> None:
    """Let a view of the table stand for it, as an adopter does."""
    outbox.roster.db.execute("alter table mentor_contacts rename to people")
    outbox.roster.db.execute(f"create view mentor_contacts as {view}".encode())


def sent(outbox: Outbox) -> Sequence[str]:
    """Send what is due, and return to whom."""
    return [row["email"] for row in outbox.send_all()]


def test_a_contact_that_fails_stops_nobody_else(outbox: Outbox) -> None:
    """W3: for example a cast in a view; the person is tried again after an hour."""
    bad, good = outbox.add_mentor(5, "bad@example.no"), outbox.add_mentor()
    outbox.warn()
    outbox.roster.db.execute(
        "update messages set due_at = due_at - interval '1 minute' where person_id = %s", (bad,)
    )
    replace_contacts(
        outbox,
        "select mentor_id, display_name, language, case when email like 'bad%'"
        " then (email::integer)::text else email end as email from people",
    )
    assert sent(outbox) == [f"{good}@example.no"]
    (message,) = outbox.messages(bad)
    assert (message["state"], message["refusal"]) == ("pending", "SQLSTATE 22P02")
    outbox.roster.db.execute(
        "update people set email = 'bad.now.good@example.no' where mentor_id = %s", (bad,)
    )
    outbox.pass_time(hours=1, minutes=1)
    outbox.roster.db.execute(
        "create or replace view mentor_contacts as"
        " select mentor_id, display_name, language, email from people"
    )
    assert sent(outbox) == ["bad.now.good@example.no"]


def test_slow_contacts_stop_nobody_else(outbox: Outbox) -> None:
    """W3: a call ends in time, and the next one goes on."""
    good = outbox.add_mentor()
    for _ in range(30):
        outbox.add_mentor(5, None)
    outbox.warn()
    outbox.roster.db.execute(
        "update messages set due_at = due_at - interval '1 minute' where person_id <> %s", (good,)
    )
    replace_contacts(
        outbox,
        "select mentor_id, display_name, language, email"
        " from people, lateral (select pg_sleep(0.1)) s",
    )
    outbox.roster.db.execute("set statement_timeout = '4s'")
    assert sent(outbox) == [f"{good}@example.no"]


def test_a_contact_that_goes_while_the_answer_is_lost_is_not_lost(outbox: Outbox) -> None:
    """W3: the repeated call sends nothing, so the messages wait for an address."""
    mentor = outbox.add_mentor()
    outbox.warn()
    digest = uuid4()
    assert outbox.begin(digest) is not None
    outbox.add_contact(mentor, None)
    outbox.pass_time(seconds=2)
    (again,) = outbox.roster.rows("select * from begin_digest(%s, %s)", ORG, digest) or [None]
    assert again is None or again["email"] is None
    outbox.add_contact(mentor, "new@example.no")
    outbox.pass_time(hours=25)
    outbox.roster.make_it(12)
    assert sent(outbox) == ["new@example.no"]


def test_an_address_that_changes_while_the_answer_is_lost_counts(outbox: Outbox) -> None:
    """W6: a bounce is about the address to which the e-mail went, and about no other."""
    earlier = outbox.add_mentor()
    outbox.warn()
    (before,) = outbox.send_all()
    outbox.record(before["id"], "bounced", reason="Permanent")
    mentor = outbox.add_mentor()
    outbox.warn()
    digest = uuid4()
    assert outbox.begin(digest) is not None
    outbox.add_contact(mentor, "new@example.no")
    again = outbox.begin(digest)
    assert again is not None
    assert again["email"] == "new@example.no"
    outbox.finish(digest)
    outbox.record(digest, "bounced", reason="Permanent")
    assert unreachable(outbox, "new@example.no") == "bounced"
    assert unreachable(outbox, f"{mentor}@example.no") is None
    assert unreachable(outbox, f"{earlier}@example.no") == "bounced"


def test_a_late_complaint_counts_although_a_later_digest_arrived(outbox: Outbox) -> None:
    """W6: nothing is sent to somebody who has complained."""
    mentor = outbox.add_mentor()
    outbox.warn()
    (first,) = outbox.send_all()
    outbox.pass_time(days=1)
    outbox.pause(mentor)
    (second,) = outbox.send_all()
    outbox.record(second["id"], "delivered")
    outbox.record(first["id"], "complained")
    assert unreachable(outbox, f"{mentor}@example.no") == "complained"


@pytest.mark.parametrize("reason", ["Transient", "Undetermined", "Reject"])
def test_a_bounce_for_now_bars_nobody(outbox: Outbox, reason: str) -> None:
    """W6: the next digest is sent."""
    mentor = outbox.add_mentor()
    outbox.warn()
    (digest,) = outbox.send_all()
    outbox.record(digest["id"], "bounced", reason=reason)
    assert unreachable(outbox, f"{mentor}@example.no") == "bounced_for_now"


def test_another_organisation_learns_nothing_of_an_address(outbox: Outbox) -> None:
    """R5: and a bounce there bars nobody here."""
    mentor = outbox.add_mentor()
    outbox.warn()
    (digest,) = outbox.send_all()
    outbox.record(digest["id"], "bounced", reason="Permanent")
    other = outbox.roster.add_organisation()
    (row,) = outbox.roster.rows(
        "select private.why_unreachable(%s, %s) as why", other, f"{mentor}@example.no"
    )
    assert row["why"] is None


def test_a_new_address_brings_what_the_old_one_did_not(outbox: Outbox) -> None:
    """W6: a message to an address that bounced waits for another address."""
    mentor = outbox.add_mentor()
    outbox.warn()
    (digest,) = outbox.send_all()
    outbox.record(digest["id"], "bounced", reason="Permanent")
    outbox.pass_time(days=1)
    outbox.pause(mentor)
    assert sent(outbox) == []
    (_, message) = outbox.messages(mentor)
    assert (message["state"], message["refusal"]) == ("no_address", "bounced")
    outbox.add_contact(mentor, "new@example.no")
    outbox.pass_time(days=1)
    assert sent(outbox) == ["new@example.no"]


def test_a_pause_that_somebody_made_later_is_not_the_runs(outbox: Outbox) -> None:
    """W2: the mentor was renewed, resumed, and now takes leave."""
    mentor = outbox.add_mentor()
    outbox.pause(mentor)
    outbox.roster.certify(mentor, outbox.in_days(300))
    for status, reason in (("active", "renewed_now"), ("paused", "on_leave")):
        outbox.roster.db.execute(
            "select update_mentor_status(%s, %s, %s, %s)", (mentor, ORG, status, reason)
        )
    assert sent(outbox) == []
    assert outbox.states(mentor) == ["outdated"]


def test_a_refusal_is_kept_with_its_reason(outbox: Outbox) -> None:
    """W7: the operator sees why a message waits."""
    mentor = outbox.add_mentor()
    outbox.warn()
    outbox.roster.rows(
        "select finish_digest(%s, %s, 'refused', null, 'MessageRejected')", ORG, _begun(outbox)
    )
    assert outbox.messages(mentor)[0]["refusal"] == "MessageRejected"
    (row,) = outbox.roster.rows("select * from list_messages(%s)", ORG)
    assert (row["state"], row["reason"]) == ("pending", "MessageRejected")


def _begun(outbox: Outbox) -> UUID:
    found = outbox.begin()
    assert found is not None
    return found["id"]


def test_a_message_of_yesterday_does_not_use_up_the_night(outbox: Outbox) -> None:
    """W2: before six it waits for the night's message, or for six o'clock."""
    mentor = outbox.add_mentor()
    outbox.roster.make_it(2)
    outbox.warn()
    outbox.pass_time(hours=5)
    assert sent(outbox) == []
    outbox.pause(mentor)
    outbox.roster.db.execute("update messages set due_at = now() where kind = 'paused'")
    (digest,) = outbox.send_all()
    assert digest["own_paused_on"] is not None


@pytest.mark.parametrize("code", ["55P03", "40P01"])
def test_a_lock_of_another_transaction_postpones_nobody(outbox: Outbox, code: str) -> None:
    """E6: the call fails, and the notifier repeats it; an hour would be too long."""
    mentor = outbox.add_mentor()
    outbox.warn()
    outbox.roster.db.execute(
        "create function fail() returns trigger language plpgsql as"
        f" $$ begin raise exception 'busy' using errcode = '{code}'; end $$".encode()
    )
    outbox.roster.db.execute(
        "create trigger fail before insert on digests for each row execute function fail()"
    )
    with pytest.raises(psycopg.Error) as raised:
        outbox.begin()
    assert raised.value.sqlstate == code
    outbox.roster.db.execute("drop trigger fail on digests")
    assert sent(outbox) == [f"{mentor}@example.no"]


@pytest.mark.slow
def test_a_begun_digest_waits_three_seconds_for_a_message_that_grows(
    outbox: Outbox, cluster: Cluster
) -> None:
    """E6: then it gives up with 55P03. The message is due as before."""
    mentor = outbox.add_mentor()
    outbox.warn()
    with psycopg.connect(cluster.server.url(outbox.roster.db.info.dbname)) as other:
        other.execute("select from messages for update")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            outbox.begin()
    assert sent(outbox) == [f"{mentor}@example.no"]
