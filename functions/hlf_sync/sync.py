"""Brings HLF's portal and the database in line for one page of a run: pull, then push (H1-H3)."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from hlf_sync.pull import PullRenewals
from hlf_sync.push import DOWN_SECONDS, PushMentors, throttled
from mentor_pause.deadline import time_limit
from mentor_pause.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    PortalThrottled,
    SettingsUnavailable,
    describe,
)
from mentor_pause.events import MentorPage
from mentor_pause.pages import PageResult, Requeue, wait_for_database
from mentor_pause.portal import Portal
from mentor_pause.retry import Remaining
from mentor_pause.runs import PageOutcome

type OpenPortal = Callable[[Remaining], Portal]
"""Opens the portal, given the seconds that there are for it."""

_RESERVE_SECONDS = 15.0
"""Nothing begins with less: the page has to be closed or put back. No call lasts longer than there
is time for it."""

_CLOSING_SECONDS = 8.0
"""Kept for the ledger, the queue and perhaps the run's completion; no call lasts into them."""

_PUSH_SECONDS = 25.0
"""What reading renewals leaves to the mentors on the page: who is paused comes first."""


@dataclass(slots=True)
class TimeLeft:
    """The seconds of an invocation that are not kept for something else."""

    remaining: Remaining
    kept: float

    def __call__(self) -> float:
        """Return how many there are."""
        return self.remaining() - self.kept


class SyncPage:
    """The sync of one page. Nothing but pull and push decides on a mentor."""

    def __init__(
        self, open_portal: OpenPortal, pull: PullRenewals, push: PushMentors, logger: Logger
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
        time_left = TimeLeft(remaining, _RESERVE_SECONDS + _PUSH_SECONDS)
        try:
            portal = self._open_portal(time_left)
        except ConfigurationError as error:
            # It will not pass by itself: the run ends and says so, and the next one tries again.
            self._logger.error("portal not opened", extra={"reason": describe(error)})
            return PageResult(PageOutcome(errored=page.mentor_ids, note=describe(error)))
        except SettingsUnavailable as error:
            # As for a portal that is down: the run must end some time, and the next one goes on.
            return PageResult(PageOutcome(), Requeue(describe(error), DOWN_SECONDS))
        with closing(portal), time_limit(remaining() - _CLOSING_SECONDS):
            return self._sync(portal, page, time_left)

    def _sync(self, portal: Portal, page: MentorPage, time_left: TimeLeft) -> PageResult:
        """Pull, then push; what pulling has to leave is its client's limit too."""
        try:
            read = "" if page.dry_run else self._pull(portal, page, time_left)
        except PortalThrottled as error:
            return PageResult(PageOutcome(), throttled(error))
        except DatabaseUnavailable as error:
            return PageResult(PageOutcome(), wait_for_database(error))
        time_left.kept = _RESERVE_SECONDS
        result = self._push(portal, page, time_left)
        notes = [note for note in (result.outcome.note, read) if note]
        return replace(result, outcome=replace(result.outcome, note="; ".join(notes)))
