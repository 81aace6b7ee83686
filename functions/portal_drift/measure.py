"""Compares what HLF's portal really holds with the database, in both directions (H5).

The comparison only reads. A mentor who is missing on one side counts as inactive there, because
that side does not show them.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import starmap
from uuid import UUID

from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.portal_results import PortalState
from mentor_pause.domain.mentors import Status
from mentor_pause.portal import Portal, PortalMentor
from mentor_pause.portal.rows import UnreadableRow
from mentor_pause.retry import Remaining
from portal_drift.certifications import CertificationDifference, CompareCertifications
from portal_drift.confirm import ConfirmDifferences, Kind, agrees, folded

_RESERVE_SECONDS = 10.0
"""Kept for the database and for the report; the portal's client may not use them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One mentor for which database and portal disagree."""

    kind: Kind
    mentor_id: UUID | None
    key: str
    here: Status | None
    there: Status | None
    """None: not there, or with a value that we do not understand."""
    since: datetime | None
    """Since when they differ, at the earliest.

    Where the portal held our state and changed later, this is the moment at which the sync sent
    the state. The row's own moment of change does not help: any edit of the row moves it.
    """


@dataclass(frozen=True, slots=True)
class Drift:
    """How far they differ; the oldest difference first."""

    measured_at: datetime
    compared: int
    """Mentors that at least one side knows."""
    differences: tuple[Difference, ...]
    unreadable: tuple[UnreadableRow, ...] = ()
    """Rows of the portal that were not compared, because a column of them cannot be read."""
    certifications: tuple[CertificationDifference, ...] = ()
    """Certifications of our mentors that differ; the next sync corrects them."""

    @property
    def oldest_seconds(self) -> int:
        """The age of the oldest difference of a mentor; 0 without any.

        Certifications do not count here, because it is not known since when they differ: a row of
        the portal may be older than the mentor here.
        """
        ages = [(self.measured_at - d.since).total_seconds() for d in self.differences if d.since]
        return max(0, *map(int, ages)) if ages else 0

    def as_json(self, most_named: int) -> dict[str, object]:
        """Return the function's answer; each list names at most `most_named` entries."""
        return {
            "status": "measured",
            "measured_at": self.measured_at.isoformat(),
            "compared": self.compared,
            "differing": len(self.differences),
            "oldest_seconds": self.oldest_seconds,
            "differences": [_texts(found) for found in self.differences[:most_named]],
            "certifications_differing": len(self.certifications),
            "certification_differences": [
                _texts(found) for found in self.certifications[:most_named]
            ],
            "unreadable": len(self.unreadable),
            "unreadable_rows": [str(row) for row in self.unreadable[:most_named]],
        }


def _texts(found: Difference | CertificationDifference) -> dict[str, object]:
    return {name: value and str(value) for name, value in asdict(found).items()}


@dataclass(frozen=True, slots=True)
class MeasureDrift:
    """The comparison."""

    org_id: UUID
    database: PortalDatabase
    open_portal: Callable[[Remaining], Portal]
    """Returns the real portal."""
    clock: Callable[[], datetime]

    def __call__(self, remaining: Remaining) -> Drift:
        """Compare all mentors and certifications.

        Raises:
            TransientError: the portal or the database is down.
            PortalError: the portal refuses, or its answer cannot be understood.
        """

        def time_left() -> float:
            return remaining() - _RESERVE_SECONDS

        with closing(self.open_portal(time_left)) as portal:
            states = self.database.list_all_states(self.org_id)
            ours = {folded(state.portal_key) for state in states}
            listed, unreadable_mentors = _list_mentors(portal)
            differences = self._differences(portal, states, listed, time_left)
            compare = CompareCertifications(self.org_id, portal, self.database, time_left)
            certifications, unreadable_certifications = compare(ours)
        return Drift(
            measured_at=self.clock(),
            compared=len(ours | listed.keys()),
            differences=differences,
            unreadable=(*unreadable_mentors, *unreadable_certifications),
            certifications=certifications,
        )

    def _differences(
        self,
        portal: Portal,
        states: list[PortalState],
        listed: dict[str, PortalMentor],
        time_left: Remaining,
    ) -> tuple[Difference, ...]:
        """Return the mentors who differ, the oldest difference first."""
        confirm = ConfirmDifferences(
            self.org_id, portal, self.database, lambda: _list_mentors(portal)[0], time_left
        )
        suspects = [
            state
            for state in states
            if not agrees(portal, state, listed.get(folded(state.portal_key)))
        ]
        differing = confirm.differing(suspects, listed)
        strangers = confirm.unknown_here(listed, {folded(state.portal_key) for state in states})
        found = [*starmap(_difference, differing), *map(_unknown_here, strangers)]
        return tuple(sorted(found, key=lambda d: (d.since is None, d.since, d.key)))


def _list_mentors(portal: Portal) -> tuple[dict[str, PortalMentor], tuple[UnreadableRow, ...]]:
    """Return the portal's mentors by their folded key, and the rows without a readable one."""
    listed: dict[str, PortalMentor] = {}
    unreadable: list[UnreadableRow] = []
    for page in portal.mentors():
        listed |= {folded(mentor.key): mentor for mentor in page.mentors}
        unreadable += page.unreadable
    return listed, tuple(unreadable)


def _difference(state: PortalState, mentor: PortalMentor | None) -> Difference:
    kind: Kind = "differs" if mentor else "only_here"
    there = mentor.status if mentor else None
    return Difference(
        kind, state.mentor_id, state.portal_key, state.status, there, state.differs_since
    )


def _unknown_here(mentor: PortalMentor) -> Difference:
    return Difference("only_there", None, mentor.key, None, mentor.status, mentor.modified_on)
