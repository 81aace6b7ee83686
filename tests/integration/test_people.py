"""People change a status (S3): what the history says of them, and what they are told."""

from uuid import UUID, uuid4

import pytest

from mentor_pause.errors import Conflict, Forbidden, VersionConflict
from mentor_pause.supabase import Database
from mentor_pause.supabase.pooled import PooledWire
from support.cluster import Cluster
from support.people import FAR_OFF, People
from support.roster import ORG, YESTERDAY, Roster


@pytest.fixture
def people(roster: Roster, cluster: Cluster) -> People:
    """One mentor, and everybody who may change them."""
    return People(roster, cluster)


@pytest.mark.parametrize(
    ("caller", "role"),
    [("mentor", "mentor"), ("by_assignment", "coordinator"), ("by_chapter", "coordinator")],
)
def test_the_history_says_who_and_in_what_capacity(people: People, caller: str, role: str) -> None:
    """S3: the same function, the same history."""
    with people.door(caller) as door:
        door.change_status(people.mentor_id, ORG, "paused", "on_leave")
        door.change_status(people.mentor_id, ORG, "active", "back_again")
    for row, reason in zip(people.roster.history(), ("on_leave", "back_again"), strict=True):
        assert (row["changed_by"], row["changed_by_role"]) == (people.users[caller], role)
        assert (row["reason"], row["job_run_id"]) == (reason, None)


def test_who_is_both_the_mentor_and_a_coordinator_acts_as_the_mentor(people: People) -> None:
    """S3."""
    people.roster.db.execute(
        "insert into assignments (mentor_id, coordinator_id) values (%s, %s)",
        (people.mentor_id, people.users["mentor"]),
    )
    with people.door("mentor") as door:
        door.change_status(people.mentor_id, ORG, "paused", "on_leave")
    assert people.roster.history()[0]["changed_by_role"] == "mentor"


def test_jobs_and_services_are_told_apart(people: People) -> None:
    """S3: neither is a person."""
    with people.door("job") as door:
        door.pause_expired(people.mentor_id, ORG, uuid4(), FAR_OFF)
    with people.door("service") as door:
        door.change_status(people.mentor_id, ORG, "inactive", "moved_away")
    rows = people.roster.history()
    assert [(r["changed_by_role"], r["changed_by"]) for r in rows] == [
        ("job", None), ("service", None),
    ]  # fmt: skip


def test_a_signed_in_caller_without_a_user_is_nobody(people: People, cluster: Cluster) -> None:
    """A token without a subject opens nothing."""
    url = cluster.url_as(people.roster.db, "authenticated").replace('"sub":"None",', "")
    database = Database(PooledWire(url))
    with pytest.raises(Forbidden):
        database.change_status(people.mentor_id, ORG, "paused", "on_leave")
    database.close()


def test_each_refusal_has_a_hint_of_its_own(people: People) -> None:
    """S1, S3: not yours, not allowed from this state, somebody was faster, expired."""
    with people.door("mentor") as mentor, people.door("stranger") as stranger:
        refusals = [
            refused(stranger, people.mentor_id, "paused"),
            refused(mentor, people.mentor_id, "active"),
            refused(mentor, people.mentor_id, "paused", version=3),
            refused(mentor, people.mentor_id, "inactive"),
            refused(mentor, people.mentor_id, "paused", reason="certification_expired"),
        ]
        people.roster.db.execute("update certifications set expires_on = %s", (YESTERDAY,))
        mentor.change_status(people.mentor_id, ORG, "paused", "on_leave")
        refusals.append(refused(mentor, people.mentor_id, "active"))
    assert [(type(e), e.hint, e.detail) for e in refusals] == [
        (Forbidden, "not_yours", "the caller is neither this mentor nor their coordinator"),
        (Conflict, "transition_not_allowed", "expected paused, actual active"),
        (VersionConflict, "version_conflict", "expected version 3, actual 1"),
        (Forbidden, "not_for_people", "p_status is active or paused"),
        (
            Forbidden,
            "reserved_for_the_job",
            "a person gives neither certification_expired nor p_job_run_id nor p_as_of",
        ),
        (Conflict, "certification_expired", "it must be renewed before the mentor is active"),
    ]


def refused(
    door: Database,
    mentor: UUID,
    status: str,
    *,
    reason: str = "on_leave",
    version: int | None = None,
) -> Forbidden | Conflict:
    """Return the refusal of a change."""
    with pytest.raises((Forbidden, Conflict)) as raised:
        door.change_status(mentor, ORG, status, reason, version)  # type: ignore[arg-type]
    return raised.value


def test_a_mentor_who_leaves_the_chapter_while_a_coordinator_waits_is_not_theirs_any_more(
    people: People, roster: Roster
) -> None:
    """S1, S3: decided under the row lock."""
    elsewhere = roster.add_chapter()
    with people.door("by_chapter") as door:
        with roster.db.transaction():
            roster.db.execute(
                "update peer_mentors set chapter_id = %s where id = %s",
                (elsewhere, people.mentor_id),
            )
            waiting = people.in_background(lambda: refused(door, people.mentor_id, "paused"))
            people.wait_for_a_lock()
        assert waiting.result().hint == "not_yours"
    assert roster.history() == []


def test_a_stranger_neither_waits_for_a_row_nor_locks_it(people: People, roster: Roster) -> None:
    """S4: the time an answer takes tells nothing either."""
    with roster.db.transaction(), people.door("stranger") as door:
        roster.db.execute("select from peer_mentors where id = %s for update", (people.mentor_id,))
        assert refused(door, people.mentor_id, "paused").hint == "not_yours"
        assert refused(door, uuid4(), "paused").hint == "not_yours"
