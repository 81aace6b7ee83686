"""Tells the portal of the mentors on one page, one after the other (H1, H3).

What the portal has taken over is noted at once, mentor by mentor: whatever stops this, the page
goes on from there when it comes back. They are told in an order that is drawn anew each time, so
that nobody waits for ever behind those whom the portal cannot take.
"""

import random
from collections.abc import Callable, Sequence
from math import ceil
from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.errors import (
    DatabaseUnavailable,
    PortalError,
    PortalRefused,
    PortalThrottled,
    PortalUnavailable,
    describe,
)
from mentor_pause.events import MentorPage
from mentor_pause.pages import HandBack
from mentor_pause.portal import MentorState, Portal
from mentor_pause.retry import Remaining, Retry
from mentor_pause.runs import PageOutcome
from mentor_pause.supabase.portal import PortalDatabase, PortalState

type Fate = Literal["synced", "skipped", "errored", "unanswered", "refused", "off"]

_DOWN_AFTER = 2
"""Mentors in a row for whom the portal had no answer: then it is asked whether it is there."""

_TURNS = 3
"""How often a mentor is told anew of whom another worker told the portal meanwhile."""

_TRIES_SECONDS = 8.0
"""No mentor's turn begins with less: with its waits, the third try comes after some six."""

SWITCHED_OFF = "the portal is switched off"


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

    def __call__(self, portal: Portal, page: MentorPage, time_left: Remaining) -> PageOutcome:
        """Tell the portal of whoever it does not know as they are now.

        Raises:
            HandBack: time runs short, or the portal asks for patience; the rest is for later.
            PortalUnavailable: the portal is down; the page is for later.
            DatabaseUnavailable: the database is down; the page is for later.
        """
        states = {s.mentor_id: s for s in self._states(page.org_id, page.mentor_ids)}
        fates: dict[UUID, Fate] = {}
        notes: list[str] = []
        unanswered_in_a_row = 0
        for mentor_id in self._draw(page.mentor_ids):
            if time_left() < _TRIES_SECONDS:
                raise HandBack(f"time ran short after {len(fates)} mentors", 1)
            fate = fates[mentor_id] = self._fate(portal, page, states.get(mentor_id), notes)
            unanswered_in_a_row = unanswered_in_a_row + 1 if fate == "unanswered" else 0
            if unanswered_in_a_row == _DOWN_AFTER:
                self._look(portal)
            if fate == "refused":
                break
        if unanswered_in_a_row:
            self._look(portal)
        return _outcome(page, fates, notes)

    def _look(self, portal: Portal) -> None:
        if not portal.is_there():
            raise PortalUnavailable("the portal is down; the page is for later")

    def _states(self, org_id: UUID, mentor_ids: tuple[UUID, ...]) -> list[PortalState]:
        return self._reconnect(lambda: self._database.list_states(org_id, mentor_ids))

    def _fate(
        self, portal: Portal, page: MentorPage, state: PortalState | None, notes: list[str]
    ) -> Fate:
        if state is None:
            return "skipped"  # no mentor of this organisation any more
        if state.is_synced:
            return "synced" if state.synced_by == page.job_run_id else "skipped"
        if page.dry_run:
            return "synced"
        try:
            return self._tell(portal, page, state)
        except DatabaseUnavailable:
            raise
        except PortalThrottled as error:
            raise HandBack(describe(error), ceil(error.seconds)) from error
        except Exception as error:  # noqa: BLE001 - no mentor's failure may end the loop (E5)
            self._log(state.mentor_id, error)
            if isinstance(error, PortalError):
                notes.append(describe(error))
            return _fate_of(error)

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
        return self._reconnect(
            lambda: self._database.mark_synced(
                page.org_id, state.mentor_id, state.version, page.job_run_id
            )
        )

    def _log(self, mentor_id: UUID, error: Exception) -> None:
        self._logger.error(
            "mentor not synced",
            extra={
                "mentor_id": str(mentor_id),
                "sqlstate": getattr(error, "sqlstate", None),
                "reason": describe(error),
            },
        )


def _fate_of(error: Exception) -> Fate:
    if isinstance(error, PortalUnavailable):
        return "unanswered"
    return "refused" if isinstance(error, PortalRefused) else "errored"


def _outcome(page: MentorPage, fates: dict[UUID, Fate], notes: list[str]) -> PageOutcome:
    """Sum up; who had no turn, since the portal refuses us, counts as an error."""
    synced = tuple(m for m in page.mentor_ids if fates.get(m) == "synced")
    skipped = tuple(m for m in page.mentor_ids if fates.get(m) in ("skipped", "off"))
    done = {*synced, *skipped}
    is_off = "off" in fates.values()
    return PageOutcome(
        done=synced,
        skipped=skipped,
        errored=tuple(m for m in page.mentor_ids if m not in done),
        note=SWITCHED_OFF if is_off else next(iter(notes), ""),
    )
