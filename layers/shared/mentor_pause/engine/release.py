"""Finds the trigger of the run that releases the held mentors of an approved plan (G4)."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from mentor_pause.domain.runs import run_id_of
from mentor_pause.errors import InvalidRequest

_JOB = "certification_expiry"
_MOST = 20


class LoggedRun(Protocol):
    """What a run's row in the execution log says of its end."""

    @property
    def status(self) -> str:
        """The run's status."""
        ...

    @property
    def processed_count(self) -> int | None:
        """How many mentors the run looked at; None: it never began, or has not ended."""
        ...


def release_trigger(
    find_row: Callable[[UUID], LoggedRun | None], org_id: UUID, planned_by: UUID
) -> str:
    """Return the trigger id to send for the release of a run's plan.

    The same trigger names the same run, however often it is sent, and a run that never began may
    begin then. Only after a release that began and failed the next trigger in the row is used: its
    run takes the mentors whom the failed run left.

    `find_row` returns a run's row of the execution log; None: there is none.

    Raises:
        InvalidRequest: the release has failed too often.
        MentorPauseError: the database is away.
    """
    for attempt in range(1, _MOST + 1):
        trigger_id = f"approval-{planned_by}" + (f"-{attempt}" if attempt > 1 else "")
        row = find_row(run_id_of(_JOB, org_id, trigger_id))
        if row is None or row.status != "failed" or row.processed_count is None:
            return trigger_id
    raise InvalidRequest(f"the release of run {planned_by} has failed {_MOST} times")
