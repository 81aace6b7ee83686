"""The database client reads warnings and messages alike over every transport (W1, W7)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from mentor_pause.database.client import Database, Message, MessageFigures
from mentor_pause.domain.runs import RunRequest
from support.database_client import pause
from support.roster import ORG, TODAY, Roster

_NOTHING = MessageFigures(
    undelivered_count=0, bounced_count=0, complained_count=0, unknown_count=0, no_address_count=0
)
_MOST = 1000


def list_messages(database: Database, *, undelivered: bool = False) -> list[Message]:
    """Return all messages of the organisation, newest first."""
    return database.list_messages(ORG, undelivered=undelivered, before=None, limit=_MOST)


def add_bounced_digest(roster: Roster, person: UUID) -> None:
    """Note that the e-mail with the messages of a person bounced."""
    (row,) = roster.rows(
        "insert into digests (id, org_id, person_id, day, state, address_hash, reason)"
        " values (gen_random_uuid(), %s, %s, %s, 'bounced', 'x', 'General') returning id",
        ORG, person, TODAY,
    )  # fmt: skip
    roster.db.execute(
        "update messages set state = 'bounced', digest_id = %s where person_id = %s",
        (row["id"], person),
    )


def test_a_warning_is_written_once(database: Database, roster: Roster) -> None:
    """W1: the call returns how many warnings it wrote; the limit cuts it."""
    for _ in range(3):
        roster.add_mentor(TODAY + timedelta(days=20))
    roster.add_mentor(TODAY + timedelta(days=200))
    written = [database.write_warnings(ORG, TODAY, 2) for _ in range(3)]
    assert written == [2, 1, 0]


def test_messages_are_typed_and_newest_first(database: Database, roster: Roster) -> None:
    """W7: a page ends where the next one begins; moments are in UTC."""
    mentor = roster.add_mentor(TODAY + timedelta(days=20))
    coordinator = roster.add_coordinator(mentors=[mentor])
    database.write_warnings(ORG, TODAY, _MOST)
    newest, oldest = list_messages(database)
    assert {newest.audience: newest.person_id, oldest.audience: oldest.person_id} == {
        "coordinator": coordinator, "mentor": mentor,
    }  # fmt: skip
    (second,) = database.list_messages(ORG, undelivered=False, before=newest.id, limit=_MOST)
    assert second == oldest
    assert (second.kind, second.mentor_count, second.state) == ("warning", 1, "pending")
    assert (second.reason, second.changed_at) == (None, None)
    assert second.created_at.tzinfo is UTC
    assert datetime.now(UTC) - second.due_at < timedelta(hours=1)
    assert len(database.list_messages(ORG, undelivered=False, before=None, limit=1)) == 1


def test_undelivered_messages_have_their_reason(database: Database, roster: Roster) -> None:
    """W7: a message that was written just now is not among them."""
    mentor = roster.add_mentor(TODAY + timedelta(days=20))
    roster.add_coordinator(mentors=[mentor])
    database.write_warnings(ORG, TODAY, _MOST)
    assert list_messages(database, undelivered=True) == []
    add_bounced_digest(roster, mentor)
    (found,) = list_messages(database, undelivered=True)
    assert (found.person_id, found.state, found.reason) == (mentor, "bounced", "General")
    assert found.changed_at is not None


def test_the_figures_are_counts(database: Database, roster: Roster) -> None:
    """W7: without any message every figure is 0."""
    assert database.get_message_figures(ORG) == _NOTHING
    mentor = roster.add_mentor(TODAY + timedelta(days=20))
    roster.add_coordinator(mentors=[mentor])
    database.write_warnings(ORG, TODAY, _MOST)
    roster.db.execute("update messages set expected_at = expected_at - interval '2 hours'")
    add_bounced_digest(roster, mentor)
    expected = {"undelivered_count": 1, "bounced_count": 1}
    assert database.get_message_figures(ORG) == _NOTHING.model_copy(update=expected)


def test_mentors_paused_without_a_warning_are_listed(database: Database, roster: Roster) -> None:
    """W7: in id order, in pages; a mentor who was warned in time is not among them."""
    request = RunRequest("certification_expiry", ORG, "manual", "t-1", "somebody")
    database.begin_execution(request, "running", as_of=TODAY)
    expiry = TODAY - timedelta(days=1)
    warned, *unwarned = sorted(roster.add_mentor(expiry) for _ in range(4))
    roster.db.execute(
        "insert into warnings (mentor_id, expires_on, stage, warned_on) values (%s, %s, 14, %s)",
        (warned, expiry, TODAY - timedelta(days=15)),
    )
    for mentor in (warned, *unwarned):
        pause(database, mentor, request.job_run_id)
    first = database.list_paused_unwarned(ORG, TODAY, None, 2)
    rest = database.list_paused_unwarned(ORG, TODAY, first[-1].mentor_id, 2)
    assert [row.mentor_id for row in (*first, *rest)] == unwarned
    assert database.list_paused_unwarned(uuid4(), TODAY, None, 2) == []
