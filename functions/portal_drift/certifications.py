"""Compares the certifications of HLF's portal with those that are mirrored here, reading only (H5).

The two sides are read one after the other, and a sync may be at work meanwhile. So the function
looks at each difference again, on both sides, before it reports it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from mentor_pause.database.portal_client import PortalDatabase, StoredCertification
from mentor_pause.errors import PortalError
from mentor_pause.portal import Certification, Portal
from mentor_pause.portal.rows import UnreadableRow
from mentor_pause.retry import Remaining, Retry
from portal_drift.confirm import ASKED_SINGLY, LEAST_SECONDS, LOOKS, Kind, folded

type There = dict[str, Certification]
type Here = dict[str, StoredCertification]
"""Certifications by the id of their row in the portal."""


@dataclass(frozen=True, slots=True)
class CertificationDifference:
    """A certification of one of our mentors that is not the same on both sides."""

    kind: Kind
    portal_id: str
    key: str
    """The mentor's key, here or, where it is not here, there."""
    since: datetime | None
    """When the portal changed the row; None where it is not there any more."""


@dataclass(frozen=True, slots=True)
class CompareCertifications:
    """The comparison."""

    org_id: UUID
    portal: Portal
    database: PortalDatabase
    reconnect: Retry
    remaining: Remaining

    def __call__(
        self, ours: set[str]
    ) -> tuple[tuple[CertificationDifference, ...], tuple[UnreadableRow, ...]]:
        """Return what differs, and the rows that cannot be compared, since they cannot be read.

        `ours` are the folded keys of our mentors: whom we do not know has no certification here.
        """
        there, unreadable = self._there(ours)
        here = self._here()
        odd = {row.name for row in unreadable}
        suspects = _differing(there.keys() | here.keys(), there, here) - odd
        found: list[CertificationDifference] = []
        for _ in range(LOOKS):
            if not suspects:
                break
            self._look_again(suspects, there, ours)
            before, here = here, self._here()
            still = _differing(suspects, there, here)
            settled = {i for i in still if before.get(i) == here.get(i)}
            found += (_difference(i, there, here) for i in sorted(settled))
            suspects = still - settled
        return tuple(found), unreadable

    def _there(self, ours: set[str]) -> tuple[There, tuple[UnreadableRow, ...]]:
        found: There = {}
        unreadable: list[UnreadableRow] = []
        for page in self.portal.certifications(None):
            found |= {c.id: c for c in page.certifications if folded(c.key) in ours}
            unreadable += page.unreadable
        return found, tuple(unreadable)

    def _here(self) -> Here:
        listed: Callable[[], list[StoredCertification]] = lambda: list(  # noqa: E731
            self.database.list_certifications(self.org_id)
        )
        return {c.portal_id: c for c in self.reconnect(listed)}

    def _look_again(self, suspects: set[str], there: There, ours: set[str]) -> None:
        """Ask the portal for each one; if they are too many, list all again."""
        if len(suspects) > ASKED_SINGLY:
            listed, _ = self._there(ours)
            for portal_id in suspects:
                _put(there, portal_id, listed.get(portal_id))
            return
        for portal_id in sorted(suspects):
            if self.remaining() < LEAST_SECONDS:
                return
            try:
                asked = self.portal.certification(portal_id)
            except PortalError:  # a row that the portal does not show us
                continue
            is_ours = asked is not None and folded(asked.key) in ours
            _put(there, portal_id, asked if is_ours else None)


def _put(there: There, portal_id: str, found: Certification | None) -> None:
    there.pop(portal_id, None)
    if found is not None:
        there[portal_id] = found


def _differing(ids: Iterable[str], there: There, here: Here) -> set[str]:
    return {i for i in ids if not _same(there.get(i), here.get(i))}


def _same(there: Certification | None, here: StoredCertification | None) -> bool:
    if there is None or here is None:
        return there is here
    return (folded(there.key), there.expires_on) == (folded(here.portal_key), here.expires_on)


def _difference(
    portal_id: str, there: Mapping[str, Certification], here: Mapping[str, StoredCertification]
) -> CertificationDifference:
    ours, theirs = here.get(portal_id), there.get(portal_id)
    kind: Literal["differs", "only_here", "only_there"] = "only_there"
    if ours is not None:
        kind = "differs" if theirs else "only_here"
    key = ours.portal_key if ours else theirs.key if theirs else ""
    return CertificationDifference(kind, portal_id, key, theirs and theirs.modified_on)
