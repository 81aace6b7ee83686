"""The portal sync's database functions, over both wires (H1, D9)."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from mentor_pause.runs import Attempt
from mentor_pause.supabase import Database
from mentor_pause.supabase.pooled import PooledWire
from mentor_pause.supabase.portal import PortalDatabase, Recorded
from mentor_pause.supabase.rest import RestWire
from support.cluster import Cluster
from support.postgrest import SECRET_KEY, postgrest
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

EARLIER, LATER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
RUN = uuid4()


def pause_by_hand(roster: Roster, mentor: UUID) -> None:
    """As a service does."""
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'on_leave')", (mentor, ORG)
    )


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
    """H1: a late answer of an older version is told so, and one from the future as well."""
    mentor = roster.add_mentor(TOMORROW)
    pause_by_hand(roster, mentor)
    for version, noted, synced in (
        (9, False, False),
        (1, True, False),
        (2, True, True),
        (1, False, True),
        (2, True, True),
    ):
        assert database.mark_synced(ORG, mentor, version, RUN) == noted
        assert database.list_states(ORG, [mentor])[0].is_synced == synced
    assert not database.mark_synced(uuid4(), mentor, 2, RUN)
    (row,) = roster.rows("select * from portal_sync_state")
    assert (row["synced_version"], row["job_run_id"]) == (2, RUN)


def test_whom_a_run_told_the_portal_of_is_known_afterwards(
    database: PortalDatabase, roster: Roster, cluster: Cluster
) -> None:
    """E8: also when the worker could not say so any more."""
    told, other = roster.add_mentor(), roster.add_mentor()
    database.mark_synced(ORG, told, 1, RUN)
    database.mark_synced(ORG, other, 1, uuid4())
    assert [s.synced_by for s in database.list_states(ORG, [told])] == [RUN]
    with closing(PooledWire(cluster.url(roster.db, "portal_sync"))) as wire:
        found = Database(wire).list_run_outcomes(ORG, RUN, TODAY, [told, other])
    assert found == {told: "done"}


def test_where_all_are_told_one_is_listed_so_that_the_portal_is_read(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: a run without a page would not see what the portal has renewed."""
    listing = "select mentor_id from list_unsynced_mentors(%s, '2026-01-01', %s, 9)"
    first, second, third = (roster.add_mentor() for _ in range(3))
    for mentor in (second, first):
        database.mark_synced(ORG, mentor, 1, RUN)
    assert roster.rows(listing, ORG, None) == [{"mentor_id": third}]
    database.mark_synced(ORG, third, 1, RUN)
    assert roster.rows(listing, ORG, None) == [{"mentor_id": second}]
    assert roster.rows(listing, ORG, second) == []
    assert roster.rows(listing, uuid4(), None) == []


def test_everybody_is_compared_page_by_page(database: PortalDatabase, roster: Roster) -> None:
    """H5: keyset pages of what the portal should hold."""
    mentors = roster.add_mentors(501)
    assert [s.mentor_id for s in database.list_all_states(ORG)] == mentors
    assert [s.mentor_id for s in database.list_states(ORG, mentors)] == mentors
    assert list(database.list_all_states(uuid4())) == []


def test_since_when_the_portal_may_differ_is_the_first_change_it_was_not_told(
    database: PortalDatabase, roster: Roster
) -> None:
    """H5: or the moment it was told, if it was."""

    def since() -> datetime:
        return database.list_states(ORG, [mentor])[0].differs_since

    mentor = roster.add_mentor(date(2100, 1, 1))
    (entered,) = roster.rows("select status_changed_at as at from peer_mentors")
    assert since() == entered["at"]
    database.mark_synced(ORG, mentor, 1, RUN)
    (told,) = roster.rows("select synced_at as at from portal_sync_state")
    assert since() == told["at"]
    for status, reason in (("paused", "on_leave"), ("active", "back"), ("paused", "ill")):
        roster.db.execute(
            "select * from update_mentor_status(%s, %s, %s, %s)", (mentor, ORG, status, reason)
        )
    history = roster.history()
    assert since() == history[0]["changed_at"]
    database.mark_synced(ORG, mentor, 2, RUN)
    assert since() == history[1]["changed_at"]
    roster.db.execute("delete from portal_sync_state")
    assert since() == history[0]["changed_at"]


