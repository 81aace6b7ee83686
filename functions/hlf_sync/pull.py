"""Makes the certifications here the same as the portal's (H1).

The worker of a run's first page reads the portal, once per run. It reads every valid certification,
the oldest change first, and not only the changes: a row that the portal has deleted would be in no
list of changes. A row that changes during the reading appears again at the end. After each page of
the portal the worker moves the watermark, so that another invocation can go on from there. At the
end the worker removes certifications that are no longer valid (`remove.py`). A change that this
reading misses, because the portal shows it late, is found by the reading of the next run.

A renewal is recorded and reported to the coordinators. It does not resume the mentor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aws_lambda_powertools import Logger

from hlf_sync.reading import Reading, ReadingStatus
from hlf_sync.remove import RemoveCertifications
from hlf_sync.store import StoreCertifications
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.errors import (
    DatabaseUnavailable,
    MentorPauseError,
    PortalThrottled,
    PortalUnavailable,
    describe,
)

_ALL_BLANK = (
    "no certification of the portal has a mentor and a day, so none was removed here; "
    "has HLF secured a column?"
)


@dataclass(frozen=True, slots=True)
class PullCertifications:
    """Reads the portal's certifications."""

    database: PortalDatabase
    store: StoreCertifications
    remove: RemoveCertifications
    logger: Logger

    def __call__(self, reading: Reading) -> ReadingStatus:
        """Go on with the run's reading while there is time.

        A portal that cannot be read adds a note to the run, and the next run reads everything.

        Raises:
            PortalThrottled: the portal asks for a wait that is longer than there is time.
            DatabaseUnavailable: the database is down.
        """
        if reading.is_out_of_time():
            return reading.unfinished()
        try:
            return self._read(reading)
        except (PortalThrottled, DatabaseUnavailable):
            raise
        except MentorPauseError as error:
            self.logger.error("certifications not read", extra={"reason": describe(error)})
            if isinstance(error, PortalUnavailable) and reading.is_out_of_time():
                return reading.unfinished()
            reading.notes.add(f"certifications not read: {describe(error)}")
            return "finished"

    def _read(self, reading: Reading) -> ReadingStatus:
        page = reading.page
        watermark = self.database.begin_reading(page.org_id, page.job_run_id)
        valid = blank = 0
        for read in reading.portal.certifications(watermark):
            moved_to = self.store.store_page(page, read, reading.notes)
            if moved_to is not None and (watermark is None or moved_to > watermark):
                reading.has_advanced = True
            valid, blank = valid + len(read.certifications), blank + read.blank
            if reading.is_out_of_time():
                return reading.unfinished()
        if blank > 1 and not valid:
            reading.notes.add(_ALL_BLANK)
            return "finished"
        status = self.remove(reading)
        if status == "finished":
            self._finish(reading)
        return status

    def _finish(self, reading: Reading) -> None:
        """Let the database note which mentors the whole reading has renewed.

        Only a finished reading decides this. Before its end, one row of a mentor may be stored and
        another one not yet, so the mentor may look renewed and is not. A reading that no worker
        finishes leaves the decision to the next one.
        """
        page = reading.page
        try:
            self.database.finish_reading(page.org_id, page.job_run_id)
        except DatabaseUnavailable:
            raise
        except MentorPauseError as error:
            self.logger.error("renewals not recorded", extra={"reason": describe(error)})
            reading.notes.add(f"renewals not recorded: {describe(error)}")


def pull_certifications(
    database: PortalDatabase, logger: Logger, clock: Callable[[], datetime]
) -> PullCertifications:
    """Put the parts of the reading together; `clock` returns the present moment."""
    store = StoreCertifications(database, logger, clock)
    remove = RemoveCertifications(database, store, logger)
    return PullCertifications(database, store, remove, logger)
