"""What goes wrong in a night: database, queue, workers, pages, mentors (E4-E8, E10)."""

import time
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome, Trigger
from mentor_pause.engine.requeue import PageResult
from mentor_pause.errors import InvalidRequest
from mentor_pause.ledger.lock import Lock, lock_key
from support.cluster import Cluster
from support.faults import ProcessDied, failures
from support.night import DELIVERIES, JOB, Clients, Night, open_night, run_id, sqs_record
from support.roster import ORG, TOMORROW, YESTERDAY, Roster


def test_a_database_that_is_down_when_a_person_asks_fails_the_run_and_frees_the_lock(
    night: Night, roster: Roster
) -> None:
    """E6, D5: said plainly; the next trigger can run."""
    roster.add_mentors(2)
    # acquire, then find_run, then three tries at the scope
    night.plan.then("ok", "ok", "before", "before", "before")
    assert night.fire(trigger="manual")["status"] == "failed"
    assert night.fire("night-2")["status"] == "running"
    assert [row["status"] for row in roster.log()] == ["failed", "running"]


def test_a_page_from_another_queue_is_refused(night: Night, roster: Roster) -> None:
    """R5: it may be a dead letter of another stack, and is not worked like a page that is due."""
    (mentor,) = roster.add_mentors(1)
    night.fire()
    (message,) = night.receive()
    record = SQSRecord(sqs_record(message, "another-DeadLetterQueue", 1))
    with pytest.raises(InvalidRequest, match="from a queue that this worker does not read"):
        night.consume(record, night.remaining(60))
    assert roster.status(mentor) == "active"
    (line,) = night.lines("page not done")
    assert line["message_id"] == message.get("MessageId")
    assert night.deliver(message)


@pytest.mark.parametrize("after", range(2, 14))
def test_a_database_that_is_away_when_the_night_begins_delays_the_night(
    night: Night, roster: Roster, after: int
) -> None:
    """R3, R5: the request waits, and its run goes on where it stood; nobody is an error."""
    mentors = roster.add_mentors(7)
    night.plan.then(*failures(3), after=after)
    if night.fire()["status"] == "waiting":
        (request,) = night.waiting()
        night.clock.advance(60)
        assert night.deliver_waiting(request)
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_queue_that_is_down_fails_the_run_with_every_mentor_accounted_for(
    night: Night, roster: Roster
) -> None:
    """E8: what could not be sent counts as errors; processed equals dispatched."""
    mentors = roster.add_mentors(5)
    # acquire, find, scope, day, begin, open, get; list + plan twice, list; then three tries to send
    night.plan.then("before", "before", "before", after=12)
    answer = night.fire(trigger="manual")
    assert answer["status"] == "failed"
    assert "SQS did not accept pages 1, 2" in answer["error"]
    (summary,) = night.summaries()
    assert summary["mentor_ids_errored"] == [str(mentor) for mentor in mentors]
    (group,) = summary["errors"]
    assert group["reason"].startswith("its page was not finished: SQS did not accept pages 1, 2")
    assert [(row["status"], row["error_count"]) for row in roster.log()] == [("failed", 5)]


