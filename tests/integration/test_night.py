"""A night from the trigger to the summary, when all is well and when it is not (D, E)."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.errors import LeaseLost
from mentor_pause.ledger.lock import Lock
from support.faults import Fault, ProcessDied, failures
from support.night import JOB, LEASES, Night, run_id
from support.roster import ORG, TODAY, TOMORROW, Roster


def test_a_night_pauses_the_expired_and_says_so(night: Night, roster: Roster) -> None:
    """E1-E3, E7, E11: ids, counts, log row, event, notification."""
    expired = roster.add_mentors(7)
    roster.add_mentor(TOMORROW)
    coordinator = roster.add_coordinator(chapters=[roster.chapter_id])
    assert night.fire()["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert summary == {
        "job_run_id": str(run_id()),
        "processed_count": 7,
        "paused_count": 7,
        "skipped_count": 0,
        "error_count": 0,
        "errors": [],
        "mentor_ids_paused": [str(mentor) for mentor in expired],
        "mentor_ids_errored": [],
    }
    assert [row["mentor_id"] for row in roster.history()] == expired
    (row,) = roster.log()
    assert (row["status"], row["paused_count"], row["trigger"]) == ("completed", 7, "schedule")
    (told,) = roster.rows("select * from coordinator_notifications")
    assert (told["coordinator_id"], told["mentor_ids"]) == (coordinator, expired)
    (event,) = night.events.details
    assert (event["job_run_id"], event["paused_count"]) == (str(run_id()), 7)


def test_a_night_without_expired_mentors_completes_at_once(night: Night, roster: Roster) -> None:
    """E8: nothing to do is a result too."""
    roster.add_mentor(TOMORROW)
    assert night.fire()["status"] == "completed"
    assert [s["processed_count"] for s in night.summaries()] == [0]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_second_run_on_the_same_day_pauses_nobody(night: Night, roster: Roster) -> None:
    """E9."""
    roster.add_mentors(4)
    night.fire()
    night.work_off()
    assert night.fire("night-2")["status"] == "completed"
    assert [s["paused_count"] for s in night.summaries()] == [4, 0]
    assert len(roster.history()) == 4


@pytest.mark.parametrize("when", ["while it runs", "after it ended", "after the next night"])
def test_the_same_firing_again_is_a_duplicate_with_a_row(
    night: Night, roster: Roster, when: str
) -> None:
    """D4, D6: whenever it comes."""
    roster.add_mentors(4)
    night.fire()
    if when != "while it runs":
        night.work_off()
    if when == "after the next night":
        night.fire("night-2")
    answer = night.fire()
    assert (answer["status"], answer["job_run_id"]) == ("duplicate", str(run_id()))
    assert roster.log()[-1]["status"] == "duplicate"
    assert roster.log()[-1]["job_run_id"] == run_id()
    if when == "after the next night":  # and the lock was given back
        assert night.fire("night-3")["status"] == "completed"


def test_another_firing_while_a_run_goes_on_is_refused_with_a_row(
    night: Night, roster: Roster
) -> None:
    """D6: one run of a job at a time; the row names the run that is in the way."""
    roster.add_mentors(4)
    night.fire()
    assert night.fire("by hand")["status"] == "refused"
    assert str(run_id()) in roster.log()[-1]["error"]
    night.work_off()
    assert night.fire("by hand again")["status"] == "completed"


def test_a_run_that_stops_moving_loses_its_lease_to_the_next_night(
    night: Night, roster: Roster
) -> None:
    """D6: a crashed holder never blocks; its own pages can still be worked off."""
    roster.add_mentors(4)
    night.fire()
    night.clock.advance(LEASES.run + 1)
    assert night.fire("night-2")["status"] == "running"
    night.work_off()
    assert {s["job_run_id"]: s["processed_count"] for s in night.summaries()} == {
        str(run_id()): 4,
        str(run_id("night-2")): 4,
    }
    assert len(roster.history()) == 4


def test_the_next_firing_ends_a_run_that_was_abandoned_while_paging(
    night: Night, roster: Roster
) -> None:
    """E8: whose dispatcher died for good; its mentors are told of, the rest is the next run's."""
    mentors = roster.add_mentors(35)
    roster.add_coordinator(chapters=[roster.chapter_id])
    night.plan.then("dies before", after=29)  # ten pages are sent, an eleventh is planned
    with pytest.raises(ProcessDied):
        night.fire()
    night.work_off()
    assert night.summaries() == []
    night.clock.advance(LEASES.dispatch)
    assert night.fire("night-2")["status"] == "running"
    night.work_off()
    first, second = night.summaries()
    assert (first["job_run_id"], second["job_run_id"]) == (str(run_id()), str(run_id("night-2")))
    assert (first["paused_count"], second["paused_count"]) == (30, 5)
    assert sorted(first["mentor_ids_paused"] + second["mentor_ids_paused"]) == [
        str(mentor) for mentor in mentors
    ]
    assert [row["status"] for row in roster.log()] == ["failed", "completed"]
    assert "took over" in roster.log()[0]["error"]
    assert len(roster.rows("select from coordinator_notifications")) == 2


