"""Changes one mentor's status by hand, with optimistic locking on the mentor's version (S2)."""

from uuid import UUID

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from mentor_pause.database.client import Database, StatusChange
from mentor_pause.domain.mentors import Status
from mentor_pause.errors import VersionConflict

_RETRIES = 3


def change_status(
    database: Database, mentor_id: UUID, org_id: UUID, status: Status, reason: str
) -> StatusChange:
    """Read the mentor's version, and change the status if the version is still the same.

    If another process changed the mentor in between, read and try again, three times at most. A
    call whose answer was lost is not repeated: the caller reads the mentor to see whether the
    change was made.

    Raises:
        VersionConflict: another process changed the mentor before each attempt.
        Conflict: the present status does not allow it, or the certification has expired.
        Forbidden: the caller may not change this mentor, or the mentor does not exist.
        NotFound: the organisation has no such mentor.
    """

    def attempt() -> StatusChange:
        mentor = database.get_mentor_status(mentor_id, org_id)
        return database.change_status(mentor_id, org_id, status, reason, mentor.version)

    retrying = Retrying(
        retry=retry_if_exception_type(VersionConflict),
        stop=stop_after_attempt(1 + _RETRIES),
        reraise=True,
    )
    return retrying(attempt)
