"""The portal sync's database functions, over both transports (H1, D9)."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.rest import RestTransport
from mentor_pause.domain.runs import RunRequest
from mentor_pause.domain.summary import Summary
from mentor_pause.portal import Certification
from support.cluster import Cluster
from support.postgrest import SECRET_KEY, postgrest
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

EARLIER, LATER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
PAST, FUTURE = date(2019, 1, 1), date(2100, 1, 1)
RUN, OTHER = uuid4(), uuid4()


def pause_by_hand(roster: Roster, mentor: UUID) -> None:
    """Pause a mentor as a service does."""
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'on_leave')", (mentor, ORG)
    )


@pytest.fixture(params=["pooled", "rest"])
def database(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[PortalDatabase]:
    """Yield the client: over the pooler with the role portal_sync, and over REST."""
    with postgrest(cluster.server.url(str(roster.db.info.dbname))) as url:
        transport = (
            PooledTransport(cluster.url(roster.db, "portal_sync"))
            if request.param == "pooled"
            else RestTransport(url, SECRET_KEY)
        )
        with closing(transport):
            yield PortalDatabase(transport)


def record(
    database: PortalDatabase,
    key: object,
    day: date,
    moment: datetime = EARLIER,
    run: UUID = RUN,
    row: str = "c-1",
) -> str:
    """Mirror one certification of the portal, and return its outcome."""
    found = database.mirror(ORG, run, [Certification(row, str(key), day, moment)])
    return found[0].outcome if found else "in line"


def mark(
    database: PortalDatabase, mentor: UUID, version: int, run: UUID = RUN, org: UUID = ORG
) -> bool:
    """Note that a run has sent a mentor's version to the portal."""
    (state,) = database.list_states(ORG, [mentor])
    return database.mark_synced(org, state.model_copy(update={"version": version}), run)


def expiries(roster: Roster, mentor: UUID) -> list[date]:
    """Return a mentor's days of expiry."""
    rows = roster.rows("select expires_on from certifications where mentor_id = %s", mentor)
    return sorted(row["expires_on"] for row in rows)


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
        Database(job).finish_execution(Summary(attempt.job_run_id, "synced"), "completed", None)
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


def test_the_watermark_is_the_runs_own_and_moves_forward_only(database: PortalDatabase) -> None:
    """H1: the run's next invocation goes on from there; another run reads everything again."""
    assert database.begin_reading(ORG, RUN) is None
    for moment in (EARLIER, LATER, EARLIER):
        database.move_watermark(ORG, RUN, moment)
    assert database.begin_reading(ORG, RUN) == LATER
    later = uuid4()
    assert database.begin_reading(ORG, later) is None
    database.move_watermark(ORG, RUN, LATER)
    assert database.begin_reading(ORG, later) is None


def test_the_watermark_never_passes_now(database: PortalDatabase) -> None:
    """R3: a row may have a moment in the future."""
    database.begin_reading(ORG, RUN)
    database.move_watermark(ORG, RUN, datetime(2999, 1, 1, tzinfo=UTC))
    watermark = database.begin_reading(ORG, RUN)
    assert watermark is not None
    assert watermark <= datetime.now(UTC) + timedelta(minutes=1)


def test_a_state_has_status_reason_and_day(database: PortalDatabase, roster: Roster) -> None:
    """H1: in the organisation's time zone; mentors of other organisations are not listed."""
    roster.db.execute("update organisations set time_zone = 'Pacific/Kiritimati'")
    changed, entered = roster.add_mentor(YESTERDAY), roster.add_mentor(TOMORROW)
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'on_leave')", (changed, ORG)
    )
    (day,) = roster.rows("select (now() at time zone 'Pacific/Kiritimati')::date as d")
    found = {s.mentor_id: s for s in database.list_states(ORG, [changed, entered, uuid4()])}
    assert found.keys() == {changed, entered}
    state = found[changed]
    assert (state.status, state.reason, state.effective_on) == ("paused", "on_leave", day["d"])
    assert (state.portal_key, state.version, state.is_synced) == (str(changed), 2, False)
    assert found[entered].reason == "entered"
    assert database.list_states(uuid4(), [changed]) == []