def test_a_dispatcher_that_fails_after_it_lost_the_lock_gives_nothing_up(
    night: Night, roster: Roster
) -> None:
    """D6: its pages are its successor's; it may not close them as errors."""
    mentors = roster.add_mentors(5)
    fast = night.dispatcher(lambda: night.clock() + timedelta(minutes=2))

    def overtaken() -> None:
        night.plan.then("dies before", after=2)
        with pytest.raises(ProcessDied):
            night.fire(dispatch=fast)
        night.plan.then(*failures(3))  # then the first one's three tries to send

    # acquire, find, scope, day, begin, open, get; list + plan twice, list; then send
    night.plan.before_call(13, overtaken)
    assert night.fire(trigger="manual")["status"] == "superseded"
    assert [page.outcome for page in night.ledger.pages.list(run_id())] == [None, None]
    night.clock.advance(300)
    assert night.fire()["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]


def test_a_database_that_goes_away_while_paging_does_not_keep_the_run_open(
    night: Night, roster: Roster
) -> None:
    """E8: what is on the queue is done once it is back, and ends the run by itself."""
    roster.add_mentors(33)

    def go_away() -> None:
        for function in ("list_expired_mentors", "begin_execution"):
            roster.db.execute(f"alter function {function} rename to {function}_is_away".encode())

    # acquire, find, scope, day, begin, open, get; list + plan ten times, send; then mark
    night.plan.before_call(29, go_away)
    assert night.fire(trigger="manual")["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert (summary["paused_count"], summary["error_count"]) == (30, 0)
    assert [row["status"] for row in roster.log()] == ["failed"]


def test_a_page_whose_planning_lands_late_is_in_the_number_of_pages(
    night: Night, roster: Roster
) -> None:
    """E8, D7: the dispatcher took it for failed; the end of paging looks at what is planned."""
    mentors = roster.add_mentors(7)

    def lands() -> None:
        found = night.ledger.table.get(lock_key(trigger), "LOCK")
        assert found is not None
        lock = Lock(trigger, int(found["fence"]))
        night.ledger.plan_page(lock, 2, mentors[3:6])

    trigger = Trigger(JOB, ORG, "manual", "night-1", "test")
    # acquire, find, scope, day, begin, open, get; list + plan, list; three tries to plan page 2
    night.plan.then(*failures(3), after=10)
    night.plan.before_call(17, lands)  # find, hold, find; then the end of paging
    assert night.fire(trigger="manual")["status"] == "failed"
    run = night.ledger.find_run(run_id())
    assert run is not None
    assert (run.pages_total, run.closed_pages) == (2, frozenset({1, 2}))
    assert night.summaries()[0]["processed_count"] == 6


def test_a_run_whose_opening_comes_too_late_is_ended_by_the_next_one(
    night: Night, roster: Roster
) -> None:
    """D6, E8: the dispatcher has given up by then."""
    roster.add_mentors(2)
    night.plan.then("late", "late", "late", after=5)  # acquire, find, scope, day, begin; then open
    assert night.fire(trigger="manual")["status"] == "failed"
    night.plan.arrive()
    opened = night.ledger.find_run(run_id())
    assert opened is not None
    assert opened.status == "running"
    assert night.fire("night-2")["status"] == "running"
    night.work_off()
    rows = {row["job_run_id"]: row["status"] for row in roster.log()}
    assert rows == {run_id(): "failed", run_id("night-2"): "completed"}
    ended = night.ledger.find_run(run_id())
    assert ended is not None
    assert ended.status == "failed"


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
        roster.db.execute("alter function update_mentor_status set lock_timeout = '20ms'")
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
    night.plan.then("dies after", after=3)  # find run and page, one mentor; then the second
    with pytest.raises(ProcessDied):
        night.deliver(message)
    assert len(roster.history()) == 2
    assert night.deliver(message, receive_count=2)
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert len(roster.history()) == 3


@pytest.mark.parametrize("calls_before", range(12))
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
    night.plan.then("dies after", after=2)  # find run and page; then the first mentor
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


def test_a_worker_short_of_time_keeps_its_progress_and_the_next_one_goes_on(
    night: Night, roster: Roster
) -> None:
    """E10, R1: as a fresh message, and no mentor is asked about twice."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    left = iter([60.0, 60.0, 60.0, 60.0, 5.0])
    night.consume(night.record(message), lambda: next(left))
    (line,) = night.lines("page requeued")
    assert (line["reason"], line["has_progress"]) == ("time ran short after 2 mentors", True)
    assert (len(roster.history()), night.sqs.delays) == (2, [1])
    asked = night.wire_calls("update_mentor_status")
    (again,) = night.receive()
    page, before = MentorPage.parse(again["Body"]), MentorPage.parse(message["Body"])
    assert page == before.model_copy(update={"copy_number": 1})
    assert night.deliver(again)
    assert night.wire_calls("update_mentor_status") - asked == 1
    assert night.summaries()[0]["mentor_ids_paused"] == [str(mentor) for mentor in mentors]


def test_a_page_ends_however_many_invocations_it_takes(night: Night, roster: Roster) -> None:
    """R1: one mentor at a time, each delivery is a first one, and nothing fails."""
    mentors = roster.add_mentors(3)
    night.fire()
    for _ in mentors:
        (message,) = night.receive()
        left = iter([60.0, 60.0, 60.0])
        night.consume(night.record(message), lambda left=left: next(left, 5.0))
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert night.lines("page requeued")[0]["has_progress"]


def test_deliveries_without_progress_count_and_in_the_end_the_page_fails_with_what_it_has(
    night: Night, roster: Roster, cluster: Cluster
) -> None:
    """R1, E8: only who was locked to the very end is an error."""
    locked, *others = roster.add_mentors(3)
    night.fire()
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as holder:
        holder.execute("select from peer_mentors where id = %s for update", (locked,))
        roster.db.execute("alter function update_mentor_status set lock_timeout = '20ms'")
        night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in others]
    assert summary["mentor_ids_errored"] == [str(locked)]
    puts_back = [line["has_progress"] for line in night.lines("page requeued")]
    assert puts_back == [True, *[False] * DELIVERIES]


def test_the_mentors_who_are_free_are_paused_before_anybody_waits_for_a_lock(
    night: Night, roster: Roster, cluster: Cluster
) -> None:
    """R1: and once the lock is released, the locked one too, in the same invocation."""
    locked, *others = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as holder:
        holder.execute("select from peer_mentors where id = %s for update", (locked,))

        def release() -> None:
            assert [roster.status(mentor) for mentor in others] == ["paused", "paused"]
            holder.rollback()

        night.plan.before_call(6, release)  # find run and page, three mentors; then the wait
        assert night.deliver(message)
    assert night.summaries()[0]["paused_count"] == 3


def test_a_page_waits_for_the_database_as_long_as_it_takes(night: Night, roster: Roster) -> None:
    """E6, R3: its deliveries do not count, the run moves, and says why it had to wait."""
    roster.add_mentors(3)
    night.fire()
    for _ in range(12):
        (message,) = night.receive()
        night.plan.then(*failures(3), after=2)
        night.clock.advance(600)
        assert night.deliver(message)
        run = night.ledger.find_run(run_id())
        assert run is not None
        assert (run.active_at, run.wait_reason) == (night.clock(), "gone")
    night.plan.then()
    night.work_off()
    assert night.summaries()[0]["paused_count"] == 3
    assert [row["error"] for row in roster.log()] == ["pages had to wait: gone"]


def test_a_mentor_whose_own_call_kills_the_connection_does_not_stop_the_page(
    night: Night, roster: Roster
) -> None:
    """E5: the database answers other questions, so it is there."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    # find run and page, one mentor; the second one fails, the probe and the third one do not
    night.plan.then(*failures(2), "ok", "ok", *failures(2), after=3)
    assert night.deliver(message)
    (summary,) = night.summaries()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    assert summary["paused_count"] == 2


def test_who_meets_another_completing_the_run_comes_again(night: Night, roster: Roster) -> None:
    """E8: not acknowledged until the run has ended, in case the other one dies."""
    roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    assert night.ledger.claim_completion(run_id(), "somebody")
    assert night.deliver(message)
    assert (night.sqs.delays, night.summaries()) == ([60], [])
    night.clock.advance(61)
    night.work_off()
    assert len(night.summaries()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"job_run_id": uuid4()}, {"page": 2}, {"dry_run": True}, {"as_of": TOMORROW},
        {"mentor_ids": (uuid4(),)},
    ],
)  # fmt: skip
def test_a_page_that_no_dispatcher_has_planned_pauses_nobody(
    night: Night, roster: Roster, change: dict[str, object]
) -> None:
    """R5: a right to send to the queue is not enough to make up a page."""
    mentors = roster.add_mentors(2)
    night.fire()
    (page,) = night.pages()
    body = page.model_copy(update=change).model_dump_json()
    assert not night.deliver({"Body": body})
    assert [roster.status(mentor) for mentor in mentors] == ["active", "active"]
    (line,) = night.lines("page not done")
    assert line["again_in"] == 0, "on its way to the dead letters"


