"""What a worker does with a closed page, by the state of the run's completion (E8, E11, R2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import override
from uuid import UUID

import pytest

from mentor_pause.aws.queues import Delivery, WorkerQueue
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome, Run
from mentor_pause.engine.completion import Completion, CompletionState
from mentor_pause.engine.page_worker import PageWorker
from mentor_pause.engine.requeue import DeliveryFailed, PageResult
from mentor_pause.errors import InvalidRequest
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import seconds_left
from support.aws import Message
from support.night import Night, run_id
from support.roster import ORG, TODAY, Roster


@dataclass(frozen=True)
class Completing(Completion):
    """A completion in a fixed state, which notes the reports."""

    state: CompletionState = "open"
    reports: list[tuple[list[UUID], bool]] = field(default_factory=list[tuple[list[UUID], bool]])

    @override
    def complete_if_done(self, run: Run, claimant: str) -> CompletionState:
        return self.state

    @override
    def report_late_changes(
        self, run: Run, mentor_ids: Sequence[UUID], *, is_late: bool = True
    ) -> None:
        self.reports.append((list(mentor_ids), is_late))


@dataclass(frozen=True)
class Noting(WorkerQueue):
    """A queue that notes for how long messages are to wait."""

    waits: list[int] = field(default_factory=list[int])

    @override
    def requeue(self, delivery: Delivery, seconds: int, body: str | None = None) -> None:
        self.waits.append(seconds)


@dataclass
class Worker:
    """A worker between a completion and a queue of the test."""

    night: Night
    completion: Completing
    queue: Noting
    worker: PageWorker
    message: Message

    def deliver(self, *, dead: bool = False) -> None:
        """Deliver the page."""
        self.worker(self.night.record(self.message, dead=dead), self.night.remaining(60))


def worker(night: Night, state: CompletionState) -> Worker:
    """Start a run of one page, and return the worker of its message."""
    night.fire()
    (message,) = night.receive()
    parts = (night.ledger, night.database, night.publisher, night.logger)
    completion, real = Completing(*parts, state=state), night.worker_queue()
    queue = Noting(real.client, real.url, real.dead_letter_url)
    changed = replace(night.consume, completion=completion, queue=queue)
    return Worker(night, completion, queue, changed, message)


@pytest.mark.parametrize(
    ("state", "wait"),
    [("claimed_by_another", 60), ("unfinished", 0), ("open", None), ("ended", None)],
)
def test_a_run_that_is_not_completed_yet_is_looked_at_again(
    night: Night, roster: Roster, state: CompletionState, wait: int | None
) -> None:
    """E8: by a fresh message, or, for a dead letter, by another delivery of the same one."""
    roster.add_mentors(1)
    page = worker(night, state)
    page.deliver()
    assert page.queue.waits == ([] if wait is None else [wait])
    assert page.completion.reports == []
    if wait is None:
        page.deliver(dead=True)
        return
    with pytest.raises(DeliveryFailed) as raised:
        page.deliver(dead=True)
    assert (raised.value.seconds, str(raised.value)) == (
        wait, f"the completion of the run is {state}",
    )  # fmt: skip


def test_a_page_that_was_closed_before_may_have_late_changes(night: Night, roster: Roster) -> None:
    """E11: of the mentors whom its outcome does not count, and perhaps after the run's end."""
    mentors = tuple(roster.add_mentors(3))
    page = worker(night, "ended")
    outcome = PageOutcome(applied=mentors[:1], skipped=mentors[1:2], errored=mentors[2:])
    night.ledger.pages.close(run_id(), 1, mentors, outcome)
    page.deliver()
    assert page.completion.reports == [([mentors[2]], False)]
    assert (roster.history(), page.queue.waits) == ([], [])
    night.ledger.end_run(run_id(), "completed", ())
    page.deliver()
    assert page.completion.reports[1:] == [([mentors[2]], True)]


def test_a_run_that_another_worker_ended_meanwhile_has_late_changes(
    night: Night, roster: Roster
) -> None:
    """E11: this worker has closed the page itself."""
    mentors = tuple(roster.add_mentors(2))
    page = worker(night, "ended_by_another")
    night.ledger.pages.save_progress(run_id(), 1, PageOutcome(errored=mentors))
    page.deliver()
    assert page.completion.reports == [(list(mentors), True)]


def test_a_run_that_left_the_ledger_is_no_run(night: Night, roster: Roster) -> None:
    """R5: its items may have expired while the page was worked on."""
    roster.add_mentors(1)

    class Forgetting(Ledger):
        """A ledger whose run goes when its page is closed."""

        @override
        def mark_page_closed(self, job_run_id: UUID, number: int) -> Run | None:
            return None

    page = worker(night, "ended")
    forgetting = Forgetting(night.ledger.table, night.ledger.leases)
    page.worker = replace(page.worker, ledger=forgetting)
    with pytest.raises(InvalidRequest, match=f"the ledger has no run {run_id()}"):
        page.deliver()


def test_the_work_ends_five_seconds_before_the_invocation(night: Night, roster: Roster) -> None:
    """R2: four are for ledger and queue after a failure, and one is for the answer to Lambda."""
    roster.add_mentors(1)
    left = list[float]()

    def work(_page: MentorPage, _remaining: object) -> PageResult:
        left.append(seconds_left())
        raise ValueError("a mistake")

    page = worker(night, "open")
    page.worker = replace(page.worker, work=work)

    with pytest.raises(ValueError, match="a mistake"):
        page.deliver()
    assert 54 < left[0] <= 55


def test_a_late_change_is_logged_if_the_run_had_ended_or_its_row_was_wrong(
    night: Night, roster: Roster
) -> None:
    """E11: otherwise the run has counted it. Without a mentor there is nothing to report."""
    mentors = roster.add_mentors(2)
    night.fire()
    (message,) = night.receive()
    assert night.deliver(message, dead=True)
    run = night.ledger.find_run(run_id())
    assert run is not None
    for mentor in mentors:
        night.database.pause_expired(mentor, ORG, run_id(), TODAY)
    found = list[int]()
    for named, is_late in ((mentors, False), (mentors, False), (mentors, True), ([], True)):
        night.engine.completion.report_late_changes(run, named, is_late=is_late)
        found.append(len(night.lines("processed after the page had failed")))
    assert found == [1, 1, 2, 2], "the first report corrects the row"
    (row,) = roster.log()
    assert (row["paused_count"], row["error_count"]) == (2, 0)