@pytest.mark.parametrize(
    "event",
    [
        {"job_name": JOB, "trigger": "schedule", "trigger_id": "night-1", "surprise": 1},
        {"job_name": JOB, "trigger": "schedule", "trigger_id": "night-1"},
    ],
)
def test_a_failing_delivery_of_the_same_firing_leaves_the_live_run_alone(
    night: Night, roster: Roster, event: dict[str, str]
) -> None:
    """D4: the row is the run's; what it comes to is told by its completion."""
    roster.add_mentors(4)
    night.fire()
    night.plan.then(*failures(12))
    assert night.handle(event)["status"] == "failed"
    night.plan.then()
    night.work_off()
    assert [(row["status"], row["paused_count"]) for row in roster.log()] == [("completed", 4)]


def test_a_bus_that_is_down_does_not_keep_the_run_open(night: Night, roster: Roster) -> None:
    """E8, E11: the missing announcement is an error in the log."""
    roster.add_mentors(1)
    night.fire()
    (message,) = night.receive()
    night.plan.then("before", "before", "before", after=10)
    assert night.deliver(message)
    assert [row["status"] for row in roster.log()] == ["completed"]
    assert (night.events.details, len(night.lines("run not announced"))) == ([], 1)


def test_a_page_that_is_closed_keeps_a_long_night_alive(night: Night, roster: Roster) -> None:
    """D6: the lease follows the pages."""
    roster.add_mentors(6)
    night.fire()
    first, second = night.receive()
    night.clock.advance(LEASES.run - 10)
    assert night.deliver(first)
    night.clock.advance(LEASES.run - 10)
    assert night.fire("night-2")["status"] == "refused"
    assert night.deliver(second)
    assert [s["processed_count"] for s in night.summaries()] == [6]


@pytest.mark.parametrize("calls_before", range(14))
@pytest.mark.parametrize("how", ["dies before", "dies after"])
def test_a_dispatcher_that_dies_is_resumed_without_a_page_lost_or_doubled(
    night: Night, roster: Roster, calls_before: int, how: Fault
) -> None:
    """D7: wherever it dies, the repeated trigger goes on with the same run."""
    mentors = roster.add_mentors(8)
    night.plan.then(how, after=calls_before)
    with pytest.raises(ProcessDied):
        night.fire()
    for message in night.receive():  # what was sent is worked off meanwhile
        night.deliver(message)
    night.clock.advance(60)  # Lambda repeats the delivery after a minute
    assert night.fire()["status"] in ("running", "completed")
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert [row["mentor_id"] for row in roster.history()] == mentors
    assert [row["status"] for row in roster.log()] == ["completed"]


@pytest.mark.parametrize("calls_before", range(16))
def test_an_answer_that_a_dispatcher_loses_costs_nothing(
    night: Night, roster: Roster, calls_before: int
) -> None:
    """D7: the write landed, and the repeated call finds its own."""
    mentors = roster.add_mentors(8)
    night.plan.then("after", after=calls_before)
    assert night.fire()["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert [page.number for page in night.ledger.pages.list(run_id())] == [1, 2, 3]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_holder_that_lost_its_lease_cannot_plan_another_page(
    night: Night, roster: Roster
) -> None:
    """D6: the fence, not the clock, keeps it from writing."""
    roster.add_mentors(2)
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "test")
    lock = night.ledger.locks.acquire(trigger, "holder", LEASES.dispatch)
    assert isinstance(lock, Lock)
    night.ledger.open_run(lock, TODAY)
    night.clock.advance(LEASES.dispatch)
    assert night.fire("night-2")["status"] == "running"
    with pytest.raises(LeaseLost):
        night.ledger.plan_page(lock, 1, [uuid4()])
    assert list(night.ledger.pages.list(run_id("night-1"))) == []


