"""Which states the portal has and lacks, as the database knows it (H1, H4, H5)."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.domain.runs import RunRequest
from support.cluster import Cluster
from support.portal_client import EARLIER, LATER, RUN, mark, pause_by_hand
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster


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


def test_the_differences_are_replaced_by_those_of_a_newer_measurement(
    database: PortalDatabase, roster: Roster
) -> None:
    """H5: False if a newer measurement is stored."""
    mentor = roster.add_mentor()
    found: dict[str, object] = {
        "kind": "differs", "mentor_id": mentor, "here": "paused", "there": None, "since": EARLIER,
    }  # fmt: skip
    assert database.record_drift(ORG, LATER, 7, [found])
    assert not database.record_drift(ORG, EARLIER, 0, [])
    (row,) = roster.rows("select * from portal_differences")
    assert (row["org_id"], row["measured_at"], row["differing_count"]) == (ORG, LATER, 7)
    (stored,) = row["differences"]
    assert datetime.fromisoformat(stored.pop("since")) == EARLIER
    assert stored == {
        "kind": "differs", "mentor_id": str(mentor), "here": "paused", "there": None,
    }  # fmt: skip
