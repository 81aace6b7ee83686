"""The results of the database functions of the portal sync, typed."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from mentor_pause.database.calls import Result
from mentor_pause.domain.mentors import Status


class PortalState(Result):
    """The state that the portal should hold about a mentor, and whether it holds it already."""

    mentor_id: UUID
    portal_key: str
    status: Status
    reason: str
    effective_on: date
    """The day of the last change; after a run has sent this version, the day that the run sent."""
    version: int
    is_synced: bool
    """Whether a run has already sent this version to the portal."""
    synced_by: UUID | None
    """The last run that sent this mentor's state to the portal."""
    differs_since: datetime
    """If the portal does not hold this: since when, as far as the database knows."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The outcome for one certification that differed from the portal's."""

    portal_id: str
    outcome: str
    """One of:

    - `recorded`: it is stored;
    - `removed`: none of our mentors has this key, so it was removed here;
    - `failed` and the SQLSTATE: the database could not store it.
    """

    @property
    def sqlstate(self) -> str | None:
        """Why it could not be stored; None: it is now the same on both sides."""
        is_failed = self.outcome.startswith("failed ")
        return self.outcome.removeprefix("failed ") if is_failed else None


class MirroredColumns(Result):
    """The outcomes as the database returns them: one row of two arrays."""

    portal_ids: list[str]
    outcomes: list[str]

    def as_list(self) -> list[Mirrored]:
        """Return one outcome for each certification."""
        return list(map(Mirrored, self.portal_ids, self.outcomes))


class StoredCertification(Result):
    """A certification here that came from the portal."""

    portal_id: str
    portal_key: str
    """The mentor's key."""
    expires_on: date
