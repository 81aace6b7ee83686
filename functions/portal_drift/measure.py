"""Compares what HLF's portal really holds with the database, both ways, reading only (H5).

A mentor who is on one side only counts as inactive on the other: nobody is shown there.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import starmap
from uuid import UUID

from mentor_pause.database.client import Status
from mentor_pause.database.portal_client import PortalDatabase, PortalState
from mentor_pause.portal import Portal, PortalMentor
from mentor_pause.portal.rows import UnreadableRow
from mentor_pause.retry import Remaining, Retry
from portal_drift.certifications import CertificationDifference, CompareCertifications
from portal_drift.confirm import Confirm, Kind, folded, in_line

_RESERVE_SECONDS = 10.0
"""What the portal leaves to the database and to the report."""


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
    unreadable: tuple[UnreadableRow, ...] = ()
    """Rows of the portal that could not be compared, since a column of them cannot be read."""
    certifications: tuple[CertificationDifference, ...] = ()
    """Certifications of our mentors that differ; the next sync brings them in line."""

    @property
    def oldest_seconds(self) -> int:
        """The age of the oldest difference of a mentor; 0 without any.

        Since when a certification differs is not known: its row may be older than the mentor here.
        """
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
            "differences": [_texts(found) for found in self.differences[:longest]],
            "certifications_differing": len(self.certifications),
            "certification_differences": [_texts(found) for found in self.certifications[:longest]],
            "unreadable": len(self.unreadable),
            "unreadable_rows": [str(row) for row in self.unreadable[:longest]],
        }


def _texts(found: Difference | CertificationDifference) -> dict[str, object]:
    return {name: value and str(value) for name, value in asdict(found).items()}


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

        def time_left() -> float:
            return remaining() - _RESERVE_SECONDS

        with closing(self._open_portal(time_left)) as portal:
            states = self._reconnect(lambda: list(self._database.list_all_states(self._org_id)))
            there, unreadable = _list(portal)
            confirm = Confirm(
                self._org_id,
                portal,
                self._database,
                self._reconnect,
                lambda: _list(portal)[0],
                time_left,
            )
            suspects = [
                s for s in states if not in_line(portal, s, there.get(folded(s.portal_key)))
            ]
            differing = confirm.differing(suspects, there)
            ours = {folded(state.portal_key) for state in states}
            strangers = confirm.unknown_here(there, ours)
            compare = CompareCertifications(
                self._org_id, portal, self._database, self._reconnect, time_left
            )
            certifications, odd = compare(ours)
        found = [*starmap(_difference, differing), *map(_unknown_here, strangers)]
        oldest_first = sorted(found, key=lambda d: (d.since is None, d.since, d.key))
        return Drift(
            self._clock(),
            len(ours | there.keys()),
            tuple(oldest_first),
            (*unreadable, *odd),
            certifications,
        )


def _list(portal: Portal) -> tuple[dict[str, PortalMentor], tuple[UnreadableRow, ...]]:
    """Return the portal's mentors by their folded key, and the rows without a readable one."""
    there: dict[str, PortalMentor] = {}
    unreadable: list[UnreadableRow] = []
    for page in portal.mentors():
        there |= {folded(mentor.key): mentor for mentor in page.mentors}
        unreadable += page.unreadable
    return there, tuple(unreadable)


def _difference(state: PortalState, mentor: PortalMentor | None) -> Difference:
    kind: Kind = "differs" if mentor else "only_here"
    there = mentor.status if mentor else None
    return Difference(
        kind, state.mentor_id, state.portal_key, state.status, there, state.differs_since
    )


def _unknown_here(mentor: PortalMentor) -> Difference:
    return Difference("only_there", None, mentor.key, None, mentor.status, mentor.modified_on)
