"""Compares what HLF's portal really holds with the database, both ways, reading only (H5).

A mentor who is on one side only counts as inactive on the other: nobody is shown there.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from mentor_pause.portal import MentorState, Portal, PortalMentor
from mentor_pause.retry import Remaining, Retry
from mentor_pause.supabase import Status
from mentor_pause.supabase.portal import PortalDatabase, PortalState

type Kind = Literal["differs", "only_here", "only_there"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One mentor of whom database and portal say different things."""

    kind: Kind
    mentor_id: UUID | None
    key: str
    here: Status | None
    there: Status | None
    """None: not there, or with a value that we do not understand."""
    since: datetime | None
    """At the earliest. What the portal was told and changed afterwards differs since it was told:
    its own moment of change says nothing, since any edit of the row moves it."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far they differ; the oldest difference first."""

    measured_at: datetime
    compared: int
    """Mentors that either side knows."""
    differences: tuple[Difference, ...]

    @property
    def oldest_seconds(self) -> int:
        """The age of the oldest difference; 0 without any."""
        ages = [(self.measured_at - d.since).total_seconds() for d in self.differences if d.since]
        return max(0, *map(int, ages)) if ages else 0

    def as_json(self, longest: int) -> dict[str, object]:
        """The function's answer, with at most `longest` differences by name."""
        return {
            "status": "measured",
            "measured_at": self.measured_at.isoformat(),
            "compared": self.compared,
            "differing": len(self.differences),
            "oldest_seconds": self.oldest_seconds,
            "differences": [
                {name: value and str(value) for name, value in asdict(difference).items()}
                for difference in self.differences[:longest]
            ],
        }


class MeasureDrift:
    """The comparison."""

    def __init__(
        self,
        org_id: UUID,
        database: PortalDatabase,
        open_portal: Callable[[Remaining], Portal],
        reconnect: Retry,
        clock: Callable[[], datetime],
    ) -> None:
        """`open_portal` gives the real portal; `reconnect` wraps the calls to the database."""
        self._org_id = org_id
        self._database = database
        self._open_portal = open_portal
        self._reconnect = reconnect
        self._clock = clock

    def __call__(self, remaining: Remaining) -> Drift:
        """Compare everybody.

        Raises:
            TransientError: the portal or the database is down.
            PortalError: the portal refuses, or cannot be understood.
        """
        with closing(self._open_portal(remaining)) as portal:
            states = self._reconnect(lambda: list(self._database.list_all_states(self._org_id)))
            there = {_folded(m.key): m for page in portal.mentors() for m in page}
            # Who changed while the portal was read may be in line: these are looked at once more.
            suspects = [s.mentor_id for s in states if not _in_line(portal, s, there)]
            again = self._reconnect(lambda: self._database.list_states(self._org_id, suspects))
            differing = [state for state in again if not _in_line(portal, state, there)]
        ours = {_folded(state.portal_key) for state in states}
        found = [
            *(_difference(state, there.get(_folded(state.portal_key))) for state in differing),
            *(
                _unknown_here(mentor)
                for key, mentor in there.items()
                if key not in ours and mentor.status != "inactive"
            ),
        ]
        oldest_first = sorted(found, key=lambda d: (d.since is None, d.since, d.key))
        return Drift(self._clock(), len(ours | there.keys()), tuple(oldest_first))


def _in_line(portal: Portal, state: PortalState, there: Mapping[str, PortalMentor]) -> bool:
    mentor = there.get(_folded(state.portal_key))
    if mentor is None:
        return state.status == "inactive"
    told = MentorState(state.portal_key, state.status, state.reason, state.effective_on)
    return portal.holds(mentor, told)


def _difference(state: PortalState, mentor: PortalMentor | None) -> Difference:
    kind: Kind = "differs" if mentor else "only_here"
    there = mentor.status if mentor else None
    return Difference(
        kind, state.mentor_id, state.portal_key, state.status, there, state.differs_since
    )


def _unknown_here(mentor: PortalMentor) -> Difference:
    return Difference("only_there", None, mentor.key, None, mentor.status, mentor.modified_on)


def _folded(key: str) -> str:
    """Dataverse compares keys without regard to case."""
    return key.casefold()