def test_the_version_in_the_portal_is_recorded_and_never_lowered(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: marking an older version returns False, and so does a version that does not exist yet."""
    mentor = roster.add_mentor(TOMORROW)
    pause_by_hand(roster, mentor)
    for version, noted, synced in (
        (9, False, False),
        (1, True, False),
        (2, True, True),
        (1, False, True),
        (2, True, True),
    ):
        assert mark(database, mentor, version) == noted
        assert database.list_states(ORG, [mentor])[0].is_synced == synced
    assert not mark(database, mentor, 2, org=uuid4())
    (row,) = roster.rows("select * from portal_sync_state")
    assert (row["synced_version"], row["job_run_id"]) == (2, RUN)


def test_the_mentors_that_a_run_has_synced_can_be_listed_afterwards(
    database: PortalDatabase, roster: Roster, cluster: Cluster
) -> None:
    """E8: even if the worker died before it reported them."""
    synced, other = roster.add_mentor(), roster.add_mentor()
    mark(database, synced, 1)
    mark(database, other, 1, uuid4())
    assert [s.synced_by for s in database.list_states(ORG, [synced])] == [RUN]
    with closing(PooledTransport(cluster.url(roster.db, "portal_sync"))) as transport:
        found = Database(transport).list_run_outcomes(ORG, RUN, TODAY, [synced, other])
    assert found == {synced: "applied"}


def test_if_all_are_synced_one_is_listed_so_that_the_portal_is_read(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: a run without a page would not read the portal's certifications."""
    listing = "select mentor_id from list_unsynced_mentors(%s, '2026-01-01', %s, 9)"
    first, second, third = (roster.add_mentor() for _ in range(3))
    for mentor in (second, first):
        mark(database, mentor, 1)
    assert roster.rows(listing, ORG, None) == [{"mentor_id": third}]
    mark(database, third, 1)
    assert roster.rows(listing, ORG, None) == [{"mentor_id": second}]
    assert roster.rows(listing, ORG, second) == []
    assert roster.rows(listing, uuid4(), None) == []


def test_all_states_are_listed_page_by_page(database: PortalDatabase, roster: Roster) -> None:
    """H5: in keyset pages."""
    mentors = roster.add_mentors(501)
    assert [s.mentor_id for s in database.list_all_states(ORG)] == mentors
    assert [s.mentor_id for s in database.list_states(ORG, mentors)] == mentors
    assert list(database.list_all_states(uuid4())) == []


def test_the_portal_may_differ_since_the_first_change_that_was_not_sent(
    database: PortalDatabase, roster: Roster
) -> None:
    """H5: or since the moment of the last sync, if all changes were sent."""

    def since() -> datetime:
        return database.list_states(ORG, [mentor])[0].differs_since

    mentor = roster.add_mentor(date(2100, 1, 1))
    (entered,) = roster.rows("select status_changed_at as at from peer_mentors")
    assert since() == entered["at"]
    mark(database, mentor, 1)
    (marked,) = roster.rows("select synced_at as at from portal_sync_state")
    assert since() == marked["at"]
    for status, reason in (("paused", "on_leave"), ("active", "back"), ("paused", "ill")):
        roster.db.execute(
            "select * from update_mentor_status(%s, %s, %s, %s)", (mentor, ORG, status, reason)
        )
    history = roster.history()
    assert since() == history[0]["changed_at"]
    mark(database, mentor, 2)
    assert since() == history[1]["changed_at"]
    roster.db.execute("delete from portal_sync_state")
    assert since() == history[0]["changed_at"]


def test_a_new_mentor_or_a_new_key_restarts_the_reading(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: the reading has skipped this mentor's rows; other changes do not restart it."""
    mentor = roster.add_mentor()
    database.begin_reading(ORG, RUN)
    database.move_watermark(ORG, RUN, LATER)
    roster.db.execute("update peer_mentors set user_id = gen_random_uuid()")
    pause_by_hand(roster, mentor)
    assert database.begin_reading(ORG, RUN) == LATER
    roster.db.execute("update peer_mentors set portal_key = 'HLF-1'")
    database.move_watermark(ORG, RUN, LATER)
    assert database.begin_reading(ORG, RUN) is None
    database.move_watermark(ORG, RUN, EARLIER)
    roster.add_mentor()
    assert database.begin_reading(ORG, RUN) is None


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


def test_mentors_who_changed_during_a_sync_run_are_counted(
    database: PortalDatabase, roster: Roster, cluster: Cluster
) -> None:
    """H4: a mentor that the portal refused changed earlier, so it causes no endless runs."""
    refused, synced, changed = (roster.add_mentor(TOMORROW) for _ in range(3))
    attempt = RunRequest("hlf_sync", ORG, "event", "t-1", "an event")
    with (
        closing(PooledTransport(cluster.url(roster.db))) as job,
        closing(PooledTransport(cluster.url(roster.db, "portal_sync"))) as transport,
    ):
        Database(job).begin_execution(attempt, "running", as_of=TOMORROW)
        Database(job).begin_execution(attempt, "duplicate")
        mark(database, synced, 1, attempt.job_run_id)
        assert Database(transport).count_unsynced_since_run(attempt.job_run_id) == 0
        pause_by_hand(roster, changed)
        pause_by_hand(roster, synced)
        mark(database, synced, 2, attempt.job_run_id)
        assert Database(transport).count_unsynced_since_run(attempt.job_run_id) == 1
        assert Database(job).count_unsynced_since_run(uuid4()) == 0
    assert not database.list_states(ORG, [refused])[0].is_synced


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
