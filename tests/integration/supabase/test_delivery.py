"""How a digest moves from state to state, whatever the order of the calls (W4)."""

from itertools import permutations
from uuid import UUID, uuid4

import psycopg
import pytest

from support.cluster import Cluster
from support.outbox import Outbox, unreachable
from support.people import People
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


@pytest.fixture
def mentor(outbox: Outbox) -> UUID:
    """A mentor with a waiting warning."""
    mentor = outbox.add_mentor(5)
    outbox.warn()
    return mentor


def begin(outbox: Outbox) -> UUID:
    """Begin a digest that is due."""
    found = outbox.begin()
    assert found is not None
    return found["id"]


def reason(outbox: Outbox) -> tuple[str, str | None]:
    """Return the state and the reason of the only digest."""
    (row,) = outbox.roster.rows("select state, reason from digests")
    return row["state"], row["reason"]


@pytest.mark.parametrize("order", [*permutations(["sent", "delivered", "bounced"])])
def test_events_may_come_in_any_order(outbox: Outbox, mentor: UUID, order: tuple[str, ...]) -> None:
    """W4: the last state wins, and each event that comes again changes nothing."""
    digest = begin(outbox)
    outbox.finish(digest)
    for state in order:
        outbox.record(digest, state)
        assert not outbox.record(digest, state)
    assert outbox.states(mentor) == ["bounced"]


ORDER = ("unknown", "sent", "delivered", "bounced", "suppressed", "complained")


def move(outbox: Outbox, digest: UUID, state: str) -> bool:
    """Note an answer or an event."""
    if state == "unknown":
        return outbox.finish(digest, state, None)
    return outbox.record(digest, state)


@pytest.mark.parametrize("number", range(len(ORDER)))
def test_a_state_never_moves_back(outbox: Outbox, mentor: UUID, number: int) -> None:
    """W4: an earlier state, or the same one again, changes nothing."""
    digest = begin(outbox)
    assert move(outbox, digest, ORDER[number])
    assert [state for state in ORDER[: number + 1] if move(outbox, digest, state)] == []
    assert outbox.states(mentor) == [ORDER[number]]
    assert [state for state in ORDER[number + 1 :] if not move(outbox, digest, state)] == []


def test_a_complaint_comes_after_the_delivery(outbox: Outbox, mentor: UUID) -> None:
    """W4."""
    digest = begin(outbox)
    for state in ("delivered", "complained"):
        assert outbox.record(digest, state)
    assert not outbox.finish(digest)
    assert outbox.states(mentor) == ["complained"]


def test_an_event_of_another_email_changes_nothing(outbox: Outbox, mentor: UUID) -> None:
    """R5: the provider's id is remembered from the first answer or event."""
    digest = begin(outbox)
    outbox.finish(digest, message="m-1")
    assert not outbox.record(digest, "bounced", "m-2")
    assert not outbox.record(uuid4(), "bounced")
    assert outbox.states(mentor) == ["sent"]


def test_an_event_decides_about_a_digest_without_answer(outbox: Outbox, mentor: UUID) -> None:
    """W4: unknown is shown and not sent again."""
    digest = begin(outbox)
    assert outbox.finish(digest, "unknown", None)
    outbox.pass_time(days=1)
    assert outbox.send_all() == []
    assert outbox.states(mentor) == ["unknown"]
    assert outbox.record(digest, "delivered", "m-7")
    assert not outbox.record(digest, "bounced", "m-8")
    assert outbox.states(mentor) == ["delivered"]


def test_a_refused_digest_is_sent_again(outbox: Outbox, mentor: UUID) -> None:
    """W4: SES did not take it, so the day is free again; the wait is p_retry_seconds."""
    digest = begin(outbox)
    assert outbox.finish(digest, "refused", None)
    assert not outbox.finish(digest, "refused", None)
    assert outbox.begin() is None
    assert outbox.states(mentor) == ["pending"]
    outbox.pass_time(hours=1)
    assert len(outbox.send_all()) == 1
    assert outbox.states(mentor) == ["sent"]


def test_a_refusal_that_comes_too_late_changes_nothing(outbox: Outbox, mentor: UUID) -> None:
    """W4: an event said before that the e-mail was sent; another one is still being sent."""
    other, digest = outbox.add_mentor(5), begin(outbox)
    outbox.warn()
    begin(outbox)
    outbox.record(digest, "sent")
    assert not outbox.finish(digest, "refused", None)
    assert (outbox.states(mentor), outbox.states(other)) == (["sent"], ["sending"])


def test_a_refusal_waits_for_an_event_that_moves_the_digest(
    outbox: Outbox, mentor: UUID, cluster: Cluster
) -> None:
    """W4: nothing is sent twice."""
    people, digest = People(outbox.roster, cluster), begin(outbox)
    url = cluster.url(outbox.roster.db, "mentor_pause_notifier")
    refuse = "select finish_digest(%s, %s, 'refused')"
    with psycopg.connect(url) as first, psycopg.connect(url, autocommit=True) as second:
        first.execute("select record_delivery(%s, %s, 'sent', 'm-1')", (ORG, digest))
        waiting = people.in_background(lambda: second.execute(refuse, (ORG, digest)).fetchone())
        people.wait_for_a_lock()
        first.commit()
        assert waiting.result(5) == (False,)
    assert outbox.states(mentor) == ["sent"]


