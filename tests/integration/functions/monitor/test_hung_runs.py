"""The monitor ends hung runs, and no others (O2, E8)."""

from datetime import timedelta
from typing import Any

import pytest

from mentor_pause.domain.runs import PageOutcome, Trigger
from mentor_pause.ledger.lock import Lock, lock_key
from support.faults import ProcessDied, failures
from support.monitor import PATIENCE, RUN_LEASE, Monitor
from support.night import JOB, run_id
from support.roster import ORG, Roster


def test_a_run_whose_worker_vanished_is_ended_with_its_mentors_named(
    monitor: Monitor, roster: Roster
) -> None:
    """O2, E8: the messages are lost. Paused mentors stay paused, and the others are errors."""
    mentors = roster.add_mentors(8)
    night = monitor.night
    night.fire()
    first, *_ = night.receive()  # the other messages are lost
    assert night.deliver(first)
    night.clock.advance(RUN_LEASE + PATIENCE - 1)
    assert monitor()["hung_runs"] == {}
    night.clock.advance(1)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert monitor.emitted()["HungRuns"] == [1]
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(m) for m in mentors[:3]]
    assert summary["mentor_ids_errored"] == [str(m) for m in mentors[3:]]
    (line,) = night.lines("run completed")
    assert (line["status"], line["error"]) == ("failed", "hung; ended by the monitor")
    (row,) = roster.log()
    assert (row["status"], row["processed_count"], row["error_count"]) == ("failed", 8, 5)
    assert row["error"] == (
        "hung; ended by the monitor; 5 errors: 5 its page was not finished: hung; ended by the"
        f" monitor, such as mentor {mentors[3]}"
    )
    assert monitor()["hung_runs"] == {}
    assert night.fire("night-2")["status"] == "running"


def test_the_pages_of_a_vanished_dispatcher_are_left_to_the_workers_first(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: the monitor ends the paging at once, and fails the pages only a whole lease later."""
    mentors = roster.add_mentors(40)
    night = monitor.night
    night.plan.then("dies before", after=35)  # the first ten pages are on the queue by then
    with pytest.raises(ProcessDied):
        night.fire()
    messages = night.receive()
    assert len(messages) == 10
    night.clock.advance(45 + PATIENCE)
    assert monitor()["hung_runs"] == {str(run_id()): False}
    assert night.lines("run completed") == []
    night.clock.advance(RUN_LEASE - 500)
    for message in messages[1:]:
        assert night.deliver(message)
    night.clock.advance(PATIENCE + 45)
    assert monitor()["hung_runs"] == {str(run_id()): False}, "its pages moved just now"
    night.clock.advance(RUN_LEASE + PATIENCE)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    (summary,) = night.summaries()
    assert summary["processed_count"] == summary["paused_count"] + summary["error_count"]
    assert set(map(str, mentors[:3])) <= set(summary["mentor_ids_errored"])
    assert summary["paused_count"] == 27
    assert night.fire("night-2")["status"] == "running"


def test_a_run_whose_dispatcher_lost_its_lease_is_left_to_the_repeated_trigger(
    monitor: Monitor, roster: Roster
) -> None:
    """D7: Lambda repeats a failed delivery, and the repetition must find its run unchanged."""
    roster.add_mentors(8)
    night = monitor.night
    night.plan.then("dies before", after=8)
    with pytest.raises(ProcessDied):
        night.fire()
    for _ in range(2):
        night.clock.advance(100)
        assert monitor()["hung_runs"] == {}
    assert night.fire()["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert summary["paused_count"] == 8


def test_a_run_that_vanished_before_it_began_counts_as_hung_once(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: only its lock is left."""
    roster.add_mentors(2)
    night = monitor.night
    night.plan.then("dies before", after=3)  # acquire, find, scope; then open
    with pytest.raises(ProcessDied):
        night.fire()
    night.clock.advance(45 + PATIENCE)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert monitor()["hung_runs"] == {}
    assert roster.log() == []


def test_a_run_with_all_pages_closed_is_completed(monitor: Monitor, roster: Roster) -> None:
    """O2: its last worker died before the completion. No mentor is an error."""
    mentors = roster.add_mentors(2)
    night = monitor.night
    night.fire()
    assert night.receive()
    done = PageOutcome(skipped=tuple(mentors))
    night.ledger.pages.close(run_id(), 1, mentors, done)
    night.ledger.mark_page_closed(run_id(), 1)
    night.clock.advance(RUN_LEASE + PATIENCE)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    (row,) = roster.log()
    assert (row["status"], row["skipped_count"], row["error"]) == ("completed", 2, None)


def test_every_job_is_checked_and_the_lock_of_a_healthy_job_stays_free(
    monitor: Monitor,
) -> None:
    """O2: also the sync, whose dispatcher died right after it had acquired the lock."""
    night = monitor.night
    trigger = Trigger("hlf_sync", ORG, "schedule", "night-1", "a rule")
    night.ledger.locks.acquire(trigger, "holder", 45)
    night.clock.advance(45 + PATIENCE)
    assert night.ledger.locks.find_hung(trigger, night.clock()) == {trigger.job_run_id}
    monitor()
    assert night.ledger.locks.find_hung(trigger, night.clock()) == frozenset()
    again = night.ledger.locks.acquire(trigger, "another holder", 45)
    assert isinstance(again, Lock)
    untouched = Trigger(JOB, ORG, "schedule", "night-1", "a rule")
    first = night.ledger.locks.acquire(untouched, "holder", 45)
    assert isinstance(first, Lock)
    assert first.fence == 1


def test_a_run_of_a_version_without_active_at_is_ended_as_well(
    monitor: Monitor, roster: Roster
) -> None:
    """An upgrade during a run must not leave it open for ever."""
    roster.add_mentors(2)
    night = monitor.night
    night.fire()
    assert night.receive()
    night.ledger.table.update(
        f"RUN#{run_id()}", "RUN", "REMOVE active_at", "pages_total = :one", {"one": 1}
    )
    night.clock.advance(RUN_LEASE + PATIENCE)
    assert monitor()["hung_runs"] == {str(run_id()): True}


def test_pages_that_wait_for_the_database_are_not_failed(monitor: Monitor, roster: Roster) -> None:
    """E6: they are on their queue, and workers process them once the database is back."""
    roster.add_mentors(4)
    night = monitor.night
    night.fire()
    messages = night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)
    get_run_freshness = roster.rows("select pg_get_functiondef('get_run_freshness'::regproc) as d")
    roster.db.execute("drop function get_run_freshness")
    assert monitor()["hung_runs"] == {str(run_id()): False}
    assert monitor.emitted()["HungRuns"] == [1], "it hangs, whether or not it could be ended"
    roster.db.execute(get_run_freshness[0]["d"].encode())
    for message in messages:
        assert night.deliver(message)
    (summary,) = night.summaries()
    assert (summary["paused_count"], summary["error_count"]) == (4, 0)


