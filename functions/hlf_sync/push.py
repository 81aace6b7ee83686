"""Sends the state of each mentor on one page to the portal, one mentor after the other (H1, H3).

After each mentor, the worker marks in the database that the portal has that state. The ledger keeps
the progress of an invocation, and the next invocation goes on from there. Each invocation shuffles
the mentors, so that mentors that always fail do not block the others.

- The portal refuses one mentor: that mentor is an error.
- The portal refuses the login, or five mentors in a row before it has updated any: it refuses every
  mentor. The worker stops, and the remaining mentors are errors with the same reason.
- The portal throttles (429): the page waits, and that is not a failure.
- The portal is down: the delivery counts as failed, so that the run ends some time. The next run
  sends these mentors (H3, E8).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from uuid import UUID

from aws_lambda_powertools import Logger

from hlf_sync.progress import AllRefused, MentorResult, PushProgress
from mentor_pause.aws.queues import LONGEST_DELAY
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.portal_results import PortalState
from mentor_pause.domain.messages import MentorPage
from mentor_pause.engine.requeue import PageResult, Requeue, wait_for_database
from mentor_pause.errors import (
    DatabaseUnavailable,
    PortalError,
    PortalThrottled,
    PortalUnavailable,
    describe,
)
from mentor_pause.portal import MentorState, Portal
from mentor_pause.retry import Remaining

_UNANSWERED_IN_A_ROW = 2
"""After so many mentors without an answer, the worker pings the portal."""

_PUSHES = 3
"""How often the worker sends one mentor, when other workers send newer states meanwhile."""

_SECONDS_PER_MENTOR = 8.0
"""No mentor begins with less time left: with its waits, the third try comes after some six."""

_SPREAD_SECONDS = 5
"""Over so many seconds, pages come back that wait for the portal."""

DOWN_SECONDS = 180
"""How long a page waits while the portal is down; after five waits the run ends without it."""


class _OutOfTime(Exception):
    """The invocation ends soon."""


@dataclass(frozen=True, slots=True)
class _Invocation:
    """One invocation's work on a page."""

    portal: Portal
    page: MentorPage
    time_left: Remaining
    progress: PushProgress = field(default_factory=PushProgress)


def requeue_throttled(error: PortalThrottled, page: MentorPage) -> Requeue:
    """Return a requeue that waits as long as the portal asks for.

    SQS limits a delay, so a longer wait takes several requeues. A 429 is not a failure. A 5xx with
    a `Retry-After` is: the portal is down, and the delivery counts.

    All pages wait for the same moment, so their numbers spread them over the next seconds.
    """
    if error.has_failed:
        seconds = min(ceil(error.seconds), LONGEST_DELAY)
        return Requeue(describe(error), max(seconds, DOWN_SECONDS))
    seconds = min(ceil(error.seconds) + (page.page - 1) % _SPREAD_SECONDS, LONGEST_DELAY)
    return Requeue(describe(error), seconds, is_waiting=True)


def _draw(mentor_ids: Sequence[UUID]) -> Sequence[UUID]:
    return random.sample(mentor_ids, len(mentor_ids))


@dataclass(frozen=True, slots=True)
class PushMentors:
    """Sends the mentors of a page to the portal."""

    database: PortalDatabase
    logger: Logger
    draw: Callable[[Sequence[UUID]], Sequence[UUID]] = _draw
    """Returns the mentors in the order in which the worker sends them."""

    def __call__(self, portal: Portal, page: MentorPage, time_left: Remaining) -> PageResult:
        """Send every mentor whose present state the portal does not have yet.

        Returns:
            The processed mentors, and why the others have to wait, if there are any.
        """
        invocation = _Invocation(portal, page, time_left)
        progress = invocation.progress
        try:
            self._push_all(invocation)
        except _OutOfTime:
            requeue = Requeue("time ran short", 1)
        except PortalThrottled as error:
            requeue = requeue_throttled(error, page)
        except PortalUnavailable as error:
            requeue = Requeue(describe(error), DOWN_SECONDS)
        except DatabaseUnavailable as error:
            requeue = wait_for_database(error)
        except AllRefused as refused:
            return PageResult(progress.final_outcome(page, reason=str(refused)))
        else:
            return PageResult(progress.final_outcome(page))
        return PageResult(progress.outcome_so_far(), requeue)

    def _push_all(self, invocation: _Invocation) -> None:
        page, progress = invocation.page, invocation.progress
        states = {s.mentor_id: s for s in self.database.list_states(page.org_id, page.mentor_ids)}
        for mentor_id in self.draw(page.mentor_ids):
            if invocation.time_left() < _SECONDS_PER_MENTOR:
                raise _OutOfTime
            self._push_one(invocation, mentor_id, states.get(mentor_id))
            if progress.unanswered_in_a_row == _UNANSWERED_IN_A_ROW:
                _assert_up(invocation.portal)
        if progress.unanswered_in_a_row:
            _assert_up(invocation.portal)

    def _push_one(
        self, invocation: _Invocation, mentor_id: UUID, state: PortalState | None
    ) -> None:
        try:
            result = self._result(invocation, state)
        except (DatabaseUnavailable, PortalThrottled):
            raise
        except Exception as error:  # noqa: BLE001 - no mentor's failure may end the loop (E5)
            self._log(mentor_id, error)
            invocation.progress.record_failure(mentor_id, error)
        else:
            invocation.progress.record(mentor_id, result)

    def _result(self, invocation: _Invocation, state: PortalState | None) -> MentorResult:
        page = invocation.page
        if state is None:
            return "skipped"  # the organisation does not have this mentor any more
        if state.is_synced:
            return "synced" if state.synced_by == page.job_run_id else "skipped"
        return "synced" if page.dry_run else self._push(invocation.portal, page, state)

    def _push(self, portal: Portal, page: MentorPage, state: PortalState) -> MentorResult:
        """Send a state; send the mentor again if another worker has sent a newer state meanwhile.

        The newer state may have reached the portal before ours, which then has overwritten it.
        """
        for _ in range(_PUSHES):
            pushed = portal.push(
                MentorState(state.portal_key, state.status, state.reason, state.effective_on)
            )
            if pushed == "off":
                return "off"
            # A mentor who is not in the portal is not shown, so an inactive one is in order.
            if pushed == "unknown" and state.status != "inactive":
                raise PortalError("the portal knows no mentor with this key")
            if self.database.mark_synced(page.org_id, state, page.job_run_id):
                return "synced"
            newer = self.database.list_states(page.org_id, (state.mentor_id,))
            if not newer:
                return "skipped"
            (state,) = newer
        raise PortalError("other workers kept sending newer states of this mentor")

    def _log(self, mentor_id: UUID, error: Exception) -> None:
        self.logger.error(
            "mentor not synced",
            extra={
                "mentor_id": str(mentor_id),
                "sqlstate": getattr(error, "sqlstate", None),
                "reason": describe(error),
            },
        )


def _assert_up(portal: Portal) -> None:
    """Raise `PortalUnavailable` unless the portal answers a ping."""
    if not portal.ping():
        raise PortalUnavailable("the portal is down; the page is tried again later")