def test_a_holder_that_lost_its_lease_opens_no_run_that_nobody_would_end(
    night: Night, roster: Roster
) -> None:
    """D6, E8: who took over has given the run up already, and looks for it no more."""
    roster.add_mentors(2)
    fast = night.dispatcher(lambda: night.clock() + timedelta(minutes=2))

    def overtaken() -> None:
        assert night.fire("night-2", dispatch=fast)["status"] == "running"

    night.plan.before_call(6, overtaken)  # acquire, find, scope, day, begin; then open
    assert night.fire("night-1")["status"] == "superseded"
    assert night.ledger.find_run(run_id("night-1")) is None
    night.work_off()
    assert [row["status"] for row in roster.log()] == ["failed", "completed"]


def test_a_run_that_was_opened_and_has_no_row_gets_one_when_it_is_ended(
    night: Night, roster: Roster
) -> None:
    """D4, E8: an earlier version opened it first, and its dispatcher died just there."""
    roster.add_mentors(2)
    night.plan.then("dies before", after=4)  # acquire, find, scope, day; then begin
    with pytest.raises(ProcessDied):
        night.fire("night-1")
    assert roster.log() == []
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "rule")
    night.clock.advance(60)
    lock = night.ledger.locks.acquire(trigger, "other", 45)
    assert isinstance(lock, Lock)
    night.ledger.open_run(lock, TODAY)
    night.clock.advance(120)
    night.fire("night-2")
    night.work_off()
    rows = {row["job_run_id"]: row for row in roster.log()}
    first = rows[run_id("night-1")]
    assert (first["status"], first["processed_count"], first["as_of"]) == ("failed", 0, TODAY)
    assert rows[run_id("night-2")]["paused_count"] == 2


def test_a_wrong_organisation_stops_the_run_before_anything_changes(
    night: Night, roster: Roster
) -> None:
    """D8: a clear error, a failed row, the lock given back."""
    roster.add_mentors(2)
    roster.db.execute("update organisations set slug = 'other'")
    answer = night.fire()
    assert (answer["status"], answer["error"]) == (
        "failed",
        f"organisation {roster.org_id} is other, not hlf",
    )
    (row,) = roster.log()
    assert (row["status"], row["error"]) == ("failed", answer["error"])
    assert (night.receive(), roster.history()) == ([], [])
    roster.db.execute("update organisations set slug = 'hlf'")
    assert night.fire("night-2")["status"] == "running"


def test_a_day_that_has_not_come_is_for_dry_runs_only(night: Night, roster: Roster) -> None:
    """Nobody is paused for a certification that is still valid."""
    (row,) = roster.rows("select today from assert_org_scope(%s, 'hlf')", roster.org_id)
    tomorrow = row["today"] + timedelta(days=1)
    mentor = roster.add_mentor(tomorrow)
    assert night.fire(as_of=tomorrow)["status"] == "failed"
    assert "is after today" in roster.log()[-1]["error"]
    assert night.fire("dry", as_of=tomorrow, dry_run=True)["status"] == "running"
    night.work_off()
    assert night.summaries()[-1]["mentor_ids_paused"] == [str(mentor)]
    assert (roster.status(mentor), roster.history()) == ("active", [])
    assert roster.rows("select from coordinator_notifications") == []


@pytest.mark.parametrize("ahead", [timedelta(days=-1), timedelta(days=1)])
def test_without_a_day_the_organisations_today_is_taken_once_for_the_run(
    night: Night, roster: Roster, ahead: timedelta
) -> None:
    """E1: it is the earlier day of two clocks, and as_of travels with every page."""
    roster.add_mentors(4)
    night.clock.now = datetime.now(UTC) + ahead
    night.fire(as_of=None)
    (row,) = roster.rows(
        "select today, get_org_day(org_id, %s) as by_ledger from assert_org_scope(%s, 'hlf')",
        night.clock.now, roster.org_id,
    )  # fmt: skip
    earlier = min(row["today"], row["by_ledger"])
    assert {page.as_of for page in night.pages()} == {earlier}
    assert roster.log()[0]["as_of"] == earlier
