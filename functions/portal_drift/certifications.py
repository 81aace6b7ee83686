"""Compares the certifications of HLF's portal with those that are stored here (H5).

The comparison only reads. It reads the two sides one after the other, and a sync may run at the
same time. So it looks at each difference again, on both sides, before it reports the difference.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.portal_results import StoredCertification
from mentor_pause.errors import PortalError
from mentor_pause.portal import Certification, Portal
from mentor_pause.portal.rows import UnreadableRow
from mentor_pause.retry import Remaining
from portal_drift.confirm import LEAST_SECONDS, LOOKS, MOST_ASKED, Kind, folded

type There = dict[str, Certification]
type Here = dict[str, StoredCertification]
"""Certifications by the id of their row in the portal."""


@dataclass(frozen=True, slots=True)
class CertificationDifference:
    """A certification of one of our mentors that is not the same on both sides."""

    kind: Kind
    portal_id: str
    key: str
    """The mentor's key here; for a certification that is only in the portal, the key there."""
    since: datetime | None
    """When the portal changed the row; None where the portal does not have it any more."""


@dataclass(frozen=True, slots=True)
class CompareCertifications:
    """The comparison."""

    org_id: UUID
    portal: Portal
    database: PortalDatabase
    remaining: Remaining

    def __call__(
        self, ours: set[str]
    ) -> tuple[tuple[CertificationDifference, ...], tuple[UnreadableRow, ...]]:
        """Return the differences, and the rows that cannot be compared because they are unreadable.

        `ours` are the folded keys of our mentors: certifications of other people are not compared.
        """
        there, unreadable = self._list_there(ours)
        here = self._list_here()
        unreadable_ids = {row.name for row in unreadable}
        suspects = _differing(there.keys() | here.keys(), there, here) - unreadable_ids
        differences: list[CertificationDifference] = []
        for _ in range(LOOKS):
            if not suspects:
                break
            self._look_again(suspects, there, ours)
            before, here = here, self._list_here()
            still = _differing(suspects, there, here)
            confirmed = {i for i in still if before.get(i) == here.get(i)}
            differences += (_difference(i, there, here) for i in sorted(confirmed))
            suspects = still - confirmed
        return tuple(differences), unreadable

    def _list_there(self, ours: set[str]) -> tuple[There, tuple[UnreadableRow, ...]]:
        there: There = {}
        unreadable: list[UnreadableRow] = []
        for page in self.portal.certifications(None):
            there |= {c.id: c for c in page.certifications if folded(c.key) in ours}
            unreadable += page.unreadable
        return there, tuple(unreadable)

    def _list_here(self) -> Here:
        return {c.portal_id: c for c in self.database.list_certifications(self.org_id)}

    def _look_again(self, suspects: set[str], there: There, ours: set[str]) -> None:
        """Ask the portal for each suspect; for too many, read the whole listing again."""
        if len(suspects) > MOST_ASKED:
            listed, _ = self._list_there(ours)
            for portal_id in suspects:
                _put(there, portal_id, listed.get(portal_id))
            return
        for portal_id in sorted(suspects):
            if self.remaining() < LEAST_SECONDS:
                return
            try:
                asked = self.portal.certification(portal_id)
            except PortalError:  # the portal does not show us this row
                continue
            is_ours = asked is not None and folded(asked.key) in ours
            _put(there, portal_id, asked if is_ours else None)


def _put(there: There, portal_id: str, certification: Certification | None) -> None:
    there.pop(portal_id, None)
    if certification is not None:
        there[portal_id] = certification


def _differing(ids: Iterable[str], there: There, here: Here) -> set[str]:
    return {i for i in ids if not _same(there.get(i), here.get(i))}


def _same(there: Certification | None, here: StoredCertification | None) -> bool:
    if there is None or here is None:
        return there is here
    return (folded(there.key), there.expires_on) == (folded(here.portal_key), here.expires_on)


def _difference(portal_id: str, there: There, here: Here) -> CertificationDifference:
    theirs, ours = there.get(portal_id), here.get(portal_id)
    since = theirs.modified_on if theirs else None
    if ours is not None:
        kind: Kind = "differs" if theirs else "only_here"
        return CertificationDifference(kind, portal_id, ours.portal_key, since)
    key = theirs.key if theirs else ""
    return CertificationDifference("only_there", portal_id, key, since)