def test_a_run_that_has_ended_does_not_count_as_hung(monitor: Monitor, roster: Roster) -> None:
    """Its lock item still lists it as open."""
    roster.add_mentors(2)
    night = monitor.night
    night.fire()
    (message,) = night.receive()
    assert night.deliver(message)
    run = night.ledger.find_run(run_id())
    assert run is not None
    night.ledger.table.update(
        lock_key(run.trigger), "LOCK", "ADD open_runs :open", "attribute_exists(pk)",
        {"open": {str(run_id())}},
    )  # fmt: skip
    night.clock.advance(RUN_LEASE + PATIENCE)
    assert monitor()["hung_runs"] == {}
    assert monitor.emitted()["HungRuns"] == [0]
    assert night.ledger.locks.find_hung(run.trigger, night.clock()) == frozenset()


def test_a_consumer_of_the_event_can_start_the_next_run_at_once(
    monitor: Monitor, roster: Roster
) -> None:
    """H4: the monitor releases the lock before it publishes the event."""
    roster.add_mentors(2)
    night = monitor.night
    night.fire()
    assert night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)
    answers: list[str] = []

    def put_events(Entries: list[dict[str, Any]]) -> dict[str, Any]:
        answers.append(night.fire("the next one")["status"])
        return {"FailedEntryCount": 0, "Entries": Entries}

    night.events.put_events = put_events
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert answers == ["running"]


def test_a_row_that_could_not_be_ended_is_ended_later(monitor: Monitor, roster: Roster) -> None:
    """D4, E8: the database failed after the dispatcher had written the row."""
    night = monitor.night
    # acquire, find, scope, open, find; begin; then the run's own reading, and then the database
    night.plan.then(*failures(3), "ok", "ok", "ok", *failures(6), after=5)
    night.fire(trigger="manual")
    assert [row["status"] for row in roster.log()] == ["running"]
    night.plan.then()
    night.clock.advance(45 + PATIENCE)
    monitor()
    assert [row["status"] for row in roster.log()] == ["failed"]


def test_an_active_run_and_a_held_lock_are_not_touched(monitor: Monitor, roster: Roster) -> None:
    """D6: the monitor takes no lock whose lease is still valid."""
    roster.add_mentors(4)
    night = monitor.night
    night.fire()
    assert monitor()["hung_runs"] == {}
    assert night.fire("night-2")["status"] == "refused"
    night.work_off()
    (summary,) = night.summaries()
    assert summary["paused_count"] == 4


def test_a_run_that_lacks_only_its_end_stays_open_for_the_monitor(
    monitor: Monitor, roster: Roster
) -> None:
    """E8: one delivery dies after it ended the row; the other one finds the row ended."""
    night = monitor.night
    fast = night.dispatcher(lambda: night.clock() + timedelta(minutes=2))

    def dies_before_it_ends_the_run() -> None:
        # acquire, find, scope, day, begin, open, get; the plan; list; end paging, get, shard;
        # claim, release, place, notify, day, warnings, finish; then publish
        night.plan.then("dies before", after=19)
        with pytest.raises(ProcessDied):
            night.fire(dispatch=fast)

    night.plan.before_call(5, dies_before_it_ends_the_run)  # acquire, find, scope, day
    assert night.fire()["status"] == "duplicate"
    assert roster.log()[0]["status"] == "completed"
    assert night.summaries() == []
    night.clock.advance(RUN_LEASE + PATIENCE)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert len(night.summaries()) == 1
