"""Mentors without any certification (E1)."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from support.cluster import Cluster
from support.documents import walk
from support.monitor import Monitor
from support.night import Night
from support.roster import ORG, TOMORROW, YESTERDAY, Roster

FAR_OFF = datetime.now(UTC).date().replace(year=2099)


def refused(db: psycopg.Connection, mentor: UUID, status: str = "active") -> str | None:
    """Request a status outside any job; return the code and the hint of the refusal."""
    try:
        db.execute("select update_mentor_status(%s, %s, %s, 'back')", (mentor, ORG, status))
    except psycopg.Error as error:
        return f"{error.sqlstate} {error.diag.message_hint}"
    return None


@pytest.mark.parametrize("before", ["paused", "inactive"])
def test_nobody_becomes_active_without_a_valid_certification(roster: Roster, before: str) -> None:
    """E1: a service is refused for an expired or missing certification, but not for a valid one."""
    mentor = roster.add_mentor(YESTERDAY, status=before)
    assert refused(roster.db, mentor) == "PT409 certification_expired"
    roster.db.execute("delete from certifications")
    assert refused(roster.db, mentor) == "PT409 certification_missing"
    assert (roster.status(mentor), roster.history()) == (before, [])
    roster.certify(mentor, FAR_OFF)
    assert refused(roster.db, mentor) is None
    assert roster.status(mentor) == "active"


def test_a_mentor_whose_certification_was_deleted_after_the_pause_stays_paused(
    night: Night, roster: Roster, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """E1: neither the mentor nor a coordinator can resume them; no run would pause them again."""
    (mentor,) = roster.add_mentors(1)
    night.fire()
    night.work_off()
    roster.db.execute("delete from certifications")
    user = UUID(int=7)
    roster.db.execute("update peer_mentors set user_id = %s where id = %s", (user, mentor))
    coordinator = roster.add_coordinator(mentors=[mentor])
    for person in (user, coordinator):
        with psycopg.connect(cluster.url_as(roster.db, "authenticated", person)) as session:
            assert refused(session, mentor) == "PT409 certification_missing"
    assert roster.status(mentor) == "paused"
    assert Monitor(night, capsys)()["active_without_certification"] == 0


def test_active_mentors_without_a_certification_are_counted_and_left_alone(
    night: Night, roster: Roster, capsys: pytest.CaptureFixture[str]
) -> None:
    """E1: an insert may create such mentors. The metric and the answer have their number."""
    mentors = [roster.add_mentor(YESTERDAY) for _ in range(3)]
    roster.db.execute("delete from certifications where mentor_id <> %s", (mentors[0],))
    roster.add_mentor(TOMORROW)
    monitor = Monitor(night, capsys)
    assert monitor()["active_without_certification"] == 2
    assert monitor.emitted()["ActiveWithoutCertification"] == [2]
    night.fire()
    night.work_off()
    assert [roster.status(mentor) for mentor in mentors] == ["paused", "active", "active"]
    assert monitor()["stale_active_mentors"] == 0
    assert refused(roster.db, mentors[1], "paused") is None
    assert monitor()["active_without_certification"] == 1


def test_the_statement_of_the_decision_lets_the_next_night_pause_them(
    roster: Roster,
) -> None:
    """The statement is typed from decision 33. Certified mentors keep their days."""
    (statement,) = walk("uncertified")
    uncertified = roster.add_mentor(YESTERDAY)
    roster.db.execute("delete from certifications")
    certified = roster.add_mentor(FAR_OFF)
    roster.db.execute(statement.text.encode())
    roster.rows("select * from run_certification_expiry(%s)", ORG)
    assert [roster.status(mentor) for mentor in (uncertified, certified)] == ["paused", "active"]
