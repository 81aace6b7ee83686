"""Makes HLF's portal and the database agree for one page of a run (H1-H3)."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from hlf_sync.notes import Notes
from hlf_sync.progress import SWITCHED_OFF
from hlf_sync.pull import PullCertifications
from hlf_sync.push import DOWN_SECONDS, PushMentors, requeue_throttled
from hlf_sync.reading import Reading
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.requeue import PageResult, Requeue, wait_for_database
from mentor_pause.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    PortalThrottled,
    SettingsUnavailable,
    describe,
)
from mentor_pause.portal import Portal
from mentor_pause.portal.requests import naming_run
from mentor_pause.retry import Remaining, time_limit

type OpenPortal = Callable[[Remaining], Portal]
"""Opens the portal; its argument returns the seconds that the portal's client may still use."""

_RESERVE_SECONDS = 15.0
"""Kept for closing or requeueing the page: no request to the portal begins with less time left."""

_CLOSING_SECONDS = 8.0
"""Kept for the ledger, the queue and perhaps the run's completion; no call lasts into them."""

_QUERY_CANCELED = "57014"
"""SQLSTATE of a call that the database ended because it took too long.

Such a delivery counts as failed, so that a call which is always too slow does not repeat for ever.
"""

_READING_PAGE = 1
"""The page whose worker reads the certifications: every run has it, so each run reads them once."""


@dataclass(frozen=True, slots=True)
class SyncPage:
    """Syncs one page: first the mentors' states to the portal, then the certifications from it."""

    open_portal: OpenPortal
    """Called for each page, since an operator may have switched the portal on or off meanwhile."""
    pull: PullCertifications
    push: PushMentors
    logger: Logger

    def __call__(self, page: MentorPage, remaining: Remaining) -> PageResult:
        """Sync the page; a dry run reads and writes nothing in the portal.

        Returns:
            The processed mentors, and why the others have to wait, if there are any.

        Raises:
            TransientError: nothing could be done yet; the page waits.
        """

        def time_left() -> float:
            return remaining() - _RESERVE_SECONDS

        try:
            portal = self.open_portal(time_left)
        except ConfigurationError as error:
            # Only an operator can correct this: the run ends with the reason, and the next one
            # tries again.
            self.logger.error("portal not opened", extra={"reason": describe(error)})
            reasons = dict.fromkeys(page.mentor_ids, describe(error))
            return PageResult(PageOutcome(errored=page.mentor_ids, reasons=reasons))
        except SettingsUnavailable as error:
            # The same as for a portal that is down: the run ends some time, and the next one goes
            # on.
            return PageResult(PageOutcome(), Requeue(describe(error), DOWN_SECONDS))
        limit = time_limit(remaining() - _CLOSING_SECONDS)
        with closing(portal), naming_run(page.job_run_id), limit:
            return self._sync(portal, page, time_left)

    def _sync(self, portal: Portal, page: MentorPage, time_left: Remaining) -> PageResult:
        """Push, then pull: the portal must stop showing paused mentors first."""
        pushed = self.push(portal, page, time_left)
        is_off = pushed.outcome.note == SWITCHED_OFF
        if page.page != _READING_PAGE or page.dry_run or is_off or pushed.requeue is not None:
            return pushed
        reading = Reading(portal, page, time_left, Notes())
        requeue = self._read(reading)
        notes = [note for note in (pushed.outcome.note, str(reading.notes)) if note]
        return PageResult(replace(pushed.outcome, note="; ".join(notes)), requeue)

    def _read(self, reading: Reading) -> Requeue | None:
        """Read certifications; return a requeue if the reading is not finished."""
        try:
            status = self.pull(reading)
        except PortalThrottled as error:
            return requeue_throttled(error, reading.page)
        except DatabaseUnavailable as error:
            is_waiting = error.sqlstate != _QUERY_CANCELED and reading.time_left() > 0
            return replace(wait_for_database(error), is_waiting=is_waiting)
        if status == "finished":
            return None
        reason = "the reading of the portal is not finished"
        return Requeue(reason, 1, is_waiting=status == "advanced")
