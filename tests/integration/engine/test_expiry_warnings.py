"""A certification expiry run ends with the warnings of its day (W1)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from mentor_pause.database.client import Database
from mentor_pause.domain.runs import Run, Trigger
from mentor_pause.engine.expiry_warnings import LEAST, MOST, ExpiryWarnings
from mentor_pause.errors import DatabaseError, RetryableDatabaseError
from support.large_runs import TRIGGER, closed_run, completion, paused
from support.night import Night
from support.roster import TODAY, YESTERDAY, Roster

SOON = TODAY + timedelta(days=10)


def warned(roster: Roster) -> set[UUID]:
    """Return the mentors who were warned."""
    return {row["mentor_id"] for row in roster.rows("select mentor_id from warnings")}


def write(night: Night, as_of: date = TODAY, trigger: Trigger = TRIGGER, most: int = MOST) -> int:
    """Write the warnings of a run; return how many steps yielded."""
    warnings = ExpiryWarnings(night.database, night.clock, most)
    return len(list(warnings.write(Run(trigger, as_of))))


@pytest.mark.parametrize("as_of", [TODAY, YESTERDAY])
def test_a_run_for_today_or_yesterday_warns(night: Night, roster: Roster, as_of: date) -> None:
    """W1: a night that a failure delayed until after midnight is yesterday's."""
    mentor = roster.add_mentor(SOON)
    write(night, as_of)
    (row,) = roster.rows("select * from warnings")
    assert (row["mentor_id"], row["warned_on"]) == (mentor, as_of)


@pytest.mark.parametrize(
    ("as_of", "trigger"),
    [
        (YESTERDAY - timedelta(days=1), TRIGGER),
        (TODAY, replace(TRIGGER, job_name="hlf_sync")),
        (TODAY, replace(TRIGGER, dry_run=True)),
    ],
    ids=["an older day", "another job", "a dry run"],
)
def test_another_run_warns_nobody(
    night: Night, roster: Roster, as_of: date, trigger: Trigger
) -> None:
    """W1, E10: the stages of an older day are not those of today."""
    roster.add_mentor(SOON)
    write(night, as_of, trigger)
    assert warned(roster) == set()


def test_a_full_batch_is_followed_by_another(night: Night, roster: Roster) -> None:
    """W1: nobody is missing, also if the last batch is full."""
    mentors = {roster.add_mentor(SOON) for _ in range(4)}
    assert write(night, most=2) == 2
    assert warned(roster) == mentors


@dataclass(frozen=True)
class TooSlow(Database):
    """A database in which a call that may write more than `most` warnings takes too long."""

    most: int = LEAST
    limits: list[int] = field(default_factory=list[int])

    def write_warnings(self, org_id: UUID, as_of: date, limit: int) -> int:
        """See `Database.write_warnings`."""
        self.limits.append(limit)
        if limit > self.most:
            raise RetryableDatabaseError("too slow", "57014")
        return super().write_warnings(org_id, as_of, limit)


def test_a_batch_that_takes_too_long_is_repeated_with_fewer_warnings(
    night: Night, roster: Roster
) -> None:
    """W1: and the run's row says nothing about it."""
    mentor = roster.add_mentor(SOON)
    database = TooSlow(night.transport, night.retry)
    run = closed_run(night, paused(night, roster, 1), 1)
    assert completion(night, database=database).complete_if_done(run, "caller") == "ended"
    assert database.limits == [20_000, 2_000, 500]
    assert warned(roster) == {mentor}
    assert [row["error"] for row in roster.log()] == [None]


@dataclass(frozen=True)
class Refusing(Database):
    """A database that refuses to write warnings."""

    def write_warnings(self, org_id: UUID, as_of: date, limit: int) -> int:
        """Refuse."""
        raise DatabaseError("refused", "23514")


def refusing(night: Night) -> Database:
    """Return a database that refuses the call."""
    return Refusing(night.transport, night.retry)


def too_slow(night: Night) -> Database:
    """Return a database in which even the smallest batch takes too long."""
    return TooSlow(night.transport, night.retry, most=0)


@pytest.mark.parametrize("database", [refusing, too_slow])
def test_a_run_ends_although_its_warnings_are_refused(
    night: Night, roster: Roster, database: Callable[[Night], Database]
) -> None:
    """E8, W4: at once; its row says it, and the alarm's line is logged."""
    run = closed_run(night, paused(night, roster, 2), 2)
    caller = completion(night, database=database(night))
    assert caller.complete_if_done(run, "caller") == "ended"
    (row,) = roster.log()
    assert (row["status"], row["paused_count"]) == ("completed", 2)
    assert row["error"].startswith("warnings refused by the database")
    (line,) = night.lines("run completed without a step")
    assert line["step"] == "warnings"
    assert [event["paused_count"] for event in night.events.details] == [2]
