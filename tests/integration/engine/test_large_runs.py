"""The completion of a large run takes several steps, and other workers go on with it (E7, E8)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from mentor_pause.database.client import Database, Finished
from mentor_pause.domain.summary import Totals
from mentor_pause.engine.completion import Batches
from support.faults import ProcessDied
from support.large_runs import SMALL, TRIGGER, closed_run, completion, failed_run, joined, paused
from support.monitor import Monitor
from support.night import Night
from support.roster import TODAY, Roster


def stops_after(steps: int) -> Callable[[], float]:
    """Return the seconds of a caller who has time for so many steps."""
    left = iter([60.0] * (steps - 1))
    return lambda: next(left, 0.0)


def test_callers_who_run_short_of_time_end_the_run_together(night: Night, roster: Roster) -> None:
    """E7, E8: each goes on where the one before stopped, and each step is done once."""
    mentors = paused(night, roster, 11)
    coordinator = roster.add_coordinator(chapters=[roster.chapter_id])
    run, states = closed_run(night, mentors, 2), list[str]()
    while "ended" not in states:
        caller = completion(night, seconds_left=stops_after(2))
        states.append(caller.complete_if_done(run, f"caller {len(states)}"))
    assert states == ["unfinished"] * 5 + ["ended"]
    assert [line["line"] for line in night.lines("run completed, more mentors")] == [1, 2, 3, 4, 5]
    assert joined(night)["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    (row,) = roster.log()
    assert (row["status"], row["paused_count"], row["processed_count"]) == ("completed", 11, 11)
    (notified,) = roster.rows("select * from coordinator_notifications")
    assert (notified["coordinator_id"], notified["mentor_ids"]) == (coordinator, mentors)
    assert [event["paused_count"] for event in night.events.details] == [11]
    assert night.database_calls("notify_coordinators_page") == 6


@pytest.mark.parametrize("calls", range(1, 28))
def test_a_caller_who_dies_anywhere_is_replaced(night: Night, roster: Roster, calls: int) -> None:
    """E8: a line may be repeated, and the summary is the same."""
    mentors = paused(night, roster, 3)
    roster.add_coordinator(chapters=[roster.chapter_id])
    run = closed_run(night, mentors, 1)
    night.plan.then("dies after", after=calls - 1)
    try:
        state = completion(night).complete_if_done(run, "first")
    except ProcessDied:
        night.clock.advance(41)
        state = completion(night).complete_if_done(run, "second")
    assert state in ("ended", "ended_by_another")
    assert joined(night)["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert [row["paused_count"] for row in roster.log()] == [3]
    (notified,) = roster.rows("select * from coordinator_notifications")
    assert notified["mentor_ids"] == mentors


def test_the_lock_is_free_while_the_run_is_being_completed(night: Night, roster: Roster) -> None:
    """E8: another run may begin, and it leaves the claimed completion alone."""
    run = closed_run(night, paused(night, roster, 4), 1)
    caller = completion(night, seconds_left=stops_after(1))
    assert caller.complete_if_done(run, "first") == "unfinished"
    assert night.ledger.claim_completion(run, "second")
    assert night.fire("by hand", trigger="manual")["status"] == "completed"
    assert completion(night).complete_if_done(run, "second") == "ended"
    assert {row["status"] for row in roster.log()} == {"completed"}


def test_a_worker_without_time_sends_the_page_again_for_the_rest(
    night: Night, roster: Roster
) -> None:
    """E8: as a fresh message, which costs no delivery."""
    roster.add_mentors(9)
    night.fire()
    engine = replace(night.engine, batches=SMALL, seconds_left=stops_after(1))
    for message in night.receive():
        worker = engine.worker(night.consume.scope, night.consume.work, night.worker_queue())
        worker(night.record(message), lambda: 60)
    assert (night.sqs.delays, night.lines("run completed")) == ([0], [])
    night.work_off()
    assert joined(night)["paused_count"] == 9


@pytest.mark.slow
def test_many_pages_are_read_in_few_calls(night: Night) -> None:
    """E7: fifty pages at a time, and each page once."""
    mentors = sorted(uuid4() for _ in range(200))
    night.database.begin_execution(TRIGGER, "running", as_of=TODAY)
    run = closed_run(night, mentors, 1)
    night.plan.then()
    assert night.engine.completion.complete_if_done(run, "caller") == "ended"
    assert night.plan.called.count("batch_get_item") == 4
    assert len(night.plan.called) < 20
    assert joined(night)["mentor_ids_paused"] == [str(mentor) for mentor in mentors]


def test_the_monitor_ends_a_completion_that_nobody_goes_on_with(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: its message was lost, and the lock is free."""
    night = monitor.night
    run = closed_run(night, paused(night, roster, 4), 1)
    caller = completion(night, seconds_left=stops_after(1))
    assert caller.complete_if_done(run, "first") == "unfinished"
    night.clock.advance(4000)
    assert monitor()["hung_runs"] == {str(run.job_run_id): True}
    assert joined(night)["paused_count"] == 4


def test_a_completion_without_time_saves_its_place_after_each_page(
    night: Night, roster: Roster
) -> None:
    """E8: each page asks the database, which is slow; no page is added twice."""
    run = failed_run(night, roster, 4)
    states = list[str]()
    while "ended" not in states:
        caller = completion(night, batches=Batches(), seconds_left=lambda: 0.0)
        states.append(caller.complete_if_done(run, f"caller {len(states)}"))
    assert states == ["unfinished"] * 3 + ["ended"]
    assert night.database_calls("list_run_outcomes") == 4
    assert joined(night)["error_count"] == 4


@dataclass(frozen=True)
class Overtaken(Database):
    """A database that is slow to end a row; another caller completes the run meanwhile."""

    meanwhile: Callable[[], object] = object

    def finish_execution(self, totals: Totals, status: Any, error: str | None) -> Finished:
        """See `Database.finish_execution`."""
        self.meanwhile()
        return super().finish_execution(totals, status, error)


def test_a_caller_whose_claim_ran_out_says_nothing_more(night: Night, roster: Roster) -> None:
    """E7: one summary line and one event, which agree with the row."""
    run = failed_run(night, roster, 2)

    def another_completes_the_run() -> None:
        night.clock.advance(41)
        assert night.engine.completion.complete_if_done(run, "second") == "ended"

    slow = Overtaken(night.transport, night.retry, another_completes_the_run)
    assert completion(night, database=slow).complete_if_done(run, "first") == "claimed_by_another"
    assert len(night.lines("run completed")) == 1
    assert len(night.events.details) == 1


_CALLS_UNTIL_THE_ROW_HAS_ENDED = 11
"""Claim, release, checkpoint, pages, two outcomes, checkpoint, notify, day, warnings, row."""


def test_a_run_is_decided_once_although_its_first_caller_dies(night: Night, roster: Roster) -> None:
    """E7: the lock is free, and another run pauses a mentor who counts as an error here."""
    run = failed_run(night, roster, 2)
    caller = night.engine.completion
    night.plan.then("dies after", after=_CALLS_UNTIL_THE_ROW_HAS_ENDED - 1)
    with pytest.raises(ProcessDied):
        caller.complete_if_done(run, "first")
    (row,) = roster.log()
    assert (row["status"], row["error_count"]) == ("completed", 2)
    assert night.fire("another")["status"] == "running"
    night.work_off()
    night.clock.advance(41)
    assert caller.complete_if_done(run, "second") == "ended"
    summary = next(s for s in night.summaries() if s["job_run_id"] == str(run.job_run_id))
    assert (summary["error_count"], summary["skipped_count"]) == (2, 0)
