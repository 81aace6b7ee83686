"""The monitor: asks the data whether the night was all right, and ends runs that hang (O1, O2)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from mentor_pause.bootstrap import Engine
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome, Run, Trigger
from mentor_pause.engine.recovery import Recovery
from mentor_pause.engine.requeue import PageResult
from mentor_pause.errors import LedgerUnavailable
from mentor_pause.ledger.lock import Held, Lock, Locks, lock_key
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import Remaining
from monitor.app import build_hung_runs
from monitor.hung_runs import EndHungRuns
from support.faults import ProcessDied, failures
from support.monitor import Monitor
from support.night import JOB, Night, run_id
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

RUN_LEASE, PATIENCE = 2700, 600


@pytest.fixture
def monitor(night: Night, capsys: pytest.CaptureFixture[str]) -> Monitor:
    """The monitor of a night, at half past two."""
    night.clock.now = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
    return Monitor(night, capsys)


def stale_at(monitor: Monitor, *moment: int) -> object:
    """What the monitor counts at a moment of 2026."""
    monitor.night.clock.now = datetime(2026, *moment, tzinfo=UTC)
    return monitor()["stale_active_mentors"]


def test_who_expired_by_the_last_night_and_is_active_still_is_stale(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: the metric and the answer say the same."""
    roster.add_mentor(TODAY)
    roster.add_mentor(YESTERDAY)
    roster.add_mentor(YESTERDAY, TOMORROW)
    roster.add_mentor(YESTERDAY, status="paused")
    answer = monitor()
    assert (answer["stale_active_mentors"], answer["as_of"]) == (2, "2026-03-01")
    assert monitor.emitted()["StaleActiveMentors"] == [2]
    monitor.night.fire()
    monitor.night.work_off()
    assert monitor()["stale_active_mentors"] == 0
    assert monitor.emitted()["StaleActiveMentors"] == [0]


