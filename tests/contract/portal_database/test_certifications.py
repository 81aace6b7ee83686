"""The portal's certifications and renewals in the database, over both transports (H1, E7)."""

import threading
from collections import Counter
from contextlib import closing
from datetime import date, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.domain.runs import RunRequest
from mentor_pause.domain.summary import Totals
from mentor_pause.portal import Certification
from support.cluster import Cluster
from support.portal_client import EARLIER, FUTURE, LATER, OTHER, PAST, RUN, record
from support.roster import ORG, TODAY, YESTERDAY, Roster
from support.sync import expiries


def test_a_renewal_is_stored_once_and_pauses_or_resumes_nobody(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: it is recorded; the coordinators decide."""
    mentor = roster.add_mentor(YESTERDAY, status="paused")
    assert record(database, mentor, FUTURE) == "recorded"
    assert record(database, mentor, FUTURE) == "in line"
    assert (database.finish_reading(ORG, RUN), database.finish_reading(ORG, RUN)) == (1, 0)
    assert expiries(roster, mentor) == [YESTERDAY, FUTURE]
    assert (roster.status(mentor), roster.history()) == ("paused", [])


def test_a_mentor_is_found_by_the_portals_key_or_by_the_id(
    database: PortalDatabase, roster: Roster
) -> None:
    """A mentor with a key of their own is not found by the id."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.db.execute("update peer_mentors set portal_key = %s", ("O'Brien",))
    assert record(database, mentor, FUTURE) == "in line"
    assert record(database, "O'Brien", FUTURE) == "recorded"
    assert record(database, "o'bRIEN", FUTURE) == "in line"


@pytest.mark.parametrize("moment", [EARLIER - timedelta(days=1), EARLIER, LATER])
def test_the_portals_present_value_counts_whatever_its_modifiedon(
    database: PortalDatabase, roster: Roster, moment: datetime
) -> None:
    """H1: a row may change twice in a second, and get an older moment when HLF restores a copy."""
    mentor = roster.add_mentor(YESTERDAY)
    record(database, mentor, FUTURE)
    assert record(database, mentor, date(2099, 1, 1), moment) == "recorded"
    assert expiries(roster, mentor) == [YESTERDAY, date(2099, 1, 1)]


def test_a_certification_follows_its_row_to_another_mentor_and_away_from_us(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: two mentors had each other's key; a row of a person who is not ours is not stored."""
    one, other = roster.add_mentor(YESTERDAY), roster.add_mentor(YESTERDAY)
    record(database, one, FUTURE)
    assert record(database, other, FUTURE) == "recorded"
    assert (expiries(roster, one), expiries(roster, other)) == ([YESTERDAY], [YESTERDAY, FUTURE])
    assert record(database, "somebody", FUTURE) == "removed"
    assert record(database, "somebody", FUTURE) == "in line"
    assert expiries(roster, other) == [YESTERDAY]


@pytest.mark.parametrize(
    ("before", "day", "renewed"),
    [
        (None, PAST, 0),
        (None, "today", 0),
        (None, "tomorrow", 1),
        (PAST, "today", 0),
        (PAST, "tomorrow", 1),
        (FUTURE, "tomorrow", 0),
        (FUTURE, date(2200, 1, 1), 1),
    ],
)
def test_renewed_means_valid_after_today_and_longer_than_before(
    database: PortalDatabase, roster: Roster, before: date | None, day: date | str, renewed: int
) -> None:
    """H1: a certification that ended in 2019 or ends today does not renew the mentor."""
    (row,) = roster.rows("select (now() at time zone 'Europe/Oslo')::date as today")
    named = {"today": row["today"], "tomorrow": row["today"] + timedelta(days=1)}
    mentor = roster.add_mentor()
    roster.db.execute("delete from certifications")
    if before:
        roster.certify(mentor, before)
    record(database, mentor, named[day] if isinstance(day, str) else day)
    assert database.finish_reading(ORG, RUN) == renewed


def test_renewals_are_decided_when_the_reading_is_over(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: two mentors exchange certifications; only the one who gains time is renewed."""
    one, other = roster.add_mentor(PAST), roster.add_mentor(PAST)
    record(database, one, date(2101, 1, 1), row="long")
    record(database, other, FUTURE, row="short")
    assert database.finish_reading(ORG, RUN) == 2
    later = uuid4()
    record(database, other, date(2101, 1, 1), row="long", run=later)
    record(database, one, FUTURE, row="short", run=later)
    assert database.finish_reading(ORG, later) == 1
    rows = roster.rows("select mentor_id from certifications where job_run_id = %s", later)
    assert [row["mentor_id"] for row in rows] == [other]


def test_a_reading_that_no_worker_finished_is_finished_with_the_next_one(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: if the worker dies, each renewal is still reported, and only once."""
    mentor = roster.add_mentor(PAST)
    record(database, mentor, FUTURE)
    later = uuid4()
    record(database, mentor, FUTURE, run=later)
    assert (database.finish_reading(ORG, later), database.finish_reading(ORG, RUN)) == (1, 0)


def test_a_row_that_cannot_be_stored_affects_no_other_row(
    database: PortalDatabase, roster: Roster
) -> None:
    """R3: the answer names this row with its SQLSTATE."""
    mentors = roster.add_mentors(3)
    roster.fail_for(mentors[1], "insert on certifications", "new.mentor_id")
    rows = [Certification(f"c-{m}", str(m), FUTURE, LATER) for m in mentors]
    found = {m.portal_id: m for m in database.mirror(ORG, RUN, rows)}
    assert [found[f"c-{m}"].outcome for m in mentors] == ["recorded", "failed P0001", "recorded"]
    assert found[f"c-{mentors[1]}"].sqlstate == "P0001"


def test_a_certification_of_another_organisation_stays_there(
    database: PortalDatabase, roster: Roster
) -> None:
    """R5: even if a row of the portal has the same id."""
    mentor, stranger = roster.add_mentor(YESTERDAY), roster.add_mentor(YESTERDAY)
    record(database, stranger, FUTURE)
    roster.db.execute("insert into organisations (id, slug) values (%s, 'another')", (OTHER,))
    roster.db.execute("update peer_mentors set org_id = %s where id = %s", (OTHER, stranger))
    assert record(database, mentor, date(2101, 1, 1)) == "failed PT409"
    assert record(database, "somebody", date(2100, 1, 1)) == "in line"
    assert database.remove(ORG, uuid4(), "c-1") is False
    assert expiries(roster, stranger) == [YESTERDAY, FUTURE]


def test_certifications_that_a_reading_has_not_seen_are_listed_and_can_be_removed(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: rows that it saw, readable or not, stay, and so do rows that are not the portal's."""
    mentor = roster.add_mentor(YESTERDAY)
    later = uuid4()
    rows = [Certification(f"c-{n:03}", str(mentor), FUTURE, EARLIER) for n in range(499)]
    database.mirror(ORG, RUN, rows)
    assert [c.portal_id for c in database.list_certifications(ORG)] == [c.id for c in rows]
    assert list(database.list_certifications(ORG, unseen_by=RUN)) == []
    database.mirror(ORG, later, rows[2:], ["c-001"])
    (unseen,) = database.list_certifications(ORG, unseen_by=later)
    assert (unseen.portal_id, unseen.portal_key, unseen.expires_on) == (
        "c-000",
        str(mentor),
        FUTURE,
    )
    assert [database.remove(ORG, later, i) for i in ("c-000", "c-000", "c-001")] == [
        True, False, False,
    ]  # fmt: skip
    assert len(expiries(roster, mentor)) == 1 + 498
    assert list(database.list_certifications(uuid4())) == []


def test_a_locked_mentor_delays_few_rows(
    database: PortalDatabase, roster: Roster, cluster: Cluster
) -> None:
    """R1: the call waits three seconds in all, stores the other rows, and names the locked ones."""
    mentors = roster.add_mentors(20)
    rows = [Certification(f"c-{m}", str(m), FUTURE, EARLIER) for m in mentors]
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as other:
        other.execute("select from peer_mentors where id = any(%s) for update", (mentors[:8],))
        found = Counter(m.outcome for m in database.mirror(ORG, RUN, rows))
    assert found == {"recorded": 12, "failed 55P03": 8}


def test_a_locked_certification_affects_no_other_one(
    database: PortalDatabase, roster: Roster, cluster: Cluster
) -> None:
    """R1, R3: it counts as not seen, so the worker later asks the portal for it by id."""
    mentors = roster.add_mentors(3)
    rows = [Certification(f"c-{m}", str(m), FUTURE, EARLIER) for m in mentors]
    database.mirror(ORG, RUN, rows)
    later = uuid4()
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as other:
        other.execute("select from certifications where portal_id = %s for update", (rows[1].id,))
        assert database.mirror(ORG, later, rows) == []
    unseen = [c.portal_id for c in database.list_certifications(ORG, unseen_by=later)]
    assert unseen == [rows[1].id]


def test_renewals_of_a_run_that_has_ended_are_reported_by_the_next_one(
    database: PortalDatabase, roster: Roster, cluster: Cluster
) -> None:
    """H1: a worker finishes late, and an ended run writes no notifications any more."""
    mentor = roster.add_mentor(PAST)
    attempt = RunRequest("hlf_sync", ORG, "event", "t-1", "an event")
    with closing(PooledTransport(cluster.url(roster.db))) as job:
        Database(job).begin_execution(attempt, "running", as_of=TODAY)
        record(database, mentor, FUTURE, run=attempt.job_run_id)
        Database(job).finish_execution(Totals(attempt.job_run_id, "synced"), "completed", None)
    assert database.finish_reading(ORG, attempt.job_run_id) == 0
    assert database.finish_reading(ORG, uuid4()) == 1


def test_two_workers_with_the_same_renewal_renew_once(roster: Roster, cluster: Cluster) -> None:
    """The call is idempotent under concurrency, too."""
    mentor = roster.add_mentor(YESTERDAY)
    outcomes: list[str] = []
    line = threading.Barrier(6)

    def store() -> None:
        with closing(PooledTransport(cluster.url(roster.db, "portal_sync"))) as transport:
            line.wait()
            outcomes.append(record(PortalDatabase(transport), mentor, FUTURE))

    threads = [threading.Thread(target=store) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert expiries(roster, mentor) == [YESTERDAY, FUTURE]
    assert outcomes.count("recorded") >= 1


def test_a_runs_renewals_are_counted_by_mentor(
    database: PortalDatabase, roster: Roster, cluster: Cluster
) -> None:
    """E7: the database counts them."""
    mentor = roster.add_mentor(YESTERDAY)
    record(database, mentor, FUTURE)
    record(database, mentor, date(2102, 1, 1), row="c-2")
    record(database, mentor, date(2101, 1, 1), row="c-3")
    database.finish_reading(ORG, RUN)
    with closing(PooledTransport(cluster.url(roster.db, "portal_sync"))) as transport:
        assert Database(transport).count_run_renewals(RUN) == 1
        assert Database(transport).count_run_renewals(uuid4()) == 0


def test_coordinators_are_notified_of_renewals_once(roster: Roster, cluster: Cluster) -> None:
    """H1: by the sync's own role, and only the coordinators of the renewed mentors."""
    mentor, other = roster.add_mentor(YESTERDAY), roster.add_mentor(YESTERDAY)
    coordinator = roster.add_coordinator(mentors=[mentor])
    roster.add_coordinator(mentors=[other])
    with closing(PooledTransport(cluster.url(roster.db, "portal_sync"))) as transport:
        record(PortalDatabase(transport), mentor, FUTURE)
        PortalDatabase(transport).finish_reading(ORG, RUN)
        for _ in range(2):
            assert transport.call("notify_coordinators", {"p_job_run_id": RUN}) == [
                {"notify_coordinators": 1}
            ]
    (row,) = roster.rows("select * from coordinator_notifications")
    assert (row["coordinator_id"], row["kind"], row["mentor_ids"]) == (
        coordinator, "renewed", [mentor],
    )  # fmt: skip
