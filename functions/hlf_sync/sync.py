"""Brings HLF's portal and the database in line for one page of a run: pull, then push (H1-H3)."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from math import ceil

from aws_lambda_powertools import Logger

from hlf_sync.pull import PullRenewals
from hlf_sync.push import PushMentors
from mentor_pause.errors import ConfigurationError, PortalThrottled, describe
from mentor_pause.events import MentorPage
from mentor_pause.pages import HandBack
from mentor_pause.portal import Portal
from mentor_pause.retry import Remaining
from mentor_pause.runs import PageOutcome

type OpenPortal = Callable[[Remaining], Portal]
"""Opens the portal, given the seconds that there are for it."""

_RESERVE_SECONDS = 15.0
"""Nothing begins with less: a call of the database may take 10 s, and the page has to be closed or
handed back. A request of the portal takes no longer than there is time for it."""

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

    def __call__(self, page: MentorPage, remaining: Remaining) -> PageOutcome:
        """Sync the page; a dry run reads and writes nothing in the portal.

        Raises:
            HandBack: time runs short, or the portal asks for patience; the rest is for later.
            TransientError: the portal or the database is down; the page is for later.
        """
        time_left = TimeLeft(remaining, _RESERVE_SECONDS + _PUSH_SECONDS)
        try:
            portal = self._open_portal(time_left)
        except ConfigurationError as error:
            # It will not pass by itself: the run ends and says so, and the next one tries again.
            self._logger.error("portal not opened", extra={"reason": describe(error)})
            return PageOutcome(errored=page.mentor_ids, note=describe(error))
        with closing(portal):
            return self._sync(portal, page, time_left)

    def _sync(self, portal: Portal, page: MentorPage, time_left: TimeLeft) -> PageOutcome:
        """Pull, then push; what pulling has to leave is its client's limit too."""
        read = "" if page.dry_run else self._read(portal, page, time_left)
        time_left.kept = _RESERVE_SECONDS
        found = self._push(portal, page, time_left)
        notes = [note for note in (found.note, read) if note]
        return PageOutcome(found.done, found.skipped, found.errored, "; ".join(notes))

    def _read(self, portal: Portal, page: MentorPage, time_left: Remaining) -> str:
        try:
            return self._pull(portal, page, time_left)
        except PortalThrottled as error:
            raise HandBack(describe(error), ceil(error.seconds)) from error