def test_who_expires_today_is_not_stale_before_tonights_run_is_over(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: neither after midnight in Oslo, nor in UTC, nor while the run may be under way."""
    roster.add_mentor(TODAY)
    assert stale_at(monitor, 2, 28, 22, 59) == 0
    assert stale_at(monitor, 2, 28, 23, 30) == 0  # it is March in Oslo
    assert stale_at(monitor, 3, 1, 0, 30) == 0
    assert stale_at(monitor, 3, 1, 1, 30) == 0
    assert stale_at(monitor, 3, 1, 2, 0) == 0
    assert stale_at(monitor, 3, 1, 2, 28) == 0
    assert stale_at(monitor, 3, 1, 2, 30) == 1
    assert stale_at(monitor, 3, 1, 23, 30) == 1


@pytest.mark.parametrize(("day", "hour_in_oslo"), [((3, 29), 4), ((10, 25), 3)])
def test_a_night_on_which_clocks_change_is_a_night(
    monitor: Monitor, roster: Roster, day: tuple[int, int], hour_in_oslo: int
) -> None:
    """O1: the job runs by UTC, at another hour of the same day."""
    due = datetime(2026, *day, tzinfo=UTC)
    roster.add_mentor(due.date())
    assert stale_at(monitor, *day, 1, 30) == 0
    assert stale_at(monitor, *day, 2, 30) == 1
    (row,) = roster.rows(
        "select extract(hour from %s::timestamptz at time zone 'Europe/Oslo')::int as h",
        due + timedelta(hours=2),
    )
    assert row["h"] == hour_in_oslo


def test_the_count_needs_neither_the_log_nor_the_ledger(monitor: Monitor, roster: Roster) -> None:
    """O1: with both gone it is there, and what is not there is not made up."""
    roster.add_mentor(YESTERDAY)
    roster.db.execute("drop function get_run_freshness")
    monitor.hung = _unreachable(monitor)
    answer = monitor()
    assert answer["stale_active_mentors"] == 1
    assert isinstance(answer["failed"], dict)
    assert answer["failed"].keys() == {"last night", "hung runs"}
    assert monitor.emitted() == {"StaleActiveMentors": [1], "ActiveWithoutCertification": [0]}


def _unreachable(monitor: Monitor) -> EndHungRuns:
    class NoLedger(Ledger):
        @property
        def locks(self) -> Locks:
            raise LedgerUnavailable("DynamoDB: no answer")

    night = monitor.night
    ledger = NoLedger(night.ledger.table, night.ledger.leases)
    return build_hung_runs(ORG, replace(night.engine, ledger=ledger))


def test_a_database_that_is_down_or_another_organisation_leaves_no_metric(
    monitor: Monitor, roster: Roster, capsys: pytest.CaptureFixture[str]
) -> None:
    """O1, D8: the alarm notices that; a zero would lie. Hung runs are looked for all the same."""
    roster.add_mentor(YESTERDAY)
    monitor.night.plan.then(*failures(8))
    looks = ("stale mentors", "last night", "uncertified mentors")
    assert monitor()["failed"] == dict.fromkeys(looks, "gone")
    assert monitor.emitted() == {"HungRuns": [0]}
    other = Monitor(monitor.night, capsys, slug="another")
    assert "is hlf, not another" in str(other()["failed"])
    assert other.emitted() == {"ActiveWithoutCertification": [0], "HungRuns": [0]}


def test_a_night_is_missed_until_a_complete_run_was_about_its_day(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: a dry run, a redrive, a failed run and an earlier day do not make up for it."""
    roster.add_mentors(2)
    night = monitor.night
    assert (monitor()["night_missed"], monitor.emitted()["NightMissed"]) == (True, [1])
    night.fire("dry", dry_run=True)
    night.work_off()
    night.fire("yesterday", as_of=YESTERDAY)
    night.work_off()
    roster.db.execute(
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " as_of, status, finished_at, redrive_of) values"
        " (%s, gen_random_uuid(), %s, 'manual', 'me', %s, 'completed', now(), gen_random_uuid()),"
        " (%s, gen_random_uuid(), %s, 'manual', 'me', %s, 'failed', now(), null),"
        " ('hlf_sync', gen_random_uuid(), %s, 'manual', 'me', %s, 'completed', now(), null)",
        (JOB, ORG, TODAY, JOB, ORG, TODAY, ORG, TODAY),
    )
    assert monitor()["night_missed"] is True
    night.fire("tonight")
    night.work_off()
    assert (monitor()["night_missed"], monitor.emitted()["NightMissed"]) == (False, [0])


def test_the_hours_since_the_last_complete_run_are_told(monitor: Monitor, roster: Roster) -> None:
    """O1: of the execution log, by the database's clock; without any run nothing is told."""
    assert monitor()["hours_since_completed_run"] is None
    assert "HoursSinceCompletedRun" not in monitor.emitted()
    monitor.night.fire()
    (row,) = roster.log()
    monitor.night.clock.now = row["finished_at"] + timedelta(hours=5, minutes=30)
    assert monitor()["hours_since_completed_run"] == 5.5
    assert monitor.emitted()["HoursSinceCompletedRun"] == [5.5]


def test_a_run_whose_worker_vanished_is_ended_with_its_mentors_named(
    monitor: Monitor, roster: Roster
) -> None:
    """O2, E8: the messages are gone; who was paused before is paused, the others are errors."""
    mentors = roster.add_mentors(8)
    night = monitor.night
    night.fire()
    first, *_ = night.receive()  # the others never come back
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


def test_a_dispatcher_that_vanished_leaves_its_pages_to_the_workers_first(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: paging ends where it stands; only a whole lease later are the pages given up, too."""
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


def test_a_dispatcher_that_only_lost_its_lease_is_left_to_its_repetition(
    monitor: Monitor, roster: Roster
) -> None:
    """D7: a failed delivery that Lambda repeats must find its run as it was."""
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
    """O2: there is nothing of it but the lock."""
    roster.add_mentors(2)
    night = monitor.night
    night.plan.then("dies before", after=3)  # acquire, find, scope; then open
    with pytest.raises(ProcessDied):
        night.fire()
    night.clock.advance(45 + PATIENCE)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert monitor()["hung_runs"] == {}
    assert roster.log() == []


def test_a_run_that_is_whole_but_for_its_end_is_completed(monitor: Monitor, roster: Roster) -> None:
    """O2: its last worker died between closing the page and completing; nobody is an error."""
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


def test_every_job_is_looked_after_and_a_job_without_trouble_keeps_its_lock_free(
    monitor: Monitor,
) -> None:
    """O2: also the sync; its dispatcher died before anything but the lock was there."""
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


def test_a_run_of_a_version_that_noted_no_movement_is_given_up_as_well(
    monitor: Monitor, roster: Roster
) -> None:
    """An upgrade in between leaves nothing open for ever."""
    roster.add_mentors(2)
    night = monitor.night
    night.fire()
    assert night.receive()
    night.ledger.table.update(
        f"RUN#{run_id()}", "RUN", "REMOVE active_at", "pages_total = :one", {"one": 1}
    )
    night.clock.advance(RUN_LEASE + PATIENCE)
    assert monitor()["hung_runs"] == {str(run_id()): True}


def test_pages_that_do_not_move_because_the_database_is_away_are_not_given_up(
    monitor: Monitor, roster: Roster
) -> None:
    """E6: they are on their queue, and will move once it is back."""
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


def test_who_is_paused_after_their_page_was_given_up_is_made_known(
    monitor: Monitor, roster: Roster
) -> None:
    """E11: the coordinator hears of it, and the log has it; said once is said of the run."""
    (mentor,) = roster.add_mentors(1)
    coordinator = roster.add_coordinator(mentors=[mentor])
    night = monitor.night
    night.fire()
    (message,) = night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)
    pause = night.consume.work

    def slow(page: MentorPage, remaining: Remaining) -> PageResult:
        assert monitor()["hung_runs"] == {str(run_id()): True}
        return pause(page, remaining)

    night.consume = replace(night.consume, work=slow)
    assert night.deliver(message)
    assert [row["mentor_id"] for row in roster.history()] == [mentor]
    (told,) = roster.rows("select * from coordinator_notifications")
    assert (told["coordinator_id"], told["mentor_ids"]) == (coordinator, [mentor])
    (line,) = night.lines("processed after the page had failed")
    assert line["mentor_ids"] == [str(mentor)]
    assert len(night.summaries()) == 1


def test_who_was_told_of_a_run_hears_of_those_who_were_paused_after_its_end(
    monitor: Monitor, roster: Roster
) -> None:
    """E11: one notification, which grows; also when the worker died, and its page comes again."""
    mentors = roster.add_mentors(6)
    roster.add_coordinator(mentors=mentors)
    night = monitor.night
    night.fire()
    first, second = night.receive()
    assert night.deliver(first)
    night.clock.advance(RUN_LEASE + PATIENCE)
    pause = night.consume.work

    def given_up_and_killed(page: MentorPage, remaining: Remaining) -> PageResult:
        assert monitor()["hung_runs"] == {str(run_id()): True}
        pause(page, remaining)
        raise ProcessDied

    night.consume = replace(night.consume, work=given_up_and_killed)
    with pytest.raises(ProcessDied):
        night.deliver(second)
    (told,) = roster.rows("select * from coordinator_notifications")
    assert told["mentor_ids"] == mentors[:3]
    assert night.deliver(second)
    (grown,) = roster.rows("select * from coordinator_notifications")
    assert grown["mentor_ids"] == mentors
    assert grown["created_at"] > told["created_at"]
    (line,) = night.lines("processed after the page had failed")
    assert line["mentor_ids"] == [str(mentor) for mentor in mentors[3:]]


def test_a_worker_that_ends_together_with_its_run_is_heard_of(
    monitor: Monitor, roster: Roster
) -> None:
    """E11: who gave its page up has told the coordinators already, and ends the run just now."""
    mentors = roster.add_mentors(3)
    roster.add_coordinator(mentors=mentors)
    night = monitor.night
    night.fire()
    (message,) = night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)
    run_ends = lambda: night.ledger.end_run(run_id(), "failed")  # noqa: E731

    def given_up() -> None:
        night.plan.then("dies before", after=22)  # it has claimed the end, and told whom it knew of
        with pytest.raises(ProcessDied):
            monitor()
        assert roster.rows("select from coordinator_notifications") == []
        # three mentors, close, note, claim, which somebody has; then find the run
        night.plan.before_call(7, run_ends)

    pause = night.consume.work

    def overtaken(page: MentorPage, remaining: Remaining) -> PageResult:
        given_up()
        return pause(page, remaining)

    night.consume = replace(night.consume, work=overtaken)
    night.deliver(message)
    (told,) = roster.rows("select * from coordinator_notifications")
    assert told["mentor_ids"] == mentors


def test_a_run_that_has_ended_but_for_its_mark_is_not_called_hung(
    monitor: Monitor, roster: Roster
) -> None:
    """No alarm for what is over."""
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


def test_who_hears_that_a_hung_run_has_ended_can_start_the_next_one_at_once(
    monitor: Monitor, roster: Roster
) -> None:
    """H4: the monitor holds no lock any more when it announces."""
    roster.add_mentors(2)
    night = monitor.night
    night.fire()
    assert night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)
    heard: list[str] = []

    def put_events(Entries: list[dict[str, Any]]) -> dict[str, Any]:
        heard.append(night.fire("the next one")["status"])
        return {"FailedEntryCount": 0, "Entries": Entries}

    night.events.put_events = put_events
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert heard == ["running"]


def test_a_row_that_could_not_be_closed_is_closed_later(monitor: Monitor, roster: Roster) -> None:
    """D4, E8: the dispatcher's database went away just between its row and its run."""
    night = monitor.night
    # acquire, find, scope, open, find; begin; then the run's own reading, and then the database
    night.plan.then(*failures(3), "ok", "ok", "ok", *failures(6), after=5)
    night.fire(trigger="manual")
    assert [row["status"] for row in roster.log()] == ["running"]
    night.plan.then()
    night.clock.advance(45 + PATIENCE)
    monitor()
    assert [row["status"] for row in roster.log()] == ["failed"]


def test_a_run_that_moves_and_a_lock_that_is_held_are_left_alone(
    monitor: Monitor, roster: Roster
) -> None:
    """D6: the monitor takes no lock that somebody has a lease on."""
    roster.add_mentors(4)
    night = monitor.night
    night.fire()
    assert monitor()["hung_runs"] == {}
    assert night.fire("night-2")["status"] == "refused"
    night.work_off()
    (summary,) = night.summaries()
    assert summary["paused_count"] == 4


def takes_over(night: Night) -> Lock:
    """Let another holder have the lock, as a dispatcher whose trigger came just now."""
    trigger = Trigger(JOB, ORG, "schedule", "night-2", "a rule")
    taken = night.ledger.locks.acquire(trigger, "another holder", 45)
    assert isinstance(taken, Lock)
    return taken


def hang_a_run(night: Night, roster: Roster) -> None:
    """Fire, lose the messages, and let the lease run out."""
    roster.add_mentors(2)
    night.fire()
    assert night.receive()
    night.clock.advance(RUN_LEASE + PATIENCE)


def test_a_lock_that_another_holder_was_faster_to_take_is_left_to_it(
    monitor: Monitor, roster: Roster
) -> None:
    """O2, D6: that holder ends the hung run itself; its lock stays as it is."""
    night, taken = monitor.night, list[Lock]()
    hang_a_run(night, roster)

    class Faster(Locks):
        def acquire(self, trigger: Trigger, holder: str, lease: int) -> Lock | Held:
            """Come too late, the first time."""
            taken.append(takes_over(night))
            return night.ledger.locks.acquire(trigger, holder, lease)

    class Overtaken(Ledger):
        @property
        def locks(self) -> Locks:
            return Faster(self.table)

    ledger = Overtaken(night.ledger.table, night.ledger.leases)
    monitor.hung = build_hung_runs(ORG, replace(night.engine, ledger=ledger))
    answer = monitor()
    assert (answer["hung_runs"], answer["failed"]) == ({}, {})
    night.ledger.assert_held(taken[0])
    assert taken[0].abandoned == {run_id()}
    run = night.ledger.find_run(run_id())
    assert run is not None
    assert (run.status, run.closed_pages) == ("running", frozenset())


def test_a_monitor_that_lost_its_lock_gives_nothing_up_and_lets_nobody_elses_go(
    monitor: Monitor, roster: Roster
) -> None:
    """O2, D6: it says so in one line, and the other looks are not concerned."""
    night, taken = monitor.night, list[Lock]()
    hang_a_run(night, roster)

    class Overtaken(Recovery):
        def take_over(self, lock: Lock, job_run_id: UUID, reason: str) -> Run | None:
            """Be taken for dead just before."""
            night.clock.advance(46)
            taken.append(takes_over(night))
            return super().take_over(lock, job_run_id, reason)

    class OvertakenEngine(Engine):
        @property
        def recovery(self) -> Recovery:
            return Overtaken(self.ledger, self.database, self.completion, self.logger)

    engine = OvertakenEngine(night.ledger, night.database, night.publisher, night.logger)
    monitor.hung = build_hung_runs(ORG, engine)
    answer = monitor()
    assert (answer["hung_runs"], answer["failed"]) == ({}, {})
    assert monitor.emitted()["HungRuns"] == [0]
    assert len(night.lines("monitor superseded")) == 1
    night.ledger.assert_held(taken[0])
    run = night.ledger.find_run(run_id())
    assert run is not None
    assert (run.status, run.closed_pages) == ("running", frozenset())


def test_wherever_the_monitor_dies_its_next_look_ends_the_run(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: each outside call of ending a run, before it and after it."""
    roster.add_mentors(2)
    night = monitor.night
    crashes = 0
    for number in range(44):
        trigger = f"night-{number}"
        night.fire(trigger)
        assert night.receive()
        night.clock.advance(RUN_LEASE + PATIENCE)
        night.plan.then("dies before" if number % 2 else "dies after", after=number // 2)
        try:
            monitor.hung()
        except ProcessDied:
            crashes += 1
        night.plan.then()
        for _ in range(2):
            night.clock.advance(RUN_LEASE + PATIENCE)
            monitor.hung()
        row = next(r for r in roster.log() if r["job_run_id"] == run_id(trigger))
        assert (row["status"], row["error_count"]) == ("failed", 2), number
        ended = night.ledger.find_run(run_id(trigger))
        assert ended is not None
        assert ended.status == "failed", number
    assert 30 < crashes < 44  # the last ones come too late to hit anything
    assert roster.history() == []
