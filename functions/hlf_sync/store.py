"""Stores the portal's certifications in the database, one page of the portal at a time (H1, R3).

A row that cannot be read, or that the database cannot hold, does not stop the other rows: a log
line names it, and the run's note counts it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from hlf_sync.notes import Notes
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.portal_results import Mirrored
from mentor_pause.database.transport import IDS_PER_CALL
from mentor_pause.domain.messages import MentorPage
from mentor_pause.portal import Certification, CertificationPage
from mentor_pause.portal.rows import loggable

_SKEW = timedelta(hours=1)
"""How far the portal's clock may be ahead of ours before a note names the row."""

_DATA_EXCEPTION = "22"
"""SQLSTATE class of a value that the database cannot hold; trying again changes nothing."""

_MOST_NAMED = 100
"""One log line names at most so many rows; its count includes them all."""

_UNREADABLE = "certifications of the portal cannot be read"
_NOT_STORED = "certifications of the portal could not be stored"
_AHEAD = "certifications of the portal have a modifiedon in the future"


@dataclass(frozen=True, slots=True)
class StoreCertifications:
    """Stores certifications, and moves the watermark of the run's reading."""

    database: PortalDatabase
    logger: Logger
    clock: Callable[[], datetime]

    def store_page(
        self, page: MentorPage, read: CertificationPage, notes: Notes
    ) -> datetime | None:
        """Store what was read on a page of the portal, then move the watermark behind it.

        A row whose moment of change is in the future does not move the watermark (R3).

        Returns:
            The new watermark; None: no row moved it.
        """
        latest = self.clock() + _SKEW
        self._name_odd_rows(read, latest, notes)
        seen_ids = [row.name for row in read.unreadable]
        for certifications, seen in _parts(read.certifications, seen_ids):
            self.mirror(page, certifications, seen, notes)
        moments = (c.modified_on for c in read.certifications)
        watermark = max((moment for moment in moments if moment <= latest), default=None)
        if watermark is not None:
            self.database.move_watermark(page.org_id, page.job_run_id, watermark)
        return watermark

    def mirror(
        self,
        page: MentorPage,
        certifications: Sequence[Certification],
        seen_ids: Sequence[str],
        notes: Notes,
    ) -> None:
        """Make these certifications here the same as the portal's; see `PortalDatabase.mirror`."""
        outcomes = self.database.mirror(page.org_id, page.job_run_id, certifications, seen_ids)
        changed = Counter(m.outcome for m in outcomes if m.sqlstate is None)
        if changed:
            self.logger.info("certifications changed", extra={"outcomes": dict(changed)})
        for mirrored in outcomes:
            if mirrored.sqlstate is not None:
                self._note_failure(mirrored, mirrored.sqlstate, notes)

    def _name_odd_rows(self, read: CertificationPage, latest: datetime, notes: Notes) -> None:
        unreadable = [str(row) for row in read.unreadable]
        ahead = [loggable(c.id) for c in read.certifications if c.modified_on > latest]
        for kind, rows in ((_UNREADABLE, unreadable), (_AHEAD, ahead)):
            for row in rows:
                notes.count(kind, row)
            if rows:
                self.logger.error(kind, extra={"count": len(rows), "rows": rows[:_MOST_NAMED]})

    def _note_failure(self, mirrored: Mirrored, sqlstate: str, notes: Notes) -> None:
        name = loggable(mirrored.portal_id)
        self.logger.error(
            "certification not stored", extra={"portal_id": name, "sqlstate": sqlstate}
        )
        is_unreadable = sqlstate.startswith(_DATA_EXCEPTION)
        notes.count(_UNREADABLE if is_unreadable else _NOT_STORED, name)


def _parts(
    certifications: Sequence[Certification], seen_ids: Sequence[str]
) -> Iterator[tuple[Sequence[Certification], Sequence[str]]]:
    """Cut a page of the portal into parts that one call of the database takes."""
    for start in range(0, max(len(certifications), len(seen_ids)), IDS_PER_CALL):
        end = start + IDS_PER_CALL
        yield certifications[start:end], seen_ids[start:end]
