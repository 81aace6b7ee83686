"""The portal sync's database functions, over both wires (H1, D9)."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from mentor_pause.supabase.pooled import PooledWire
from mentor_pause.supabase.portal import PortalDatabase, Recorded
from mentor_pause.supabase.rest import RestWire
from support.cluster import Cluster
from support.postgrest import SECRET_KEY, postgrest
from support.roster import ORG, TOMORROW, YESTERDAY, Roster

EARLIER, LATER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
RUN = uuid4()


@pytest.fixture(params=["pooled", "rest"])
def database(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[PortalDatabase]:
    """As the role portal_sync over the pooler, and over REST."""
    with postgrest(cluster.server.url(str(roster.db.info.dbname))) as url:
        wire = (
            PooledWire(cluster.url(roster.db, "portal_sync"))
            if request.param == "pooled"
            else RestWire(url, SECRET_KEY)
        )
        with closing(wire):
            yield PortalDatabase(wire)


def record(
    database: PortalDatabase, key: object, day: date, moment: datetime = EARLIER, run: UUID = RUN
) -> Recorded:
    """Store the certification c-1 of a mentor."""
    return database.record_certification(ORG, str(key), "c-1", day, moment, run)


def expiries(roster: Roster, mentor: UUID) -> list[date]:
    """A mentor's days of expiry."""
    rows = roster.rows("select expires_on from certifications where mentor_id = %s", mentor)
    return sorted(row["expires_on"] for row in rows)


def test_a_renewal_is_stored_once_and_pauses_or_resumes_nobody(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: recorded; the coordinators decide."""
    mentor = roster.add_mentor(YESTERDAY, status="paused")
    assert record(database, mentor, TOMORROW) == "renewed"
    assert record(database, mentor, TOMORROW) == "known"
    assert expiries(roster, mentor) == [YESTERDAY, TOMORROW]
    assert (roster.status(mentor), roster.history()) == ("paused", [])


def test_a_mentor_is_found_by_the_portals_key_or_by_the_id(
    database: PortalDatabase, roster: Roster
) -> None:
    """A mentor with a key of their own is not known by the id."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.db.execute("update peer_mentors set portal_key = %s", ("O'Brien",))
    assert record(database, mentor, TOMORROW) == "unknown_mentor"
    assert record(database, "O'Brien", TOMORROW) == "renewed"


def test_the_portals_last_word_counts_in_whatever_order_it_comes(
    database: PortalDatabase, roster: Roster
) -> None:
    """Pages overlap, and two workers may read them: an older change never undoes a later one."""
    mentor = roster.add_mentor(YESTERDAY)
    assert record(database, mentor, date(2027, 6, 1), LATER) == "renewed"
    assert record(database, mentor, date(2028, 6, 1), EARLIER) == "known"
    assert expiries(roster, mentor) == [YESTERDAY, date(2027, 6, 1)]


def test_a_later_word_that_says_the_same_is_the_last_word_all_the_same(
    database: PortalDatabase, roster: Roster
) -> None:
    """There and back again in the portal: who read in between and comes late changes nothing."""
    mentor = roster.add_mentor(YESTERDAY)
    assert record(database, mentor, date(2027, 6, 1), EARLIER) == "renewed"
    assert record(database, mentor, date(2027, 6, 1), LATER) == "recorded"
    between = EARLIER + (LATER - EARLIER) / 2
    assert record(database, mentor, date(2028, 6, 1), between) == "known"
    assert expiries(roster, mentor) == [YESTERDAY, date(2027, 6, 1)]


def test_a_correction_to_an_earlier_day_is_taken_over_and_is_no_renewal(
    database: PortalDatabase, roster: Roster
) -> None:
    """What the portal takes back does not count any more."""
    mentor = roster.add_mentor(YESTERDAY)
    record(database, mentor, date(2028, 1, 1))
    assert record(database, mentor, date(2027, 1, 1), LATER) == "recorded"
    assert expiries(roster, mentor) == [YESTERDAY, date(2027, 1, 1)]


def test_two_workers_with_the_same_renewal_renew_once(roster: Roster, cluster: Cluster) -> None:
    """Idempotent under concurrency, too."""
    mentor = roster.add_mentor(YESTERDAY)
    told: list[Recorded] = []
    line = threading.Barrier(6)

    def store() -> None:
        with closing(PooledWire(cluster.url(roster.db, "portal_sync"))) as wire:
            line.wait()
            told.append(record(PortalDatabase(wire), mentor, TOMORROW))

    threads = [threading.Thread(target=store) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["known"] * 5 + ["renewed"]


def test_the_watermark_moves_forward_only(database: PortalDatabase) -> None:
    """H1: resumable; two workers do not set each other back."""
    assert database.get_watermark(ORG) is None
    for moment in (EARLIER, LATER, EARLIER):
        database.move_watermark(ORG, moment)
    assert database.get_watermark(ORG) == LATER


def test_the_portal_is_told_status_reason_and_day(database: PortalDatabase, roster: Roster) -> None:
    """H1: the day in the organisation's time zone; of another organisation nothing."""
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


def test_what_the_portal_has_is_noted_and_never_set_back(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: a late answer of an older version changes nothing, nor does one from the future."""
    mentor = roster.add_mentor(TOMORROW)
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'on_leave')", (mentor, ORG)
    )
    unsynced = "select * from list_unsynced_mentors(%s, '2026-01-01', null, 9)"
    for version, left in ((9, 1), (1, 1), (2, 0), (1, 0)):
        database.mark_synced(ORG, mentor, version)
        assert len(roster.rows(unsynced, ORG)) == left
    assert database.list_states(ORG, [mentor])[0].is_synced
    database.mark_synced(uuid4(), mentor, 2)
    assert len(roster.rows("select from portal_sync_state")) == 1


def test_coordinators_are_told_of_renewals_once(roster: Roster, cluster: Cluster) -> None:
    """H1: by the sync's own role; and those only who are concerned."""
    mentor, other = roster.add_mentor(YESTERDAY), roster.add_mentor(YESTERDAY)
    coordinator = roster.add_coordinator(mentors=[mentor])
    roster.add_coordinator(mentors=[other])
    with closing(PooledWire(cluster.url(roster.db, "portal_sync"))) as wire:
        record(PortalDatabase(wire), mentor, TOMORROW)
        for _ in range(2):
            assert wire.call("notify_coordinators", {"p_job_run_id": RUN}) == [
                {"notify_coordinators": 1}
            ]
    (row,) = roster.rows("select * from coordinator_notifications")
    assert (row["coordinator_id"], row["kind"], row["mentor_ids"]) == (
        coordinator, "renewed", [mentor],
    )  # fmt: skip
