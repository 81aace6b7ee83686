"""A step of a completion that the database refuses for good is left out (E8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import pytest

from mentor_pause.database.client import Database, Finished
from mentor_pause.domain.runs import MentorResult
from mentor_pause.domain.summary import Totals
from mentor_pause.engine.completion import Batches
from mentor_pause.errors import (
    DatabaseError,
    DatabaseMisconfigured,
    RetryableDatabaseError,
)
from support.large_runs import (
    closed_run,
    completion,
    failed_run,
    joined,
    paused,
)
from support.monitor import Monitor
from support.night import Night
from support.roster import Roster


@dataclass(frozen=True)
class Refusing(Database):
    """A database that refuses to notify anybody."""

    error: Exception = field(default_factory=RuntimeError)

    def notify_page(self, job_run_id: UUID, after: UUID | None, limit: int) -> UUID | None:
        """Refuse."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (DatabaseError("refused", "23514"), 1),
        (RetryableDatabaseError("too slow", "57014"), 1),
        (RetryableDatabaseError("locked", "55P03"), 5),
        (DatabaseMisconfigured("no right", "42501"), 5),
    ],
)
def test_a_run_ends_although_its_coordinators_cannot_be_notified(
    night: Night, roster: Roster, error: Exception, attempts: int
) -> None:
    """E8, E11: line, row and event are there, the lock is free, and the alarm's line is logged."""
    run = closed_run(night, paused(night, roster, 3), 3)
    caller = completion(night, database=Refusing(night.transport, night.retry, error))
    for _ in range(attempts - 1):
        with pytest.raises(RetryableDatabaseError):
            caller.complete_if_done(run, "caller")
    assert caller.complete_if_done(run, "caller") == "ended"
    (row,) = roster.log()
    assert (row["status"], row["paused_count"]) == ("completed", 3)
    assert row["error"].startswith("notifications refused by the database")
    assert [event["paused_count"] for event in night.events.details] == [3]
    assert len(night.lines("run completed without a step")) == 1
    assert night.fire("next")["status"] == "completed"


@dataclass(frozen=True)
class TooSlowForMany(Database):
    """A database in which a call about more than fifty mentors takes too long."""

    def notify_page(self, job_run_id: UUID, after: UUID | None, limit: int) -> UUID | None:
        """See `Database.notify_page`."""
        if limit > 50:
            raise RetryableDatabaseError("too slow", "57014")
        return super().notify_page(job_run_id, after, limit)


def test_a_batch_that_takes_too_long_is_repeated_with_fewer_mentors(
    night: Night, roster: Roster
) -> None:
    """E11: bounded by time, and nobody is missing."""
    mentors = paused(night, roster, 3)
    roster.add_coordinator(chapters=[roster.chapter_id])
    run = closed_run(night, mentors, 3)
    database = TooSlowForMany(night.transport, night.retry)
    caller = completion(night, database=database, batches=Batches(notified=5000))
    assert caller.complete_if_done(run, "caller") == "ended"
    (notified,) = roster.rows("select * from coordinator_notifications")
    assert notified["mentor_ids"] == mentors
    assert night.lines("run completed without a step") == []


@dataclass(frozen=True)
class Undecided(Database):
    """A database that does not say what became of mentors who count as errors."""

    error: Exception = field(default_factory=RuntimeError)

    def list_run_outcomes(
        self, org_id: UUID, job_run_id: UUID, as_of: date, mentor_ids: Sequence[UUID]
    ) -> dict[UUID, MentorResult]:
        """Refuse."""
        raise self.error


def test_recorded_errors_count_if_the_database_does_not_decide(
    night: Night, roster: Roster
) -> None:
    """E8: after five attempts the step is left out, for all pages, and is logged once."""
    run = failed_run(night, roster, 4)
    slow = RetryableDatabaseError("too slow", "57014")
    caller = completion(night, database=Undecided(night.transport, night.retry, slow))
    for _ in range(4):
        with pytest.raises(RetryableDatabaseError):
            caller.complete_if_done(run, "caller")
    assert caller.complete_if_done(run, "caller") == "ended"
    assert joined(night)["error_count"] == 4
    (line,) = night.lines("run completed without a step")
    assert line["step"] == "outcomes"


@dataclass(frozen=True)
class RefusingRows(Database):
    """A database that refuses to end a row."""

    def finish_execution(self, totals: Totals, status: str, error: str | None) -> Finished:
        """Refuse."""
        raise DatabaseError("refused", "23514")


def test_a_row_that_was_refused_is_ended_by_the_monitor(monitor: Monitor, roster: Roster) -> None:
    """D4, E8: the run has ended, and an hour later its row has too."""
    night = monitor.night
    run = closed_run(night, paused(night, roster, 3), 3)
    caller = completion(night, database=RefusingRows(night.transport, night.retry))
    assert caller.complete_if_done(run, "caller") == "ended"
    assert [row["status"] for row in roster.log()] == ["running"]
    assert monitor()["hung_runs"] == {}
    roster.age_log()
    monitor()
    (row,) = roster.log()
    assert (row["status"], row["paused_count"]) == ("failed", 3)
    assert "refused the end of this row" in row["error"]
