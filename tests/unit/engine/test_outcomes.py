"""The summary of a run for people, and whom the database is asked about (E7, G3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from mentor_pause.database.client import Database
from mentor_pause.database.plan_results import Plan
from mentor_pause.domain.error_reasons import ErrorGroup
from mentor_pause.domain.runs import MentorResult, Page, PageOutcome, Run, Trigger
from mentor_pause.domain.summary import BrakeCounts
from mentor_pause.engine.notifications import Notifications, in_batches
from mentor_pause.engine.outcomes import settle_in_database, summary_of
from mentor_pause.errors import RetryableDatabaseError

A, B, C = (UUID(int=number) for number in (1, 2, 3))
DAY = date(2026, 3, 1)
PLAN = Plan(
    plan_hash="h", brake_mode="hold", brake_count=1, brake_percent=0.0, brake_acts=True,
    active_count=9, planned_count=3, unforeseen_count=2, held_count=1, job_run_id=uuid4(),
    as_of=DAY, dry_run=False, made_at=datetime(2026, 3, 1, tzinfo=UTC), is_newest=True,
    approved_by=None, approved_at=None, approval_note=None,
)  # fmt: skip


@dataclass(frozen=True)
class Answering(Database):
    """A database with fixed answers, which notes whom it was asked about."""

    transport: Any = None
    plan: Plan | None = PLAN
    outcomes: dict[UUID, MentorResult] = field(default_factory=dict[UUID, MentorResult])
    asked: list[Sequence[UUID]] = field(default_factory=list[Sequence[UUID]])
    notified: list[tuple[UUID | None, int]] = field(default_factory=list[tuple[UUID | None, int]])

    def list_run_outcomes(
        self, org_id: UUID, job_run_id: UUID, as_of: date, mentor_ids: Sequence[UUID]
    ) -> dict[UUID, MentorResult]:
        """Note the mentors."""
        self.asked.append(mentor_ids)
        return self.outcomes

    def count_run_renewals(self, job_run_id: UUID) -> int:
        """Count seven."""
        return 7

    def get_plan(self, org_id: UUID, job_run_id: UUID) -> Plan | None:
        """Return the plan."""
        return self.plan

    def notify_page(self, job_run_id: UUID, after: UUID | None, limit: int) -> UUID | None:
        """Note the batch."""
        self.notified.append((after, limit))
        return None


def run(job: str) -> Run:
    """Return a run of a job."""
    return Run(Trigger(job, uuid4(), "schedule", "event", "event"), DAY)


@pytest.mark.parametrize(
    ("job", "plan", "renewed", "brake"),
    [
        ("certification_expiry", PLAN, None, BrakeCounts(2, 1, acts=True)),
        ("certification_expiry", None, None, None),
        ("withdrawal", PLAN, None, None),
        ("hlf_sync", PLAN, 7, None),
    ],
)
def test_a_summary_counts_what_its_job_knows(
    job: str, plan: Plan | None, renewed: int | None, brake: BrakeCounts | None
) -> None:
    """E7: only a run with a plan of its own has a brake, and only a sync renews."""
    summary = summary_of(run(job), [Page(1, (A,), PageOutcome(applied=(A,)))], Answering(plan=plan))
    assert (summary.totals.renewed_count, summary.totals.brake) == (renewed, brake)
    assert summary.applied == (A,)


def test_the_database_is_asked_about_errors_only() -> None:
    """E7: what it knows counts, and nobody else is looked up."""
    database = Answering(outcomes={B: "applied"})
    expiry = run("certification_expiry")
    page = Page(1, (A, B, C), PageOutcome(applied=(A,), errored=(B, C), reasons={C: "HTTP 503"}))
    summary = summary_of(expiry, [page], database)
    assert (summary.applied, summary.totals.errors) == ((A, B), (ErrorGroup("HTTP 503", 1, C),))
    assert [list(asked) for asked in database.asked] == [[B, C]]
    whole = Page(2, (A,), PageOutcome(applied=(A,)))
    assert settle_in_database(expiry, whole, database) == whole.outcome
    assert len(database.asked) == 1


@pytest.mark.parametrize(("first", "after"), [(5, 4), (0, 0)])
def test_late_mentors_are_notified_from_just_before_the_first(first: int, after: int) -> None:
    """E11: the batch begins after an id; nobody's id is less than zero."""
    database = Answering()
    Notifications(database).add_some(uuid4(), [UUID(int=9), UUID(int=first)])
    assert database.notified == [(UUID(int=after), 500)]


def test_a_call_that_takes_too_long_is_made_with_a_tenth() -> None:
    """E11: down to the least; then the failure is the caller's."""
    limits = list[int]()

    def too_slow(limit: int) -> None:
        limits.append(limit)
        raise RetryableDatabaseError("too slow", "57014")

    with pytest.raises(RetryableDatabaseError):
        next(in_batches(too_slow, 5000, 30))
    assert limits == [5000, 500, 50, 30]
    limits.clear()

    def locked(limit: int) -> None:
        limits.append(limit)
        raise RetryableDatabaseError("locked", "55P03")

    with pytest.raises(RetryableDatabaseError):
        next(in_batches(locked, 5000, 30))
    assert limits == [5000]
