"""What an answer of SES changes in a digest and its messages, and what not (W4)."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg
import pytest

from support.outbox import Outbox, Row
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


def begin(outbox: Outbox) -> UUID:
    """Begin a digest that is due."""
    found = outbox.begin()
    assert found is not None
    return found["id"]


def three(outbox: Outbox) -> Sequence[UUID]:
    """Warn three mentors, and return them in the order in which their digests begin."""
    for _ in range(3):
        outbox.add_mentor()
    outbox.warn()
    return [
        row["person_id"] for row in outbox.roster.rows("select * from messages order by due_at")
    ]


@pytest.mark.parametrize("result", ["sent", "unknown", "refused"])
def test_an_answer_is_about_its_own_digest_alone(outbox: Outbox, result: str) -> None:
    """W4: another digest is still being sent, and another message still waits."""
    first, second, third = three(outbox)
    digest = begin(outbox)
    begin(outbox)
    outbox.finish(digest, result)
    states = [outbox.states(mentor) for mentor in (first, second, third)]
    assert states == [["pending" if result == "refused" else result], ["sending"], ["pending"]]
    digests = outbox.roster.rows("select state from digests order by began_at")
    assert [row["state"] for row in digests] == [result, "sending"][result == "refused" :]


def refuse(outbox: Outbox, digest: UUID, reason: str | None, seconds: int | None) -> None:
    """Note a refusal with its reason and its wait."""
    outbox.roster.db.execute(
        "select finish_digest(%s, %s, 'refused', null, %s, %s)", (ORG, digest, reason, seconds)
    )


@pytest.mark.parametrize("seconds", [1, 600, 86_400])
def test_a_refused_message_waits_as_long_as_the_notifier_says(outbox: Outbox, seconds: int) -> None:
    """W4: and keeps the reason, until an e-mail leaves."""
    mentor = outbox.add_mentor()
    outbox.warn()
    refuse(outbox, begin(outbox), None, seconds)
    (row,) = outbox.roster.rows(
        "select refusal, extract(epoch from due_at - clock_timestamp())::float8 as wait"
        " from messages"
    )
    assert row["refusal"] == "refused"
    assert seconds - 5 < row["wait"] <= seconds
    outbox.pass_time(seconds=seconds)
    outbox.send_all()
    (message,) = outbox.messages(mentor)
    assert (message["state"], message["refusal"]) == ("sent", None)


@pytest.mark.parametrize("seconds", [None, 0, 86_401])
def test_a_wait_has_bounds(outbox: Outbox, seconds: int | None) -> None:
    """R5: a second to a day."""
    with pytest.raises(psycopg.Error, match="p_retry_seconds is out of bounds") as refused:
        refuse(outbox, uuid4(), "Throttling", seconds)
    assert "is between 1 and 86400" in (refused.value.diag.message_detail or "")


def call(outbox: Outbox, function: str, word: str | None, message: str, reason: str) -> None:
    """Note an answer or an event of SES about a digest that nobody began."""
    outbox.roster.db.execute(
        f"select {function}(%s, %s, %s, %s, %s)".encode(), (ORG, uuid4(), word, message, reason)
    )


@pytest.mark.parametrize("function", ["finish_digest", "record_delivery"])
def test_the_texts_of_ses_have_bounds(outbox: Outbox, function: str) -> None:
    """R5: 200 characters of an id, 100 of a reason."""
    call(outbox, function, "sent", "m" * 200, "r" * 100)
    for message, reason, name in (
        ("m" * 201, "r", "p_provider_message_id"),
        ("m", "r" * 101, "p_reason"),
    ):
        with pytest.raises(psycopg.Error, match=f"{name} is out of bounds"):
            call(outbox, function, "sent", message, reason)


@pytest.mark.parametrize(
    ("function", "good", "bad"),
    [
        ("finish_digest", ["sent", "refused", "unknown"], [None, "", "delivered", "sending"]),
        (
            "record_delivery",
            ["sent", "delivered", "bounced", "complained", "suppressed"],
            [None, "", "unknown", "refused", "sending"],
        ),
    ],
)
def test_an_answer_is_a_known_word(
    outbox: Outbox, function: str, good: list[str], bad: list[str | None]
) -> None:
    """R5: the refusal lists the words."""
    for word in good:
        call(outbox, function, word, "m", "r")
    for word in bad:
        with pytest.raises(psycopg.Error, match=r"^unknown (result|state)") as refused:
            call(outbox, function, word, "m", "r")
        assert refused.value.sqlstate == "22023"


def test_a_digest_keeps_its_reason_its_id_and_the_time_of_its_last_state(outbox: Outbox) -> None:
    """W4: a later event without them takes nothing away."""
    outbox.add_mentor()
    outbox.warn()
    digest = begin(outbox)
    outbox.finish(digest, "unknown", None)
    assert digest_of(outbox)["provider_message_id"] is None
    outbox.record(digest, "bounced", "m-7", "Permanent")
    outbox.pass_time(hours=1)
    outbox.roster.db.execute(
        "select record_delivery(%s, %s, 'complained', null, null)", (ORG, digest)
    )
    row = digest_of(outbox)
    assert (row["state"], row["provider_message_id"], row["reason"]) == (
        "complained", "m-7", "Permanent",
    )  # fmt: skip
    assert row["is_new"]


def digest_of(outbox: Outbox) -> Row:
    """Return the only digest."""
    (row,) = outbox.roster.rows(
        "select *, changed_at > clock_timestamp() - interval '1 minute' as is_new from digests"
    )
    return row


@pytest.mark.parametrize(("digest", "org"), [(None, ORG), (uuid4(), uuid4())])
def test_a_digest_needs_an_id_and_an_organisation(
    outbox: Outbox, digest: UUID | None, org: UUID
) -> None:
    """R5."""
    with pytest.raises(psycopg.Error, match="p_digest_id or the organisation is missing") as raised:
        outbox.roster.rows("select * from begin_digest(%s, %s)", org, digest)
    assert raised.value.sqlstate == "22023"
