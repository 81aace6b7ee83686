"""People change a mentor's status: the history, the refusals and the limits (S3)."""

from contextlib import closing
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.errors import (
    Conflict,
    DatabaseError,
    DatabaseMisconfigured,
    Forbidden,
    VersionConflict,
)
from support.cluster import Cluster
from support.people import FAR_OFF, People
from support.roster import ORG, TODAY, YESTERDAY, Roster

RESERVED = "only the job uses certification_expired, pause_withdrawn, p_job_run_id and p_as_of"


@pytest.fixture
def people(roster: Roster, cluster: Cluster) -> People:
    """One mentor, and every person who may change this mentor."""
    return People(roster, cluster)


@pytest.mark.parametrize(
    ("caller", "role"),
    [("mentor", "mentor"), ("by_assignment", "coordinator"), ("by_chapter", "coordinator")],
)
def test_the_history_names_the_person_and_their_capacity(
    people: People, caller: str, role: str
) -> None:
    """S3: people and jobs use the same function and the same history."""
    with people.client_of(caller) as client:
        client.change_status(people.mentor_id, ORG, "paused", "on_leave")
        client.change_status(people.mentor_id, ORG, "active", "back_again")
    for row, reason in zip(people.roster.history(), ("on_leave", "back_again"), strict=True):
        assert (row["changed_by"], row["changed_by_role"]) == (people.users[caller], role)
        assert (row["reason"], row["job_run_id"]) == (reason, None)


def test_a_mentor_who_is_also_a_coordinator_acts_as_the_mentor(people: People) -> None:
    """S3."""
    people.roster.db.execute(
        "insert into assignments (mentor_id, coordinator_id) values (%s, %s)",
        (people.mentor_id, people.users["mentor"]),
    )
    with people.client_of("mentor") as client:
        client.change_status(people.mentor_id, ORG, "paused", "on_leave")
    assert people.roster.history()[0]["changed_by_role"] == "mentor"


def test_the_history_distinguishes_jobs_and_services(people: People) -> None:
    """S3: neither is a person."""
    people.expire()
    with people.client_of("job") as client:
        client.pause_expired(people.mentor_id, ORG, uuid4(), TODAY)
    with people.client_of("service") as client:
        client.change_status(people.mentor_id, ORG, "inactive", "moved_away")
    rows = people.roster.history()
    assert [(r["changed_by_role"], r["changed_by"]) for r in rows] == [
        ("job", None), ("service", None),
    ]  # fmt: skip


def test_a_token_without_a_subject_has_no_rights(people: People, cluster: Cluster) -> None:
    """S3: it names no user."""
    url = cluster.url_as(people.roster.db, "authenticated").replace('"sub":"None",', "")
    database = Database(PooledTransport(url))
    with pytest.raises(Forbidden):
        database.change_status(people.mentor_id, ORG, "paused", "on_leave")
    database.close()


def test_each_refusal_has_a_hint_of_its_own(people: People) -> None:
    """S1, S3: not your mentor, wrong state, overtaken by another change, expired."""
    with people.client_of("mentor") as mentor, people.client_of("stranger") as stranger:
        refusals = [
            refused(stranger, people.mentor_id, "paused"),
            refused(mentor, people.mentor_id, "active"),
            refused(mentor, people.mentor_id, "paused", version=3),
            refused(mentor, people.mentor_id, "inactive"),
            refused(mentor, people.mentor_id, "paused", reason="certification_expired"),
            refused(mentor, people.mentor_id, "active", reason="pause_withdrawn"),
        ]
        people.expire()
        mentor.change_status(people.mentor_id, ORG, "paused", "on_leave")
        refusals.append(refused(mentor, people.mentor_id, "active"))
    assert [(type(e), e.hint, e.detail) for e in refusals] == [
        (Forbidden, "not_yours", "the caller is neither this mentor nor their coordinator"),
        (Conflict, "transition_not_allowed", "expected paused, actual active"),
        (VersionConflict, "version_conflict", "expected version 3, actual 1"),
        (Forbidden, "not_for_people", "p_status must be active or paused"),
        (Forbidden, "reserved_for_the_job", RESERVED),
        (Forbidden, "reserved_for_the_job", RESERVED),
        (Conflict, "certification_expired", "it must be renewed before the mentor is active"),
    ]


def refused(
    client: Database,
    mentor: UUID,
    status: str,
    *,
    reason: str = "on_leave",
    version: int | None = None,
) -> Forbidden | Conflict:
    """Return the refusal of a change."""
    with pytest.raises((Forbidden, Conflict)) as raised:
        client.change_status(mentor, ORG, status, reason, version)  # type: ignore[arg-type]
    return raised.value


def toggle(client: Database, mentor: UUID, times: int) -> None:
    """Pause and resume in turn, beginning with a pause."""
    for i in range(times):
        client.change_status(mentor, ORG, "active" if i % 2 else "paused", "on_leave")


def test_a_person_may_change_a_mentor_twenty_times_an_hour(people: People) -> None:
    """R5: the history only grows. The refusal has its own code, hint and sentence."""
    with people.client_of("mentor") as client:
        toggle(client, people.mentor_id, 20)
        with pytest.raises(DatabaseError) as raised:
            client.change_status(people.mentor_id, ORG, "paused", "on_leave")
    assert (raised.value.sqlstate, raised.value.hint) == ("PT429", "too_many_changes")
    assert str(raised.value.detail).startswith("you have changed this mentor 20 times")
    assert len(people.roster.history()) == 20


