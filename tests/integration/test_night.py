"""A night from the firing to the summary, when all is well and when it is not (D, E)."""

import time
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from mentor_pause.errors import LeaseLost
from mentor_pause.lock import Lock
from mentor_pause.pages import HandBack
from mentor_pause.runs import Firing, PageOutcome
from support.cluster import Cluster
from support.faults import Fault, ProcessDied
from support.night import JOB, LEASES, Clients, Night, open_night, run_id
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

FAILURES: list[Fault] = ["before"] * 6
"""Three tries for each of two mentors."""


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
    night.plan.then(*FAILURES, *FAILURES)
    assert night.handle(event)["status"] == "failed"
    night.plan.then()
    night.work_off()
    assert [(row["status"], row["paused_count"]) for row in roster.log()] == [("completed", 4)]


def test_a_bus_that_is_down_does_not_keep_the_run_open(night: Night, roster: Roster) -> None:
    """E8, E11: the missing announcement is an error in the log."""
    roster.add_mentors(1)
    night.fire()
    (message,) = night.receive()
    night.plan.then("before", "before", "before", after=7)
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
    """D7: wherever it dies, the repeated firing goes on with the same run."""
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


def test_a_holder_that_lost_its_lease_cannot_plan_another_page(
    night: Night, roster: Roster
) -> None:
    """D6: the fence, not the clock, keeps it from writing."""
    roster.add_mentors(2)
    firing = Firing(JOB, ORG, "schedule", "night-1", "test")
    lock = night.ledger.locks.acquire(firing, "holder", night.clock(), LEASES.dispatch)
    assert isinstance(lock, Lock)
    night.ledger.open_run(firing, TODAY, night.clock())
    night.clock.advance(LEASES.dispatch)
    assert night.fire("night-2")["status"] == "running"
    with pytest.raises(LeaseLost):
        night.ledger.plan_page(lock, 1, [uuid4()], night.clock())
    assert list(night.ledger.pages(run_id("night-1"))) == []


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


def test_without_a_day_the_organisations_today_is_taken_once_for_the_run(
    night: Night, roster: Roster
) -> None:
    """E1: as_of travels with every page."""
    roster.add_mentors(4)
    night.fire(as_of=None)
    (row,) = roster.rows("select today from assert_org_scope(%s, 'hlf')", roster.org_id)
    assert {page.as_of for page in night.pages()} == {row["today"]}
    assert roster.log()[0]["as_of"] == row["today"]


def test_a_database_that_is_down_at_the_start_fails_the_run_and_frees_the_lock(
    night: Night, roster: Roster
) -> None:
    """E6, D5: said plainly; the next firing can run."""
    roster.add_mentors(2)
    # acquire, then find_run, then three tries at the scope
    night.plan.then("ok", "ok", "before", "before", "before")
    assert (night.fire()["status"], night.fire("night-2")["status"]) == ("failed", "running")
    assert [row["status"] for row in roster.log()] == ["failed", "running"]


def test_a_queue_that_is_down_fails_the_run_with_every_mentor_accounted_for(
    night: Night, roster: Roster
) -> None:
    """E8: what could not be sent counts as errors; processed equals dispatched."""
    mentors = roster.add_mentors(5)
    # acquire, find, scope, begin, put, get; list + plan twice, list; then three tries to send
    night.plan.then("before", "before", "before", after=11)
    answer = night.fire()
    assert answer["status"] == "failed"
    assert "SQS did not take pages 1, 2" in answer["error"]
    (summary,) = night.summaries()
    assert summary["mentor_ids_errored"] == [str(mentor) for mentor in mentors]
    assert [(row["status"], row["error_count"]) for row in roster.log()] == [("failed", 5)]


def test_renewed_paused_locked_and_failing_mentors_leave_the_rest_of_the_page_alone(
    night: Night, roster: Roster, cluster: Cluster
) -> None:
    """E4-E6: between paging and work the world moves on."""
    fine, renewed, on_leave, locked, failing, also_fine = roster.add_mentors(6)
    night.fire()
    roster.certify(renewed, TOMORROW)
    roster.db.execute("update peer_mentors set status = 'paused' where id = %s", (on_leave,))
    roster.fail_for(failing)
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as holder:
        holder.execute("select from peer_mentors where id = %s for update", (locked,))
        night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(fine), str(also_fine)]
    assert summary["mentor_ids_errored"] == [str(locked), str(failing)]
    assert (summary["processed_count"], summary["skipped_count"]) == (6, 2)
    errors = {line["mentor_id"]: line["sqlstate"] for line in night.lines("mentor not paused")}
    assert errors == {str(locked): "55P03", str(failing): "P0001"}