def test_of_the_portals_changes_only_the_new_ones_of_our_mentors_are_to_be_stored(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: so that what is read again costs one call; by the key as Dataverse compares it."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.db.execute("update peer_mentors set portal_key = 'HLF-A1'")
    record(database, "hlf-a1", TOMORROW, LATER)
    others = [(f"c-{i}", "somebody", LATER) for i in range(10, 600)]
    stored = ("c-1", "HLF-A1", LATER)
    later = ("c-1", "HLF-A1", LATER + timedelta(seconds=1))
    new = ("c-2", "hlf-A1", EARLIER)
    assert database.list_new_changes(ORG, [*others, stored, new]) == {"c-2"}
    assert database.list_new_changes(ORG, [*others, later]) == {"c-1"}
    assert database.list_new_changes(uuid4(), [new]) == frozenset()
    assert database.list_new_changes(ORG, []) == frozenset()
    assert roster.status(mentor) == "active"


def test_a_mentor_who_is_entered_or_gets_a_key_lets_the_portal_be_read_anew(
    database: PortalDatabase, roster: Roster
) -> None:
    """H1: what the portal told of them before was passed over; other changes are none."""
    mentor = roster.add_mentor()
    database.move_watermark(ORG, LATER)
    roster.db.execute("update peer_mentors set user_id = gen_random_uuid()")
    pause_by_hand(roster, mentor)
    assert database.get_watermark(ORG) == LATER
    roster.db.execute("update peer_mentors set portal_key = 'HLF-1'")
    assert database.get_watermark(ORG) is None
    database.move_watermark(ORG, EARLIER)
    roster.add_mentor()
    assert database.get_watermark(ORG) is None


def test_a_runs_renewals_are_counted_by_mentor(
    database: PortalDatabase, roster: Roster, cluster: Cluster
) -> None:
    """E7: from the data."""
    mentor = roster.add_mentor(YESTERDAY)
    record(database, mentor, TOMORROW)
    database.record_certification(ORG, str(mentor), "c-2", date(2030, 1, 1), LATER, RUN)
    database.record_certification(ORG, str(mentor), "c-3", date(2029, 1, 1), LATER, RUN)
    with closing(PooledWire(cluster.url(roster.db, "portal_sync"))) as wire:
        assert Database(wire).count_run_renewals(RUN) == 1
        assert Database(wire).count_run_renewals(uuid4()) == 0


def test_who_changed_while_a_sync_run_went_on_is_counted(
    database: PortalDatabase, roster: Roster, cluster: Cluster
) -> None:
    """H4: whom the portal did not take is older, and does not start run after run."""
    refused, told, changed = (roster.add_mentor(TOMORROW) for _ in range(3))
    attempt = Attempt("hlf_sync", ORG, "event", "t-1", "an event")
    with (
        closing(PooledWire(cluster.url(roster.db))) as job,
        closing(PooledWire(cluster.url(roster.db, "portal_sync"))) as wire,
    ):
        Database(job).begin_execution(attempt, "running", as_of=TOMORROW)
        Database(job).begin_execution(attempt, "duplicate")
        database.mark_synced(ORG, told, 1, attempt.job_run_id)
        assert Database(wire).count_unsynced_since_run(attempt.job_run_id) == 0
        pause_by_hand(roster, changed)
        pause_by_hand(roster, told)
        database.mark_synced(ORG, told, 2, attempt.job_run_id)
        assert Database(wire).count_unsynced_since_run(attempt.job_run_id) == 1
        assert Database(job).count_unsynced_since_run(uuid4()) == 0
    assert not database.list_states(ORG, [refused])[0].is_synced


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