def test_the_limit_counts_each_person_separately(people: People) -> None:
    """R5: a mentor's own changes do not stop a coordinator or the job from pausing them."""
    with people.client_of("mentor") as client:
        toggle(client, people.mentor_id, 20)
    with people.client_of("by_chapter") as coordinator, people.client_of("service") as service:
        toggle(coordinator, people.mentor_id, 20)
        toggle(service, people.mentor_id, 40)
    people.expire()
    with people.client_of("job") as job:
        assert job.pause_expired(people.mentor_id, ORG, uuid4(), TODAY).outcome == "changed"


def test_after_an_hour_a_person_may_change_again(people: People) -> None:
    """R5: older changes do not count."""
    people.roster.db.execute(
        "insert into peer_mentor_status_history (mentor_id, org_id, previous_status, new_status,"
        " reason, changed_at, changed_by, changed_by_role) select %s, %s, 'active', 'paused',"
        " 'on_leave', now() - interval '61 minutes', %s, 'mentor' from generate_series(1, 30)",
        (people.mentor_id, ORG, people.users["mentor"]),
    )
    with people.client_of("mentor") as client:
        toggle(client, people.mentor_id, 1)


@pytest.mark.parametrize(
    ("caller", "loss"),
    [
        ("by_chapter", "update peer_mentors set chapter_id = null"),
        ("by_assignment", "update assignments set ended_at = clock_timestamp()"),
        ("by_assignment", "delete from org_members"),
    ],
)
def test_a_coordinator_who_loses_the_mentor_while_waiting_changes_nothing(
    people: People, roster: Roster, caller: str, loss: LiteralString
) -> None:
    """S1, S3: the function decides under the row lock."""
    with people.client_of(caller) as client:
        with roster.db.transaction():
            roster.db.execute("select from peer_mentors for update")
            waiting = people.in_background(lambda: refused(client, people.mentor_id, "paused"))
            people.wait_for_a_lock()
            roster.db.execute(loss)
        assert waiting.result().hint == "not_yours"
    assert roster.history() == []


def test_a_stranger_neither_waits_for_a_row_nor_locks_it(people: People, roster: Roster) -> None:
    """S4: the time of the answer reveals nothing."""
    with roster.db.transaction(), people.client_of("stranger") as client:
        roster.db.execute("select from peer_mentors where id = %s for update", (people.mentor_id,))
        assert refused(client, people.mentor_id, "paused").hint == "not_yours"
        assert refused(client, uuid4(), "paused").hint == "not_yours"


@pytest.mark.parametrize("role", ["mentor_pause_job", "portal_sync", "authenticated"])
def test_a_new_role_has_no_rights_by_itself(people: People, cluster: Cluster, role: str) -> None:
    """D9: the functions treat an unknown role as a person, whatever rights it inherits."""
    db = people.roster.db
    db.execute(sql.SQL("create role added_later in role {} inherit").format(sql.Identifier(role)))
    try:
        transport = PooledTransport(cluster.url_as(db, "added_later", people.users["stranger"]))
        with closing(transport), pytest.raises((Forbidden, DatabaseMisconfigured)) as raised:
            Database(transport).change_status(people.mentor_id, ORG, "paused", "on_leave")
        assert raised.value.sqlstate in ("PT403", "42501")
    finally:
        db.execute("drop role added_later")


def test_a_coordinators_mentors_come_in_pages_in_id_order(people: People, roster: Roster) -> None:
    """S7: keyset pages. Each mentor has the latest certification."""
    mentors = sorted([people.mentor_id, *roster.add_mentors(6)])
    for mentor in mentors:
        roster.certify(mentor, YESTERDAY)
    coordinator = people.users["by_chapter"]
    page = "select * from coordinator_mentor_statuses(%s, %s, 3)"
    with psycopg.Connection[DictRow].connect(
        people.url("by_chapter"), autocommit=True, row_factory=dict_row
    ) as connection:
        found: list[DictRow] = []
        for size in (3, 3, 1, 0):
            last = found[-1]["mentor_id"] if found else None
            rows = connection.execute(page, (coordinator, last)).fetchall()
            assert len(rows) == size
            found += rows
        whole = connection.execute(
            "select * from coordinator_mentor_statuses(%s)", (coordinator,)
        ).fetchall()
    assert [row["mentor_id"] for row in found] == mentors
    assert found == whole
    latest = {row["mentor_id"]: row["certification_expiry_date"] for row in found}
    assert latest == dict.fromkeys(mentors, YESTERDAY) | {people.mentor_id: FAR_OFF}
    with people.client_of("by_chapter") as client:
        seen = client.get_mentor_status(people.mentor_id, ORG)
    assert (seen.status, seen.certification_expiry_date) == ("active", FAR_OFF)


def test_one_mentors_history_and_certifications_come_newest_first(
    people: People, roster: Roster
) -> None:
    """S7: the history comes in pages."""
    with people.client_of("by_chapter") as client:
        for status in ("paused", "active", "paused", "active", "paused"):
            client.change_status(people.mentor_id, ORG, status, "on_leave")
    roster.certify(people.mentor_id, YESTERDAY)
    arguments = (people.users["by_chapter"], people.mentor_id)
    with psycopg.connect(people.url("by_chapter"), autocommit=True) as connection:
        history = "select id from coordinator_mentor_history(%s, %s, %s, 2)"
        first = connection.execute(history, (*arguments, None)).fetchall()
        second = connection.execute(history, (*arguments, first[-1][0])).fetchall()
        third = connection.execute(history, (*arguments, second[-1][0])).fetchall()
        dates = connection.execute(
            "select expires_on from coordinator_mentor_certifications(%s, %s)", arguments
        ).fetchall()
    written = [row["id"] for row in roster.history()]
    assert [row[0] for row in (*first, *second, *third)] == written[::-1]
    assert (len(first), len(second), len(third)) == (2, 2, 1)
    assert dates == [(FAR_OFF,), (YESTERDAY,)]
