"""Looks at the last night that is over: whom it should have paused, and whether it ran (O1).

The count of stale mentors is asked of the mentors alone: neither the job, nor its lock, nor its log
has a say in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from mentor_pause.config import OrgSettings
from mentor_pause.database.client import Database
from mentor_pause.retry import Retry

JOB = "certification_expiry"
NIGHTLY = time(2, 0, tzinfo=UTC)
"""When the rule of the expiry job fires (template.yaml; a test compares)."""

GRACE = timedelta(minutes=29)
"""What a night may take; the monitor's rule fires half an hour after the job's, give or take."""


def last_due(now: datetime) -> datetime:
    """Return when the last nightly run began that should be over by now."""
    over = now.astimezone(UTC) - GRACE
    due = datetime.combine(over.date(), NIGHTLY)
    return due if due <= over else due - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether the last night's run has been, by the execution log."""

    hours_since_completed_run: float | None
    """None: there was never one."""
    is_missed: bool
    """No complete run was about the night's day, or it had errors and stale mentors are left."""


class LookAtNight:
    """The looks, each complete without the others."""

    def __init__(
        self, org: OrgSettings, database: Database, retry: Retry, clock: Callable[[], datetime]
    ) -> None:
        """`retry` wraps the calls to the database."""
        self._org = org
        self._database = database
        self._retry = retry
        self._clock = clock

    def moment(self) -> datetime:
        """Return the present moment: the later one by this side's clock and by the database's.

        A clock that is behind hides no night. One that is ahead raises an alarm too early.

        Raises:
            MentorPauseError: the organisation is not the one that is configured, or not there.
        """
        org_id, slug = self._org.hlf_org_id, self._org.hlf_org_slug
        scope = self._retry(lambda: self._database.assert_org_scope(org_id, slug))
        return max(self._clock(), scope.moment)

    def due_day(self, moment: datetime) -> date:
        """Return the day that the last night's run was about, in the organisation's time zone.

        Who expires on a later day is not stale yet, though the day may have begun.
        """
        org_id = self._org.hlf_org_id
        return self._retry(lambda: self._database.get_org_day(org_id, last_due(moment)))

    def count_stale(self, day: date) -> int:
        """Return how many mentors are active though they should be paused by that night."""
        org_id = self._org.hlf_org_id
        return self._retry(lambda: self._database.count_stale_active_mentors(org_id, day))

    def count_uncertified(self) -> int:
        """Return how many active mentors have no certification at all; it is asked once."""
        return self._database.count_active_uncertified(self._org.hlf_org_id)

    def coverage(self, moment: datetime, day: date) -> Coverage:
        """Return whether the night had its run: a complete one about that day, or a later one.

        A night whose run had errors is missed as long as mentors are stale.
        """
        org_id = self._org.hlf_org_id
        found = self._retry(lambda: self._database.get_run_coverage(org_id, JOB, day, moment))
        is_missed = found.night_error_count is None
        if found.night_error_count:
            is_missed = self.count_stale(day) > 0
        return Coverage(found.hours_since_completed_run, is_missed)
