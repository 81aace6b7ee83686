"""What goes wrong in a night: database, queue, workers, pages, mentors (E4-E8, E10)."""

import time
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from mentor_pause.pages import HandBack
from mentor_pause.runs import PageOutcome
from support.cluster import Cluster
from support.faults import ProcessDied, failures
from support.night import Clients, Night, open_night, run_id
from support.roster import TOMORROW, YESTERDAY, Roster


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
    # acquire, find, scope, open, get, begin; list + plan twice, list; then three tries to send
    night.plan.then("before", "before", "before", after=11)
    answer = night.fire()
    assert answer["status"] == "failed"
    assert "SQS did not take pages 1, 2" in answer["error"]
    (summary,) = night.summaries()
    assert summary["mentor_ids_errored"] == [str(mentor) for mentor in mentors]
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

    # acquire, find, scope, open, get, begin; list + plan twice, list; then send
    night.plan.before_call(12, overtaken)
    assert night.fire()["status"] == "superseded"
    assert [page.outcome for page in night.ledger.pages(run_id())] == [None, None]
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

    # acquire, find, scope, open, get, begin; list + plan ten times, send; then mark
    night.plan.before_call(28, go_away)
    assert night.fire()["status"] == "running"
    night.work_off()
    (summary,) = night.summaries()
    assert (summary["paused_count"], summary["error_count"]) == (30, 0)
    assert [row["status"] for row in roster.log()] == ["failed"]


def test_a_run_whose_opening_comes_too_late_is_ended_by_the_next_one(
    night: Night, roster: Roster
) -> None:
    """D6, E8: the dispatcher has given up by then."""
    roster.add_mentors(2)
    night.plan.then("late", "late", "late", after=3)  # acquire, find, scope; then open
    assert night.fire()["status"] == "failed"
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
        night.plan.then(*failures(6), after=1)
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
    ledger.close_page(run_id(), 1, [first, second], PageOutcome(done=(first, second)), now)
    ledger.close_page(run_id(), 1, [first, second], PageOutcome(errored=(first, second)), now)
    (page,) = ledger.pages(run_id())
    assert page.outcome == PageOutcome(done=(first, second))


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