def test_a_digest_whose_notifier_died_becomes_unknown(outbox: Outbox, mentor: UUID) -> None:
    """W3: after five minutes, and not before."""
    begin(outbox)
    outbox.pass_time(minutes=4)
    assert outbox.settle() == (0, 0)
    outbox.pass_time(minutes=2)
    assert (outbox.settle(), outbox.settle()) == ((1, 0), (0, 0))
    assert (outbox.states(mentor), reason(outbox)) == (["unknown"], ("unknown", "no answer"))


def test_the_same_call_again_returns_the_same_digest(outbox: Outbox, mentor: UUID) -> None:
    """W3: the answer of the first call was lost. Once it was sent, the id is used up."""
    first = outbox.begin()
    assert first is not None
    assert outbox.begin(first["id"]) == first
    outbox.finish(first["id"])
    with pytest.raises(psycopg.Error) as raised:
        outbox.begin(first["id"])
    assert (raised.value.sqlstate, raised.value.diag.message_hint) == ("PT409", "digest_sent")
    assert outbox.states(mentor) == ["sent"]


def test_two_notifiers_at_once_never_take_the_same_person(
    outbox: Outbox, mentor: UUID, cluster: Cluster
) -> None:
    """W3: the second one waits for the first one's transaction, and finds the next person."""
    people, other = People(outbox.roster, cluster), outbox.add_mentor(6)
    outbox.warn()
    outbox.finish(begin(outbox), "refused")  # not the first call of all: it locks by an insert
    outbox.pass_time(hours=1)
    url = cluster.url(outbox.roster.db, "mentor_pause_notifier")
    call = "select email from begin_digest(%s, gen_random_uuid())"
    with psycopg.connect(url) as first, psycopg.connect(url, autocommit=True) as second:
        found = [first.execute(call, (ORG,)).fetchone()]
        waiting = people.in_background(lambda: second.execute(call, (ORG,)).fetchone())
        people.wait_for_a_lock()
        first.commit()
        found.append(waiting.result(5))
    assert {*found} == {(f"{mentor}@example.no",), (f"{other}@example.no",)}


@pytest.mark.parametrize(
    ("state", "reason", "why", "is_sent"),
    [
        ("bounced", "Permanent", "bounced", False),
        ("bounced", "Transient", "bounced_for_now", True),
        ("complained", "abuse", "complained", False),
        ("suppressed", None, "suppressed", False),
        ("delivered", None, None, True),
        ("unknown", None, None, True),
    ],
)
def test_the_last_digest_to_an_address_decides(
    outbox: Outbox, mentor: UUID, state: str, reason: str | None, why: str | None, *, is_sent: bool
) -> None:
    """W6: nothing is sent to an address that does not work, until there is another one."""
    digest = begin(outbox)
    if state == "unknown":
        outbox.finish(digest, "unknown", None)
    else:
        outbox.record(digest, state, reason=reason)
    outbox.pass_time(days=1)
    outbox.pause(mentor)
    assert unreachable(outbox, f"{mentor}@EXAMPLE.no") == why
    assert [row["email"] for row in outbox.send_all()] == [f"{mentor}@example.no"] * is_sent
    assert outbox.states(mentor)[1] == ("sent" if is_sent else "no_address")
    outbox.add_contact(mentor, "new@example.no")
    assert unreachable(outbox, "new@example.no") is None


def test_a_digest_that_is_being_sent_does_not_hide_a_bounce(outbox: Outbox, mentor: UUID) -> None:
    """W6: another person may have the same address."""
    outbox.record(begin(outbox), "bounced", reason="Permanent")
    outbox.roster.db.execute(
        "insert into digests (id, org_id, person_id, day, state, address_hash)"
        " select gen_random_uuid(), org_id, gen_random_uuid(), day, 'sending', address_hash"
        " from digests"
    )
    assert unreachable(outbox, f"{mentor}@example.no") == "bounced"


@pytest.mark.parametrize(
    ("language", "written"),
    [("nb", "nb"), ("NB", "nb"), ("no", "nb"), ("", "nb"), (None, "nb"), ("fr", "nb"),
     ("en", "en"), ("EN", "en"), ("en-GB", "en"), ("eng", "nb")],
)  # fmt: skip
def test_a_language_that_we_do_not_write_becomes_bokmal(
    outbox: Outbox, mentor: UUID, language: str | None, written: str
) -> None:
    """W3: an adopter's view may hold any word."""
    outbox.roster.db.execute(
        "alter table mentor_contacts drop constraint mentor_contacts_language_check,"
        " alter column language drop not null"
    )
    outbox.roster.db.execute("update mentor_contacts set language = %s", (language,))
    found = outbox.begin()
    assert found is not None
    assert (found["email"], found["language"]) == (f"{mentor}@example.no", written)
