"""Two organisations send their messages without each other (R5, S4)."""

from uuid import UUID, uuid4

import psycopg
import pytest

from support.brake import Brake
from support.cluster import Cluster
from support.outbox import Outbox, Row
from support.roster import ORG, Roster


class Pair(Outbox):
    """The outbox of the roster's organisation, and another organisation with messages."""

    def __init__(self, roster: Roster) -> None:
        """Add the other organisation, with a paused and a warned mentor; their messages wait."""
        super().__init__(roster)
        self.other = roster.add_organisation()
        roster.db.execute(
            "update organisations set time_zone = (select time_zone from"
            " organisations where slug = 'hlf')"
        )
        paused, self.theirs = self.add_mentor(), self.add_mentor(6)
        roster.db.execute("update peer_mentors set org_id = %s, chapter_id = null", (self.other,))
        roster.db.execute(
            "update certifications set expires_on = %s where mentor_id = %s", (self.today, paused)
        )
        run = uuid4()
        roster.db.execute(
            "select update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)",
            (paused, self.other, run, self.today),
        )
        roster.db.execute("select notify_coordinators(%s)", (run,))
        roster.db.execute("select write_warnings(%s, %s)", (self.other, self.today))
        self.pass_time(hours=1)

    def begin_theirs(self, digest: UUID) -> Row:
        """Begin a digest of the other organisation."""
        (row,) = self.roster.rows("select * from begin_digest(%s, %s)", self.other, digest)
        return row

    def everything_of_theirs(self) -> list[Row]:
        """Return the other organisation's messages and digests."""
        query = "select to_jsonb(x) as row from {} as x where org_id = %s order by id"
        return [
            row["row"]
            for table in ("messages", "digests")
            for row in self.roster.rows(query.format(table), self.other)
        ]


@pytest.fixture
def pair(roster: Roster) -> Pair:
    """Both."""
    return Pair(roster)


def test_a_notifier_sends_the_messages_of_its_organisation_alone(pair: Pair) -> None:
    """R5: also if older ones of another organisation wait."""
    assert pair.roster.rows("select * from begin_digest(%s, %s)", ORG, uuid4()) == []
    before = pair.everything_of_theirs()
    warned, paused = pair.add_mentor(), pair.add_mentor()
    pair.warn()
    pair.pause(paused)
    assert {row["email"] for row in pair.send_all()} == {
        f"{mentor}@example.no" for mentor in (warned, paused)
    }
    assert pair.roster.rows("select * from begin_digest(%s, %s)", ORG, uuid4()) == []
    assert pair.everything_of_theirs() == before


def test_a_digest_cannot_be_named_by_another_organisation(pair: Pair) -> None:
    """R5: its content stays hidden, and its state stays as it is."""
    digest = uuid4()
    assert pair.begin_theirs(digest)["email"] is not None
    pair.add_mentor()
    pair.warn()
    before = pair.everything_of_theirs()
    for row in pair.roster.rows("select * from begin_digest(%s, %s)", ORG, digest):
        assert row["email"] is None
    assert not pair.record(digest, "sent")
    for result in ("sent", "refused", "unknown"):
        assert not pair.finish(digest, result)
    assert pair.everything_of_theirs() == before


def test_organisations_do_not_wait_for_each_other(pair: Pair, cluster: Cluster) -> None:
    """R5: each has a notifier of its own."""
    mentor = pair.add_mentor()
    pair.warn()
    pair.send_all("refused")
    pair.pass_time(hours=1)
    with psycopg.connect(cluster.server.url(pair.roster.db.info.dbname)) as elsewhere:
        elsewhere.execute("select from begin_digest(%s, %s)", (pair.other, uuid4()))
        assert [row["email"] for row in pair.send_all()] == [f"{mentor}@example.no"]


def test_old_messages_of_another_organisation_stay(pair: Pair) -> None:
    """R5: its own notifier puts them right."""
    pair.begin_theirs(uuid4())
    pair.pass_time(days=8)
    before = pair.everything_of_theirs()
    assert pair.settle() == (0, 0)
    assert pair.everything_of_theirs() == before


def test_a_contact_that_fails_here_postpones_nothing_there(pair: Pair) -> None:
    """R5: the person is a mentor in both organisations."""
    user = uuid4()
    pair.roster.db.execute("update messages set person_id = %s", (user,))
    pair.add_mentor(5, "bad@example.no", user=user)
    pair.warn()
    before = pair.everything_of_theirs()
    pair.roster.db.execute(
        "create function fail() returns trigger language plpgsql as"
        " $$ begin raise exception 'broken'; end $$"
    )
    pair.roster.db.execute(
        "create trigger fail before insert on digests for each row execute function fail()"
    )
    assert pair.begin() is None
    assert pair.everything_of_theirs() == before
    (own,) = pair.roster.rows(
        "select refusal, due_at > now() + interval '59 minutes' as is_later from messages"
        " where org_id = %s",
        ORG,
    )
    assert own == {"refusal": "SQLSTATE P0001", "is_later": True}


def test_a_member_of_another_organisation_is_told_nothing(pair: Pair) -> None:
    """S4: a coordinator who has gone to another organisation, and its administrators."""
    mentors = [pair.add_mentor(20, None), *pair.roster.add_mentors(12)]
    coordinator, admin = pair.add_coordinator(*mentors), pair.add_admin()
    pair.warn()
    pair.roster.db.execute("delete from member_contacts")
    pair.roster.db.execute("update org_members set org_id = %s", (pair.other,))
    brake = Brake(pair.roster)
    brake.set("hold")
    run = brake.begin(day=pair.today)
    assert brake.plan(run)["held_count"] == 12
    pair.roster.db.execute("select notify_coordinators(%s)", (run,))
    assert pair.send_all() == []
    assert pair.states(coordinator) == ["outdated"]
    assert pair.messages(admin) == []