def test_a_page_of_a_dry_runs_id_pauses_nobody(night: Night, roster: Roster) -> None:
    """R5: a real page under a dry run is not as the dry run planned it."""
    (mentor,) = roster.add_mentors(1)
    night.fire(dry_run=True)
    (page,) = night.pages()
    assert not night.deliver({"Body": page.model_copy(update={"dry_run": False}).model_dump_json()})
    assert roster.status(mentor) == "active"


def test_a_job_that_refuses_its_pages_completes_with_everybody_skipped(
    night: Night, roster: Roster
) -> None:
    """What the portal sync does until it is enabled."""
    roster.add_mentors(4)
    night.consume = night.consumer(lambda page, _: PageResult(PageOutcome(skipped=page.mentor_ids)))
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


def test_a_page_keeps_its_first_outcome(night: Night, roster: Roster) -> None:
    """E9: whatever a late duplicate of its message comes to."""
    first, second = roster.add_mentors(2)
    night.fire()
    ledger = night.ledger
    ledger.pages.close(run_id(), 1, [first, second], PageOutcome(applied=(first, second)))
    ledger.pages.close(run_id(), 1, [first, second], PageOutcome(errored=(first, second)))
    (page,) = ledger.pages.list(run_id())
    assert page.outcome == PageOutcome(applied=(first, second))


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


@pytest.mark.parametrize("after", range(16))
def test_wherever_a_dispatcher_dies_the_repeated_firing_sees_the_run_to_its_end(
    night: Night, roster: Roster, after: int
) -> None:
    """E7, E8: also one that has given its lock back; the line and the event are never missing."""
    roster.add_mentor(TOMORROW)
    night.plan.then("dies before", after=after)
    try:
        night.fire()
    except ProcessDied:
        night.clock.advance(60)
        night.plan.then()
        night.fire()
    run = night.ledger.find_run(run_id())
    assert run is not None
    assert run.status == "completed"
    assert [row["status"] for row in roster.log() if row["status"] != "duplicate"] == ["completed"]
    assert (len(night.summaries()) >= 1, len(night.events.details) >= 1) == (True, True)


def test_a_message_that_can_never_be_done_comes_back_at_once(night: Night) -> None:
    """E8: it is on its way to the dead letters; SQS is told, not only the log."""
    night.sqs.send_message(QueueUrl=night.queue_url, MessageBody='{"version": 9}')
    (message,) = night.receive()
    assert night.receive() == []
    assert not night.deliver(message)
    (again,) = night.receive()
    assert again["MessageId"] == message["MessageId"]
    assert night.lines("page not done")[-1]["message_id"] == message["MessageId"]
