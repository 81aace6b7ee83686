"""Changing one mentor's status by hand: optimistic, on the version that was looked at (S2)."""

from uuid import UUID

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from mentor_pause.database.client import Database, Status, StatusChange
from mentor_pause.errors import VersionConflict

_RETRIES = 3


def change_status(
    database: Database, mentor_id: UUID, org_id: UUID, status: Status, reason: str
) -> StatusChange:
    """Look at the mentor, then change just what was seen.

    Who is overtaken looks again, three times at most. An answer that got lost is not asked for
    again: the next look tells whether the change was made.

    Raises:
        VersionConflict: somebody was faster each time.
        Conflict: not allowed from the present state, or the certification has expired.
        Forbidden: the caller may not change this mentor, or there is none.
        NotFound: no such mentor in the organisation.
    """

    def attempt() -> StatusChange:
        seen = database.get_mentor_status(mentor_id, org_id)
        return database.change_status(mentor_id, org_id, status, reason, seen.version)

    overtaken = Retrying(
        retry=retry_if_exception_type(VersionConflict),
        stop=stop_after_attempt(1 + _RETRIES),
        reraise=True,
    )
    return overtaken(attempt)
