"""Tells the portal of the mentors on one page, one after the other (H1, H3).

The worker notes at once, mentor by mentor, that the portal has taken a state over. The outcome of
an invocation stays in the ledger, and the page goes on from there when it comes back. The order
is drawn again each time, so that no mentor waits for ever behind mentors that the portal cannot
take. A page that waits because the portal asks for patience has not failed. A portal that is down
does fail the page, since the run must end some time and the next one goes on (H3, E8).

A refusal of one mentor is that mentor's error. A portal that refuses the login, or five mentors in
a row before it has taken any, refuses everybody: the worker asks no further, and the mentors who
had no turn have the same reason.
"""

import random
from collections.abc import Callable, Sequence
from math import ceil
from uuid import UUID

from aws_lambda_powertools import Logger

from hlf_sync.told import Fate, RefusesEverybody, Told
from mentor_pause.aws.queues import LONGEST_DELAY
from mentor_pause.database.portal_client import PortalDatabase, PortalState
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
from mentor_pause.retry import Remaining, Retry

_DOWN_AFTER = 2
"""Mentors in a row for whom the portal had no answer: then it is asked whether it is there."""

_TURNS = 3
"""How often the worker tells the portal again of a mentor whom another worker has told, too."""

_TRIES_SECONDS = 8.0
"""No mentor's turn begins with less: with its waits, the third try comes after some six."""

DOWN_SECONDS = 180
"""Until a page comes back while the portal is down; after five times the run ends without it."""


class _OutOfTime(Exception):
    """The invocation ends soon."""


def throttled(error: PortalThrottled) -> Requeue:
    """Return what has a page wait as long as the portal asks for.

    A page that is throttled has not failed; a wait that is longer than SQS can keep a message back
    comes in several parts. A portal that fails and says when to come again is down, all the same.
    """
    seconds = min(ceil(error.seconds), LONGEST_DELAY)
    if error.has_failed:
        return Requeue(describe(error), max(seconds, DOWN_SECONDS))
    return Requeue(describe(error), seconds, is_waiting=True)


def _draw(mentor_ids: Sequence[UUID]) -> Sequence[UUID]:
    return random.sample(mentor_ids, len(mentor_ids))


class PushMentors:
    """The push loop."""

    def __init__(
        self,
        database: PortalDatabase,
        reconnect: Retry,
        logger: Logger,
        draw: Callable[[Sequence[UUID]], Sequence[UUID]] = _draw,
    ) -> None:
        """`reconnect` bounds the attempts of a call that finds no database."""
        self._draw = draw
        self._database = database
        self._reconnect = reconnect
        self._logger = logger

    def __call__(self, portal: Portal, page: MentorPage, time_left: Remaining) -> PageResult:
        """Tell the portal about every mentor of the page whom it does not know as they are now.

        Returns:
            The settled mentors, and why the others have to wait, if there are any.
        """
        told = Told()
        try:
            self._push_all(portal, page, time_left, told)
        except _OutOfTime:
            requeue = Requeue("time ran short", 1)
        except PortalThrottled as error:
            requeue = throttled(error)
        except PortalUnavailable as error:
            requeue = Requeue(describe(error), DOWN_SECONDS)
        except DatabaseUnavailable as error:
            requeue = wait_for_database(error)
        except RefusesEverybody as refused:
            return PageResult(told.outcome(page, no_turn=str(refused)))
        else:
            return PageResult(told.outcome(page))
        return PageResult(told.progress(), requeue)

    def _push_all(self, portal: Portal, page: MentorPage, time_left: Remaining, told: Told) -> None:
        states = {s.mentor_id: s for s in self._states(page.org_id, page.mentor_ids)}
        for mentor_id in self._draw(page.mentor_ids):
            if time_left() < _TRIES_SECONDS:
                raise _OutOfTime
            self._push(portal, page, states.get(mentor_id), told, mentor_id)
            if told.unanswered_in_a_row == _DOWN_AFTER:
                self._look(portal)
        if told.unanswered_in_a_row:
            self._look(portal)

    def _push(
        self,
        portal: Portal,
        page: MentorPage,
        state: PortalState | None,
        told: Told,
        mentor_id: UUID,
    ) -> None:
        try:
            told.note(mentor_id, self._fate(portal, page, state))
        except (DatabaseUnavailable, PortalThrottled):
            raise
        except Exception as error:  # noqa: BLE001 - no mentor's failure may end the loop (E5)
            self._log(mentor_id, error)
            told.fail(mentor_id, error)

    def _look(self, portal: Portal) -> None:
        if not portal.is_there():
            raise PortalUnavailable("the portal is down; the page is for later")

    def _states(self, org_id: UUID, mentor_ids: tuple[UUID, ...]) -> list[PortalState]:
        return self._reconnect(lambda: self._database.list_states(org_id, mentor_ids))

    def _fate(self, portal: Portal, page: MentorPage, state: PortalState | None) -> Fate:
        if state is None:
            return "skipped"  # no mentor of this organisation any more
        if state.is_synced:
            return "synced" if state.synced_by == page.job_run_id else "skipped"
        return "synced" if page.dry_run else self._tell(portal, page, state)

    def _tell(self, portal: Portal, page: MentorPage, state: PortalState) -> Fate:
        """Tell the portal, and again should another worker have done so with something newer.

        Its word may have come before ours, which is older.
        """
        for _ in range(_TURNS):
            told = portal.push(
                MentorState(state.portal_key, state.status, state.reason, state.effective_on)
            )
            if told == "off":
                return "off"
            # Who is not there is not shown, and of an inactive mentor that is all that is wanted.
            if told == "unknown" and state.status != "inactive":
                raise PortalError("the portal knows no mentor with this key")
            if self._mark(page, state):
                return "synced"
            again = self._states(page.org_id, (state.mentor_id,))
            if not again:
                return "skipped"
            (state,) = again
        raise PortalError("others keep telling the portal of this mentor")

    def _mark(self, page: MentorPage, state: PortalState) -> bool:
        mark = self._database.mark_synced
        return self._reconnect(lambda: mark(page.org_id, state, page.job_run_id))

    def _log(self, mentor_id: UUID, error: Exception) -> None:
        self._logger.error(
            "mentor not synced",
            extra={
                "mentor_id": str(mentor_id),
                "sqlstate": getattr(error, "sqlstate", None),
                "reason": describe(error),
            },
        )
