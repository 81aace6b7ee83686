"""People change a status (S3): what the history says of them, and what they are told."""

from contextlib import closing
from typing import LiteralString
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from mentor_pause.errors import Conflict, DatabaseError, Forbidden, VersionConflict
from mentor_pause.supabase import Database
from mentor_pause.supabase.pooled import PooledWire
from support.cluster import Cluster
from support.people import People
from support.roster import ORG, TODAY, Roster


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
    people.expire()
    with people.door("job") as door:
        door.pause_expired(people.mentor_id, ORG, uuid4(), TODAY)
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
        people.expire()
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
            "certification_expired, p_job_run_id and p_as_of are the job's",
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


@pytest.mark.parametrize(
    ("caller", "loss"),
    [
        ("by_chapter", "update peer_mentors set chapter_id = null"),
        ("by_assignment", "update assignments set ended_at = clock_timestamp()"),
        ("by_assignment", "delete from org_members"),
    ],
)
def test_who_loses_a_mentor_while_they_wait_for_the_row_changes_nothing(
    people: People, roster: Roster, caller: str, loss: LiteralString
) -> None:
    """S1, S3: decided under the row lock."""
    with people.door(caller) as door:
        with roster.db.transaction():
            roster.db.execute("select from peer_mentors for update")
            waiting = people.in_background(lambda: refused(door, people.mentor_id, "paused"))
            people.wait_for_a_lock()
            roster.db.execute(loss)
        assert waiting.result().hint == "not_yours"
    assert roster.history() == []


def test_a_stranger_neither_waits_for_a_row_nor_locks_it(people: People, roster: Roster) -> None:
    """S4: the time an answer takes tells nothing either."""
    with roster.db.transaction(), people.door("stranger") as door:
        roster.db.execute("select from peer_mentors where id = %s for update", (people.mentor_id,))
        assert refused(door, people.mentor_id, "paused").hint == "not_yours"
        assert refused(door, uuid4(), "paused").hint == "not_yours"


@pytest.mark.parametrize("role", ["mentor_pause_job", "portal_sync", "authenticated"])
def test_a_role_that_is_added_later_opens_nothing_by_itself(
    people: People, cluster: Cluster, role: str
) -> None:
    """D9: who is not named is a person, also with the rights of a job."""
    db = people.roster.db
    db.execute(sql.SQL("create role added_later in role {} inherit").format(sql.Identifier(role)))
    try:
        wire = PooledWire(cluster.url_as(db, "added_later", people.users["stranger"]))
        with closing(wire), pytest.raises(DatabaseError) as raised:
            Database(wire).change_status(people.mentor_id, ORG, "paused", "on_leave")
        assert raised.value.sqlstate in ("PT403", "42501")
    finally:
        db.execute("drop role added_later")
