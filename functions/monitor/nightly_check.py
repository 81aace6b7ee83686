"""Checks the last night that should be over: its stale mentors, and whether it ran (O1).

The count of stale mentors reads the mentors alone. It does not depend on the job, its lock or its
log.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from uuid import UUID

from mentor_pause.config import OrgSettings
from mentor_pause.database.client import Database
from mentor_pause.database.message_results import MessageFigures
from mentor_pause.database.plan_results import BrakeFigures
from mentor_pause.ledger.clock import Clock

JOB = "certification_expiry"
NIGHTLY = time(2, 0, tzinfo=UTC)
"""When the rule of the expiry job fires; a test compares it with template.yaml."""

GRACE = timedelta(minutes=29)
"""How long a night may take; the monitor's rule fires about half an hour after the job's."""


_PER_PAGE = 1000


def last_due(now: datetime) -> datetime:
    """Return when the last nightly run began that should be over."""
    over = now.astimezone(UTC) - GRACE
    due = datetime.combine(over.date(), NIGHTLY)
    return due if due <= over else due - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Freshness:
    """Whether the last night had its run, by the execution log."""

    hours_since_completed_run: float | None
    """None: no run has ever completed."""
    is_missed: bool
    """No complete run was for the night's day, or it had errors and mentors who are not held
    are stale."""


@dataclass(frozen=True, slots=True)
class NightlyCheck:
    """The checks; each is complete without the others."""

    org: OrgSettings
    database: Database
    clock: Clock

    def once(self) -> Self:
        """Return the same checks with one attempt for each call to the database."""
        return replace(self, database=self.database.once())

    def moment(self) -> datetime:
        """Return the present moment: the later one by this side's clock and the database's.

        Because of that, a clock that is behind cannot hide a missed night. A clock that is ahead
        raises an alarm too early.

        Raises:
            MentorPauseError: the organisation does not exist, or is not the configured one.
        """
        scope = self.database.assert_org_scope(self.org.hlf_org_id, self.org.hlf_org_slug)
        return max(self.clock(), scope.moment)

    def due_day(self, moment: datetime) -> date:
        """Return the day of the last night's run, in the organisation's time zone.

        A mentor whose certification expires on a later day is not stale yet.
        """
        return self.database.get_org_day(self.org.hlf_org_id, last_due(moment))

    def count_stale(self, day: date) -> int:
        """Return how many mentors are active although that night should have paused them.

        Held mentors count, because they are shown as available (G3).
        """
        return self.database.count_stale_active_mentors(self.org.hlf_org_id, day)

    def count_uncertified(self) -> int:
        """Return how many active mentors have no certification at all."""
        return self.database.count_active_uncertified(self.org.hlf_org_id)

    def paused_unwarned(self, day: date) -> list[UUID]:
        """Return the mentors whom that night paused without a warning 14 days before (W7)."""
        mentors: list[UUID] = []
        while True:
            after = mentors[-1] if mentors else None
            page = self.database.list_paused_unwarned(self.org.hlf_org_id, day, after, _PER_PAGE)
            mentors += [mentor.mentor_id for mentor in page]
            if len(page) < _PER_PAGE:
                return mentors

    def brake_figures(self, day: date) -> BrakeFigures:
        """Return who is held now, and how many of that night's pauses were unforeseen (G2, G3)."""
        return self.database.get_brake_figures(self.org.hlf_org_id, day)

    def message_figures(self) -> MessageFigures:
        """Return how many messages did not arrive (W7)."""
        return self.database.get_message_figures(self.org.hlf_org_id)

    def freshness(self, moment: datetime, day: date) -> Freshness:
        """Return whether the night had its run: a complete run for that day, or a later one.

        A night whose run had errors counts as missed while mentors are stale who are not held.
        """
        run = self.database.get_run_freshness(self.org.hlf_org_id, JOB, day, moment)
        is_missed = run.night_error_count is None
        if run.night_error_count:
            is_missed = self.count_stale(day) > self.brake_figures(day).held_count
        return Freshness(run.hours_since_completed_run, is_missed)
