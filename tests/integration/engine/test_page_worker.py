"""A page ends exactly once, whatever happens to its workers (E8 to E10, R1)."""

from dataclasses import replace

import psycopg
import pytest

from mentor_pause.domain.error_reasons import RequeueReason
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.requeue import PageResult, Requeue
from support.cluster import Cluster
from support.faults import ProcessDied, failures
from support.night import DELIVERIES, Night, run_id
from support.roster import Roster


def test_a_redelivered_page_changes_nothing(night: Night, roster: Roster) -> None:
    """E9: before the run has ended, and after it."""
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
    """E8, E9: the change that the killed worker made is replayed, and counts as paused."""
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


def test_a_page_in_the_dead_letter_queue_counts_as_errors_and_the_run_completes(
    night: Night, roster: Roster
) -> None:
    """E8: only the mentors of this page are errors."""
    mentors = roster.add_mentors(6)
    night.fire()
    good, poisoned = night.receive()
    assert night.deliver(good)
    assert night.deliver(poisoned, dead=True)
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors[:3]]
    assert summary["mentor_ids_errored"] == [str(mentor) for mentor in mentors[3:]]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_mentor_whom_a_dead_worker_has_paused_is_reported_as_paused(
    night: Night, roster: Roster
) -> None:
    """E8: the history has the change, although the worker's answer was lost."""
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


def test_a_worker_short_of_time_keeps_its_progress_and_the_next_one_goes_on(
    night: Night, roster: Roster
) -> None:
    """E10, R1: the worker requeues the page as a new message. No mentor is updated twice."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    left = iter([60.0, 60.0, 60.0, 60.0, 5.0])
    night.consume(night.record(message), lambda: next(left))
    (line,) = night.lines("page requeued")
    assert (line["reason"], line["has_progress"]) == ("time ran short after 2 mentors", True)
    assert (len(roster.history()), night.sqs.delays) == (2, [1])
    asked = night.database_calls("update_mentor_status")
    (again,) = night.receive()
    page, before = MentorPage.parse(again["Body"]), MentorPage.parse(message["Body"])
    assert page == before.model_copy(update={"copy_number": 1})
    assert night.deliver(again)
    assert night.database_calls("update_mentor_status") - asked == 1
    assert night.summaries()[0]["mentor_ids_paused"] == [str(mentor) for mentor in mentors]


def test_a_page_ends_however_many_invocations_it_takes(night: Night, roster: Roster) -> None:
    """R1: each invocation processes one mentor and requeues the page, and no delivery fails."""
    mentors = roster.add_mentors(3)
    night.fire()
    for _ in mentors:
        (message,) = night.receive()
        left = iter([60.0, 60.0, 60.0])
        night.consume(night.record(message), lambda left=left: next(left, 5.0))
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in mentors]
    assert night.lines("page requeued")[0]["has_progress"]


def test_deliveries_without_progress_count_and_the_last_one_fails_the_page(
    night: Night, roster: Roster, cluster: Cluster
) -> None:
    """R1, E8: only the mentor who stays locked until the end is an error."""
    locked, *others = roster.add_mentors(3)
    night.fire()
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as holder:
        holder.execute("select from peer_mentors where id = %s for update", (locked,))
        roster.db.execute("alter function update_mentor_status set lock_timeout = '20ms'")
        night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(mentor) for mentor in others]
    assert summary["mentor_ids_errored"] == [str(locked)]
    has_progress = [line["has_progress"] for line in night.lines("page requeued")]
    assert has_progress == [True, *[False] * DELIVERIES]


def test_a_page_waits_for_the_database_as_long_as_it_takes(night: Night, roster: Roster) -> None:
    """E6, R3: these deliveries do not count.

    The run stays active, and its row says why it waited.
    """
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


def test_a_job_that_skips_its_pages_completes_with_all_mentors_skipped(
    night: Night, roster: Roster
) -> None:
    """The portal sync does this while the portal is switched off."""
    roster.add_mentors(4)
    night.consume = night.consumer(lambda page, _: PageResult(PageOutcome(skipped=page.mentor_ids)))
    night.fire()
    night.work_off()
    assert [(s["processed_count"], s["skipped_count"]) for s in night.summaries()] == [(4, 4)]


def test_a_page_keeps_its_first_outcome(night: Night, roster: Roster) -> None:
    """E9: a late duplicate of the message does not replace it."""
    first, second = roster.add_mentors(2)
    night.fire()
    ledger = night.ledger
    ledger.pages.close(run_id(), 1, [first, second], PageOutcome(applied=(first, second)))
    ledger.pages.close(run_id(), 1, [first, second], PageOutcome(errored=(first, second)))
    (page,) = ledger.pages.list(run_id())
    assert page.outcome == PageOutcome(applied=(first, second))


def test_a_page_that_another_process_closed_meanwhile_is_not_sent_again(
    night: Night, roster: Roster
) -> None:
    """E8: the work of this worker is late, so the run ends with the first outcome."""
    mentors = tuple(roster.add_mentors(3))
    night.fire()
    (message,) = night.receive()

    def closed_meanwhile(page: MentorPage, _: object) -> PageResult:
        night.ledger.pages.close(run_id(), page.page, mentors, PageOutcome(skipped=mentors))
        return PageResult(PageOutcome(), Requeue("time ran short", 1))

    night.consume = replace(night.consume, work=closed_meanwhile)
    assert night.deliver(message)
    assert night.receive() == []
    (summary,) = night.summaries()
    assert (summary["skipped_count"], summary["error_count"]) == (3, 0)


def test_a_page_that_has_failed_keeps_its_remark_and_its_reasons(
    night: Night, roster: Roster
) -> None:
    """R1: whoever is left has the reason of the last delivery; without anybody it is a remark."""
    mentors = roster.add_mentors(6)
    night.fire()
    first, second = night.receive()
    whole = PageOutcome(skipped=tuple(mentors[:3]))
    night.ledger.pages.save_progress(run_id(), 1, whole, RequeueReason("portal not read", 5))
    night.ledger.pages.save_progress(
        run_id(), 2, PageOutcome(skipped=(mentors[3],)), RequeueReason("locked", 5)
    )
    for message in (first, second):
        assert night.deliver(message, dead=True)
    (row,) = roster.log()
    assert "its page failed 5 times, last: portal not read" in row["error"]
    (group,) = night.summaries()[0]["errors"]
    assert (group["reason"], group["count"]) == ("its page failed 5 times, last: locked", 2)
    pages = night.ledger.pages.list(run_id())
    assert [page.outcome and page.outcome.note for page in pages] == [
        "its page failed 5 times, last: portal not read", "",
    ]  # fmt: skip
