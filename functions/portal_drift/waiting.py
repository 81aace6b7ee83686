"""Counts paused and inactive mentors whose present state no sync has sent to the portal (H1, H5).

The portal still shows them. A mentor whose pause was withdrawn (`pause_withdrawn`) is active and
does not count. The count needs only the database, so it also works while the portal is down.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.portal_results import PortalState

_PROMPT = timedelta(hours=1)
"""A run that paused a mentor starts a sync at once. A pause by hand waits for the nightly sync."""

_BY_THE_RUN = "certification_expired"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Mentors who are paused or inactive here, and whose present version the portal lacks."""

    mentors: int
    since: datetime | None
    """When the first of them changed; None without any."""
    overdue: int
    """How many of them a run paused more than an hour ago."""

    def as_json(self) -> dict[str, object]:
        """Return a part of the function's answer."""
        return {
            "waiting": self.mentors,
            "waiting_since": self.since and self.since.isoformat(),
            "waiting_over_an_hour": self.overdue,
        }


@dataclass(frozen=True, slots=True)
class CountWaiting:
    """The count."""

    org_id: UUID
    database: PortalDatabase
    clock: Callable[[], datetime]

    def __call__(self) -> Waiting:
        """Count now.

        Raises:
            MentorPauseError: the database is down, or refuses.
        """
        states = self.database.list_all_states(self.org_id)
        waiting = [s for s in states if s.status != "active" and not s.is_synced]
        return Waiting(
            len(waiting),
            min((state.differs_since for state in waiting), default=None),
            sum(self._is_overdue(state) for state in waiting),
        )

    def _is_overdue(self, state: PortalState) -> bool:
        return state.reason == _BY_THE_RUN and self.clock() - state.differs_since > _PROMPT
