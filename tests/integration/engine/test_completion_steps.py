"""The steps of a completion, one by one (E7, E8, W1)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest

from mentor_pause.database.client import Database
from mentor_pause.domain.runs import PageOutcome, Run
from mentor_pause.engine.completion import Batches
from mentor_pause.errors import (
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    RetryableDatabaseError,
)
from mentor_pause.ledger.lock import Lock
from support.brake import Brake
from support.large_runs import (
    TRIGGER,
    closed_run,
    completion,
    failed_run,
    joined,
    open_run,
    paused,
)
from support.night import LEASES, Night
from support.roster import Roster


def find(night: Night) -> Run:
    """Return the run as the ledger has it now."""
    run = night.ledger.find_run(TRIGGER.job_run_id)
    assert run is not None
    return run


def test_a_run_that_has_ended_is_not_completed_again(night: Night, roster: Roster) -> None:
    """E8: a late message of its last page changes nothing."""
    run = closed_run(night, paused(night, roster, 1), 1)
    assert completion(night).complete_if_done(run, "first") == "ended"
    ended = find(night)
    night.plan.then()
    assert completion(night).complete_if_done(ended, "second") == "ended"
    assert night.plan.called == []


def test_a_run_with_open_pages_has_its_lease_extended(night: Night, roster: Roster) -> None:
    """D6: a run whose pages move is not taken for a dead one."""
    open_run(night, roster.add_mentors(2), 1)
    night.clock.advance(LEASES.run / 2)
    night.ledger.mark_page_closed(TRIGGER.job_run_id, 1)
    before = find(night).leased_at
    assert completion(night).complete_if_done(find(night), "caller") == "open"
    after = find(night).leased_at
    assert after is not None
    assert before is None or after > before


@dataclass(frozen=True)
class Writing(Database):
    """A database in which each of three batches of warnings is full."""

    batches: list[int] = field(default_factory=list[int])

    def get_org_day(self, org_id: UUID, at: datetime) -> date:
        """Return the day of the run."""
        return date(2026, 3, 1)

    def write_warnings(self, org_id: UUID, as_of: date, limit: int) -> int:
        """Write as many as asked for, three times."""
        self.batches.append(limit)
        return limit if len(self.batches) < 4 else 0


def test_warnings_are_written_in_batches_while_the_claim_lasts(
    night: Night, roster: Roster
) -> None:
    """W1, E8: between two batches the claim is renewed, so that nobody begins at the same time."""
    run = closed_run(night, paused(night, roster, 1), 1)
    database = Writing(night.transport, night.retry)
    night.plan.then()
    assert completion(night, database=database).complete_if_done(run, "caller") == "ended"
    assert len(database.batches) == 4
    assert night.plan.called.count("update_item") == 7, "claim, release, 3 renewals, end, open runs"


def test_warnings_stop_when_the_time_runs_out(night: Night, roster: Roster) -> None:
    """E8: the next caller goes on; the database writes each warning once."""
    run = closed_run(night, paused(night, roster, 1), 1)
    database = Writing(night.transport, night.retry)
    short = completion(night, database=database, seconds_left=lambda: 11.9)
    assert short.complete_if_done(run, "caller") == "unfinished"
    assert len(database.batches) == 1
    enough = completion(night, database=database, seconds_left=lambda: 12.0)
    assert enough.complete_if_done(run, "next") == "ended"
    assert len(night.summaries()) == 1


def test_a_call_that_the_end_of_the_invocation_cut_off_is_no_refusal(
    night: Night, roster: Roster
) -> None:
    """E8: only failures with enough time left count, so the step is not left out."""

    @dataclass(frozen=True)
    class Silent(Database):
        """A database that does not answer about notifications."""

        asked: list[str] = field(default_factory=list[str])

        def notify_page(self, job_run_id: UUID, after: UUID | None, limit: int) -> UUID | None:
            raise DatabaseUnavailable("no answer")

        def once(self) -> Any:
            self.asked.append("something else")
            return super().once()

    run = closed_run(night, paused(night, roster, 1), 1)
    database = Silent(night.transport, night.retry)
    short = completion(night, database=database, seconds_left=lambda: 11.9)
    for _ in range(6):
        with pytest.raises(DatabaseUnavailable):
            short.complete_if_done(run, "caller")
    assert database.asked == []
    enough = completion(night, database=database, seconds_left=lambda: 12.0)
    for _ in range(4):
        with pytest.raises(DatabaseUnavailable):
            enough.complete_if_done(run, "caller")
    assert len(database.asked) == 4
    assert enough.complete_if_done(run, "caller") == "ended"
    (line,) = night.lines("run completed without a step")
    assert line["step"] == "notifications"


@pytest.mark.parametrize(
    "other", [DatabaseUnavailable("away"), DatabaseMisconfigured("no", "42501")]
)
def test_a_database_that_answers_nothing_refuses_no_step(
    night: Night, roster: Roster, other: Exception
) -> None:
    """E8: then the run waits, however often it fails."""

    @dataclass(frozen=True)
    class Away(Database):
        """A database that is not there."""

        def notify_page(self, job_run_id: UUID, after: UUID | None, limit: int) -> UUID | None:
            raise DatabaseUnavailable("no answer")

        def get_run_freshness(self, *_: Any, **__: Any) -> Any:
            raise other

    run = closed_run(night, paused(night, roster, 1), 1)
    caller = completion(night, database=Away(night.transport, night.retry))
    for _ in range(7):
        with pytest.raises(DatabaseUnavailable):
            caller.complete_if_done(run, "caller")
    assert night.lines("run completed without a step") == []


def test_a_step_that_takes_too_long_counts_without_another_question(
    night: Night, roster: Roster
) -> None:
    """E8: the database is there, because it has ended the statement itself."""

    @dataclass(frozen=True)
    class Slow(Database):
        """A database whose log row takes too long, and which answers nothing else."""

        def finish_execution(self, *_: Any, **__: Any) -> Any:
            raise DatabaseUnavailable("too slow", "57014")

        def get_run_freshness(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("it was asked")

    run = closed_run(night, paused(night, roster, 1), 1)
    caller = completion(night, database=Slow(night.transport, night.retry))
    for _ in range(4):
        with pytest.raises(DatabaseUnavailable):
            caller.complete_if_done(run, "caller")
    assert caller.complete_if_done(run, "caller") == "ended"
    (line,) = night.lines("run completed without a step")
    assert (line["step"], line["sqlstate"]) == ("log row", "57014")


@pytest.mark.parametrize(("kept_ids", "lines"), [(1000, 0), (2, 0), (1, 1)])
def test_decisions_are_saved_without_a_line_if_there_are_few(
    night: Night, roster: Roster, kept_ids: int, lines: int
) -> None:
    """E7: a run of one line stays so, also if its first caller dies after the decision."""
    run = failed_run(night, roster, 2)

    @dataclass(frozen=True)
    class Locked(Database):
        """A database that is busy when coordinators are to be notified."""

        def notify_page(self, job_run_id: UUID, after: UUID | None, limit: int) -> UUID | None:
            raise RetryableDatabaseError("locked", "55P03")

    large = Batches(ids_per_line=5000, pages=500, notified=500, kept_ids=kept_ids)
    caller = completion(night, batches=large, database=Locked(night.transport, night.retry))
    with pytest.raises(RetryableDatabaseError):
        caller.complete_if_done(run, "caller")
    saved = night.ledger.checkpoints.find(run.job_run_id).tally
    assert (saved.page, saved.lines) == (2, lines)
    assert len(night.lines("run completed, more mentors")) == lines
    assert completion(night, batches=large).complete_if_done(run, "next") == "ended"
    assert len(night.summaries()) == 1
    assert joined(night)["error_count"] == 2


LARGE = Batches(ids_per_line=5000)
"""Only time lets a completion save its place."""


@dataclass(frozen=True)
class Deciding(Database):
    """A database that decides about some pages, and then fails."""

    fails_after: int = 100
    asked: list[int] = field(default_factory=list[int])

    def list_run_outcomes(self, *given: Any, **named: Any) -> Any:
        """See `Database.list_run_outcomes`."""
        self.asked.append(1)
        if len(self.asked) > self.fails_after:
            raise RetryableDatabaseError("locked", "55P03")
        return super().list_run_outcomes(*given, **named)


@pytest.mark.parametrize(("seconds", "saved_pages"), [(5.0, 0), (5.5, 1)])
def test_work_of_more_than_five_seconds_is_saved_when_a_service_fails(
    night: Night, roster: Roster, seconds: float, saved_pages: int
) -> None:
    """E8: the next caller goes on there."""
    run, times = failed_run(night, roster, 2), iter([0.0, 0.0, seconds])
    database = Deciding(night.transport, night.retry, fails_after=1)
    caller = completion(night, batches=LARGE, database=database, stopwatch=lambda: next(times, 99))
    with pytest.raises(RetryableDatabaseError):
        caller.complete_if_done(run, "caller")
    assert night.ledger.checkpoints.find(run.job_run_id).tally.page == saved_pages
    assert completion(night, batches=LARGE).complete_if_done(run, "next") == "ended"
    assert joined(night)["error_count"] == 2


@pytest.mark.parametrize(("seconds", "saved"), [(15.0, []), (15.5, [1])])
def test_the_place_is_saved_after_fifteen_seconds(
    night: Night, roster: Roster, seconds: float, saved: list[int]
) -> None:
    """E8: the claim lasts 40 s, and the saving renews it."""
    run, times = failed_run(night, roster, 3), iter([0.0])
    caller = completion(night, batches=LARGE, stopwatch=lambda: next(times, seconds))
    assert caller.complete_if_done(run, "caller") == "ended"
    assert [line["line"] for line in night.lines("run completed, more mentors")] == saved


@pytest.mark.parametrize(("seconds", "states"), [(12.0, "ended"), (11.9, "unfinished")])
def test_a_page_is_the_last_one_with_less_than_twelve_seconds(
    night: Night, roster: Roster, seconds: float, states: str
) -> None:
    """E8: a call of the database may take eight seconds."""
    run = failed_run(night, roster, 2)
    caller = completion(night, batches=LARGE, seconds_left=lambda: seconds)
    assert caller.complete_if_done(run, "caller") == states
    lines = night.lines("run completed, more mentors")
    assert len(lines) == (1 if states == "unfinished" else 0)


def test_no_line_is_logged_that_names_nobody(night: Night, roster: Roster) -> None:
    """E7: pages of mentors who kept their status without a reason have no ids to log."""
    mentors = roster.add_mentors(3)
    open_run(night, mentors, 1)
    run: Run | None = None
    for number, mentor in enumerate(mentors, 1):
        outcome = PageOutcome(skipped=(mentor,))
        night.ledger.pages.close(TRIGGER.job_run_id, number, [mentor], outcome)
        run = night.ledger.mark_page_closed(TRIGGER.job_run_id, number)
    assert run is not None
    assert completion(night).complete_if_done(run, "caller") == "ended"
    assert night.lines("run completed, more mentors") == []
    assert joined(night)["skipped_count"] == 3


@dataclass(frozen=True)
class Slow(Database):
    """A database in which the warnings take time."""

    takes: Callable[[], object] = object

    def get_org_day(self, org_id: UUID, at: datetime) -> date:
        """Return the day of the run."""
        return date(2026, 3, 1)

    def write_warnings(self, org_id: UUID, as_of: date, limit: int) -> int:
        """Write none."""
        self.takes()
        return 0


@pytest.mark.parametrize(("seconds", "renewals"), [(10.0, 0), (10.5, 1)])
def test_a_claim_of_more_than_ten_seconds_is_renewed_before_the_row_ends(
    night: Night, roster: Roster, seconds: float, renewals: int
) -> None:
    """E8: another caller may have it; a fresh one is certain."""
    run = closed_run(night, paused(night, roster, 1), 1)
    database = Slow(night.transport, night.retry, lambda: night.clock.advance(seconds))
    night.plan.then()
    caller = completion(night, database=database, batches=LARGE)
    assert caller.complete_if_done(run, "caller") == "ended"
    others = ["claim", "release", "end", "open runs"]
    assert night.plan.called.count("update_item") == len(others) + renewals


@dataclass(frozen=True)
class Stolen(Database):
    """A database in whose first call of a kind another caller takes the run over."""

    steal: Callable[[], object] = object
    calls: list[str] = field(default_factory=list[str])

    def list_run_outcomes(self, *given: Any, **named: Any) -> Any:
        """See `Database.list_run_outcomes`."""
        self._called("outcomes")
        return super().list_run_outcomes(*given, **named)

    def notify_page(self, *given: Any, **named: Any) -> Any:
        """See `Database.notify_page`."""
        self._called("notify")
        return super().notify_page(*given, **named)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) == 1:
            self.steal()


@pytest.mark.parametrize("step", ["outcomes", "notify"])
def test_a_caller_whose_claim_is_taken_stops_at_once(
    night: Night, roster: Roster, step: str
) -> None:
    """E8: after the call in which it lost the claim, it saves nothing and calls nothing."""
    run = (
        failed_run(night, roster, 6)
        if step == "outcomes"
        else closed_run(night, paused(night, roster, 6), 6)
    )

    def steal() -> None:
        night.clock.advance(41)
        assert night.ledger.claim_completion(run, "other")

    database = Stolen(night.transport, night.retry, steal)
    caller = completion(night, database=database)
    assert caller.complete_if_done(run, "caller") == "claimed_by_another"
    assert database.calls == [step]
    found = night.ledger.checkpoints.find(run.job_run_id)
    assert (found.tally.page, found.notified_after) == (0, None)
    assert completion(night).complete_if_done(run, "other") == "ended"


def test_a_run_that_pauses_mentors_leaves_nobody_for_the_next_sync(
    night: Night, roster: Roster
) -> None:
    """H4: only a sync run can leave mentors behind; the event says so to the next one."""
    run = closed_run(night, paused(night, roster, 1), 1)
    assert completion(night).complete_if_done(run, "caller") == "ended"
    assert [event["left_count"] for event in night.events.details] == [0]


def test_a_run_whose_warnings_are_refused_says_so(night: Night, roster: Roster) -> None:
    """W1, E8: in its row; the run itself is complete."""

    @dataclass(frozen=True)
    class Refusing(Database):
        """A database that takes no warnings."""

        def get_org_day(self, org_id: UUID, at: datetime) -> date:
            return date(2026, 3, 1)

        def write_warnings(self, org_id: UUID, as_of: date, limit: int) -> int:
            raise DatabaseError("refused", "23514")

    run = closed_run(night, paused(night, roster, 1), 1)
    caller = completion(night, database=Refusing(night.transport, night.retry))
    assert caller.complete_if_done(run, "caller") == "ended"
    (row,) = roster.log()
    assert row["error"].startswith("warnings refused by the database")
    (line,) = night.lines("run completed without a step")
    assert line["step"] == "warnings"


def test_a_run_with_an_error_of_its_own_has_failed(night: Night, roster: Roster) -> None:
    """E8: its row, its event and the ledger say so, although every page is done."""
    run = closed_run(night, paused(night, roster, 1), 1)
    late = night.ledger.end_paging(Lock(run.trigger, 1), run.job_run_id, 1, "not all were listed")
    assert completion(night).complete_if_done(late, "caller") == "ended"
    (row,) = roster.log()
    assert (row["status"], row["error"]) == ("failed", "not all were listed")
    assert [event["status"] for event in night.events.details] == ["failed"]
    assert find(night).status == "failed"


def test_a_summary_has_the_counts_of_its_plan(night: Night, roster: Roster) -> None:
    """G3: from the end of its row."""
    run = closed_run(night, paused(night, roster, 1), 1)
    Brake(roster).plan(run.job_run_id)
    assert completion(night).complete_if_done(run, "caller") == "ended"
    (line,) = night.lines("run completed")
    assert (line["unforeseen_count"], line["held_count"]) == (0, 0)