def test_a_redelivered_page_changes_nothing(night: Night, roster: Roster) -> None:
    """E9: before and after its run has ended."""
    roster.add_mentors(6)
    night.fire()
    first, second = night.receive()
    for message in (first, first, second, second, first):
        assert night.deliver(message)
    (summary,) = night.summaries()
    assert (summary["processed_count"], summary["paused_count"]) == (6, 6)
    assert (len(roster.history()), len(night.events.details)) == (6, 1)


def test_a_worker_killed_half_way_is_replaced_and_its_mentors_are_reported(
    night: Night, roster: Roster
) -> None:
    """E8, E9: what was paused before comes back as replayed, and counts as paused."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    night.plan.then("ok", "ok", "dies after")
    with pytest.raises(ProcessDied):
        night.deliver(message)
    assert len(roster.history()) == 2
    assert night.deliver(message, receive_count=2)
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert len(roster.history()) == 3


@pytest.mark.parametrize("calls_before", range(11))
def test_whoever_dies_while_completing_the_run_is_replaced(
    night: Night, roster: Roster, calls_before: int
) -> None:
    """E8: the message was not acknowledged, so it comes again."""
    roster.add_mentors(2)
    roster.add_coordinator(chapters=[roster.chapter_id])
    night.fire()
    (message,) = night.receive()
    night.plan.then("dies after", after=calls_before)
    with pytest.raises(ProcessDied):
        night.deliver(message)
    night.clock.advance(400)
    assert night.deliver(message, receive_count=2)
    assert {s["paused_count"] for s in night.summaries()} == {2}
    assert [row["status"] for row in roster.log()] == ["completed"]
    assert len(roster.rows("select from coordinator_notifications")) == 1
    assert night.fire("night-2")["status"] == "completed"


def test_a_page_in_the_dead_letter_queue_counts_as_errors_and_the_run_completes(
    night: Night, roster: Roster
) -> None:
    """E8."""
    mentors = roster.add_mentors(6)
    night.fire()
    good, poisoned = night.receive()
    assert night.deliver(good)
    assert night.deliver(poisoned, dead=True)
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors[:3]]
    assert summary["mentor_ids_errored"] == [str(mentor) for mentor in mentors[3:]]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_mentor_that_a_dead_worker_did_pause_is_reported_as_paused(
    night: Night, roster: Roster
) -> None:
    """E8: the history knows; only the answer was lost."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    night.plan.then("ok", "dies after")
    with pytest.raises(ProcessDied):
        night.deliver(message)
    assert night.deliver(message, dead=True)
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentors[0])]
    assert summary["mentor_ids_errored"] == [str(mentor) for mentor in mentors[1:]]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "{}",
        "[]",
        '{"version": 2}',
        '{"version": 1, "job_name": "certification_expiry"}',
    ],
)
@pytest.mark.parametrize("dead", [False, True])
def test_a_message_that_is_no_page_is_refused_whole(
    night: Night, roster: Roster, body: str, dead: bool
) -> None:
    """Logged by its id, not by its content; never half-applied."""
    assert not night.deliver({"Body": body}, dead=dead)
    (line,) = night.lines("page not done")
    assert line["reason"].startswith("not a valid MentorPage")
    assert roster.history() == []


def test_a_page_of_another_organisation_or_job_is_refused(night: Night, roster: Roster) -> None:
    """D8, again at the worker."""
    roster.add_mentors(1)
    night.fire()
    (page,) = night.pages()
    for other in ({"org_id": uuid4()}, {"job_name": "hlf_sync"}):
        body = page.model_copy(update=other).model_dump_json()
        assert not night.deliver({"Body": body})
    assert roster.history() == []


