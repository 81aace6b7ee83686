"""Removes the certifications that are no longer valid in the portal (H1).

A certification that the run's reading has not seen may still be valid: a row that changes during
the reading can be missing from the listing. So the worker asks the portal for each one before it
removes it here.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from hlf_sync.notes import Notes
from hlf_sync.progress import OTHER_UNIT
from hlf_sync.reading import Reading, ReadingStatus
from hlf_sync.store import StoreCertifications
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.errors import (
    DatabaseUnavailable,
    MentorPauseError,
    PortalThrottled,
    describe,
)
from mentor_pause.portal.rows import loggable

_FAILURES_IN_A_ROW = 5
"""After so many requests in a row without an answer, the rest is left to the next run."""

_NOT_CONFIRMED = "certifications were kept, because the portal did not confirm that they are gone"


def _draw(portal_ids: Sequence[str]) -> Sequence[str]:
    return random.sample(portal_ids, len(portal_ids))


@dataclass(frozen=True, slots=True)
class RemoveCertifications:
    """Removes what the portal confirms to be gone."""

    database: PortalDatabase
    store: StoreCertifications
    logger: Logger
    draw: Callable[[Sequence[str]], Sequence[str]] = _draw
    """Returns the certifications in the order in which the worker asks for them."""

    def __call__(self, reading: Reading) -> ReadingStatus:
        """Check every certification that the run's reading has not seen.

        Raises:
            PortalThrottled: the portal asks for a wait that is longer than there is time.
            DatabaseUnavailable: the database is down.
        """
        failures_in_a_row = 0
        unseen = self.draw(self._list_unseen(reading))
        for number, portal_id in enumerate(unseen, 1):
            if reading.is_out_of_time():
                return reading.unfinished()
            try:
                self._check(reading, portal_id)
            except (PortalThrottled, DatabaseUnavailable):
                raise
            except MentorPauseError as error:
                if reading.is_out_of_time():
                    return reading.unfinished()
                failures_in_a_row += getattr(error, "code", None) != OTHER_UNIT
                self._note_failure(portal_id, error, reading.notes)
            else:
                failures_in_a_row, reading.has_advanced = 0, True
            if failures_in_a_row == _FAILURES_IN_A_ROW and number < len(unseen):
                reading.notes.add(f"{len(unseen) - number} more {_NOT_CONFIRMED}: it was not asked")
                break
        return "finished"

    def _list_unseen(self, reading: Reading) -> list[str]:
        page = reading.page
        unseen = self.database.list_certifications(page.org_id, unseen_by=page.job_run_id)
        return [certification.portal_id for certification in unseen]

    def _check(self, reading: Reading, portal_id: str) -> None:
        """Ask the portal for one certification: store it if it is valid, remove it if not."""
        page = reading.page
        certification = reading.portal.certification(portal_id)
        if certification is not None:
            self.store.mirror(page, [certification], [], reading.notes)
        elif self.database.remove(page.org_id, page.job_run_id, portal_id):
            self.logger.info("certification removed", extra={"portal_id": loggable(portal_id)})

    def _note_failure(self, portal_id: str, error: MentorPauseError, notes: Notes) -> None:
        name, reason = loggable(portal_id), describe(error)
        self.logger.error(
            "certification not confirmed", extra={"portal_id": name, "reason": reason}
        )
        notes.count(f"{_NOT_CONFIRMED} ({reason})", name)
