"""Brings HLF's portal and the database in line for one page of a run (H1-H3)."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from aws_lambda_powertools import Logger

from hlf_sync.notes import Notes
from hlf_sync.pull import PullCertifications
from hlf_sync.push import DOWN_SECONDS, PushMentors, throttled
from hlf_sync.told import SWITCHED_OFF
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
from mentor_pause.retry import Remaining, time_limit

type OpenPortal = Callable[[Remaining], Portal]
"""Opens the portal, given the seconds that there are for it."""

_RESERVE_SECONDS = 15.0
"""Nothing begins with less: the page has to be closed or put back. No call lasts longer than there
is time for it."""

_CLOSING_SECONDS = 8.0
"""Kept for the ledger, the queue and perhaps the run's completion; no call lasts into them."""

_TAKES_TOO_LONG = "57014"
"""SQLSTATE of a call that the database has ended. Such a delivery counts, so that it ends."""

_READING_PAGE = 1
"""The page whose worker reads the certifications: every run has it, so each run reads them once."""


class SyncPage:
    """The sync of one page. Nothing but pull and push decides on a mentor."""

    def __init__(
        self, open_portal: OpenPortal, pull: PullCertifications, push: PushMentors, logger: Logger
    ) -> None:
        """The portal is opened for each page: operators may have switched it meanwhile."""
        self._open_portal = open_portal
        self._pull = pull
        self._push = push
        self._logger = logger

    def __call__(self, page: MentorPage, remaining: Remaining) -> PageResult:
        """Sync the page; a dry run reads and writes nothing in the portal.

        Returns:
            The settled mentors, and why the others have to wait, if there are any.

        Raises:
            TransientError: nothing could be done yet; the page waits.
        """

        def time_left() -> float:
            return remaining() - _RESERVE_SECONDS

        try:
            portal = self._open_portal(time_left)
        except ConfigurationError as error:
            # It will not pass by itself: the run ends and says so, and the next one tries again.
            self._logger.error("portal not opened", extra={"reason": describe(error)})
            reasons = dict.fromkeys(page.mentor_ids, describe(error))
            return PageResult(PageOutcome(errored=page.mentor_ids, reasons=reasons))
        except SettingsUnavailable as error:
            # As for a portal that is down: the run must end some time, and the next one goes on.
            return PageResult(PageOutcome(), Requeue(describe(error), DOWN_SECONDS))
        with closing(portal), time_limit(remaining() - _CLOSING_SECONDS):
            return self._sync(portal, page, time_left)

    def _sync(self, portal: Portal, page: MentorPage, time_left: Remaining) -> PageResult:
        """Push, then pull: who is paused comes first."""
        pushed = self._push(portal, page, time_left)
        is_off = pushed.outcome.note == SWITCHED_OFF
        if page.page != _READING_PAGE or page.dry_run or is_off or pushed.requeue is not None:
            return pushed
        notes = Notes()
        requeue = self._read(portal, page, time_left, notes)
        told = [note for note in (pushed.outcome.note, str(notes)) if note]
        return PageResult(replace(pushed.outcome, note="; ".join(told)), requeue)

    def _read(
        self, portal: Portal, page: MentorPage, time_left: Remaining, notes: Notes
    ) -> Requeue | None:
        """Read certifications; return why the page has to come again for it, if it does."""
        try:
            reading = self._pull(portal, page, time_left, notes)
        except PortalThrottled as error:
            return throttled(error)
        except DatabaseUnavailable as error:
            waits = error.sqlstate != _TAKES_TOO_LONG and time_left() > 0
            return replace(wait_for_database(error), is_waiting=waits)
        if reading == "finished":
            return None
        has_gone_on = reading == "went on"
        return Requeue("the reading of the portal goes on", 1, is_waiting=has_gone_on)