def test_a_worker_short_of_time_hands_its_page_back_soon(night: Night, roster: Roster) -> None:
    """E10: what it did already comes back as replayed."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    left = iter([60.0, 60.0, 5.0])
    with pytest.raises(HandBack, match="time ran short after 2 mentors"):
        night.consume(night.record(message), lambda: next(left))
    assert night.lines("page not done")[-1]["again_in"] == 1
    assert len(roster.history()) == 2
    assert night.deliver(message)
    assert night.summaries()[0]["mentor_ids_paused"] == [str(mentor) for mentor in mentors]


def test_a_page_stops_early_when_the_database_is_down_and_waits_longer_each_time(
    night: Night, roster: Roster
) -> None:
    """E6: two mentors without an answer are enough; the page is for later."""
    roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    for receive_count, wait in ((1, 60), (2, 120), (5, 900)):
        night.plan.then(*FAILURES, after=1)
        assert not night.deliver(message, receive_count=receive_count)
        assert night.plan.injected == 6
        assert night.lines("page not done")[-1]["again_in"] == wait
    night.plan.then()
    assert night.deliver(message)
    assert night.summaries()[0]["paused_count"] == 3


def test_a_mentor_whose_own_call_kills_the_connection_does_not_stop_the_page(
    night: Night, roster: Roster
) -> None:
    """E5: the next one was answered, so the database is there."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    night.plan.then("ok", "ok", "before", "before", "before")
    assert night.deliver(message)
    (summary,) = night.summaries()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    assert summary["paused_count"] == 2


def test_who_meets_another_completing_the_run_comes_again(night: Night, roster: Roster) -> None:
    """E8: not acknowledged until the run has ended, in case the other one dies."""
    roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    assert night.ledger.claim_completion(run_id(), "somebody", night.clock())
    assert not night.deliver(message)
    assert (night.lines("page not done")[-1]["again_in"], night.summaries()) == (60, [])
    night.clock.advance(61)
    assert night.deliver(message)
    assert len(night.summaries()) == 1


def test_a_page_of_a_run_that_the_ledger_does_not_know_is_done_all_the_same(
    night: Night, roster: Roster
) -> None:
    """Nothing is lost when the ledger was."""
    mentors = roster.add_mentors(2)
    night.fire()
    (page,) = night.pages()
    body = page.model_copy(update={"job_run_id": uuid4()}).model_dump_json()
    assert night.deliver({"Body": body})
    assert [roster.status(mentor) for mentor in mentors] == ["paused", "paused"]


def test_a_job_that_refuses_its_pages_completes_with_everybody_skipped(
    night: Night, roster: Roster
) -> None:
    """What the portal sync does until it is enabled."""
    roster.add_mentors(4)
    night.consume = night.consumer(lambda page, _: PageOutcome(skipped=page.mentor_ids))
    night.fire()
    night.work_off()
    assert [(s["processed_count"], s["skipped_count"]) for s in night.summaries()] == [(4, 4)]


def test_logs_hold_no_personal_data_and_no_certification(night: Night, roster: Roster) -> None:
    """E13: ids of mentors and runs, and no expiry date."""
    mentor = roster.add_mentor(YESTERDAY - timedelta(days=3))
    roster.fail_for(roster.add_mentor(YESTERDAY))
    coordinator = roster.add_coordinator(mentors=[mentor])
    night.fire()
    night.work_off()
    text = night.output.getvalue()
    assert str(mentor) in text
    for secret in (str(coordinator), str(YESTERDAY), str(YESTERDAY - timedelta(days=3))):
        assert secret not in text


def test_locked_mentors_at_the_head_of_a_page_do_not_starve_the_others(
    night: Night, roster: Roster, cluster: Cluster
) -> None:
    """E5, E6: the others have their turn first; then the locked again, while there is time."""
    locked, *others = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    left = iter([60.0, 60.0, 60.0, *[10.0] * 9])
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as holder:
        holder.execute("select from peer_mentors where id = %s for update", (locked,))
        night.consume(night.record(message), lambda: next(left))
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in others]
    assert summary["mentor_ids_errored"] == [str(locked)]


def test_a_page_keeps_its_first_outcome(night: Night, roster: Roster) -> None:
    """E9: whatever a late duplicate of its message comes to."""
    first, second = roster.add_mentors(2)
    night.fire()
    ledger, now = night.ledger, night.clock()
    ledger.close_page(run_id(), 1, [first, second], PageOutcome(paused=(first, second)), now)
    ledger.close_page(run_id(), 1, [first, second], PageOutcome(errored=(first, second)), now)
    (page,) = ledger.pages(run_id())
    assert page.outcome == PageOutcome(paused=(first, second))


def test_five_hundred_mentors_fit_into_one_page_and_one_invocation(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """E10: within 30 s, and one call per mentor."""
    roster.add_mentors(500)
    with open_night(aws, roster, cluster, page_size=500) as night:
        night.fire()
        (message,) = night.receive()
        before, began = night.wire_calls("update_mentor_status"), time.monotonic()
        assert night.deliver(message)
        assert time.monotonic() - began < 30
        assert night.wire_calls("update_mentor_status") - before == 500
        assert night.summaries()[0]["paused_count"] == 500
