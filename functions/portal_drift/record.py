"""Stores how the portal and the database differ, so that the console can show it (H5, C4)."""

from dataclasses import dataclass
from uuid import UUID

from mentor_pause.database.portal_client import PortalDatabase
from portal_drift.measure import Difference, Drift

_MOST_STORED = 1000
"""The database stores at most so many differences; the count includes them all."""


@dataclass(frozen=True, slots=True)
class RecordDrift:
    """Replaces what an earlier measurement has stored."""

    org_id: UUID
    database: PortalDatabase

    def __call__(self, drift: Drift) -> None:
        """Store the mentors who differ, the oldest difference first.

        Raises:
            MentorPauseError: the database is down, or refuses.
        """
        stored = [_stored(found) for found in drift.differences[:_MOST_STORED]]
        self.database.record_drift(self.org_id, drift.measured_at, len(drift.differences), stored)


def _stored(found: Difference) -> dict[str, object]:
    """Return a difference without the portal's key, which may be a name (E13)."""
    return {
        "kind": found.kind,
        "mentor_id": found.mentor_id,
        "here": found.here,
        "there": found.there,
        "since": found.since,
    }
