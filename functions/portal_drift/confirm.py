"""Looks at suspected differences again, on both sides, before they are reported (H5).

A listing of the portal takes seconds or minutes, and a sync may be at work meanwhile. A mentor
whose row moves between two pages is missing from both, and a row that was read early may have
changed since.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from mentor_pause.database.portal_client import PortalDatabase, PortalState
from mentor_pause.errors import PortalError
from mentor_pause.portal import MentorState, Portal, PortalMentor
from mentor_pause.retry import Remaining, Retry

type Kind = Literal["differs", "only_here", "only_there"]

type Listed = Mapping[str, PortalMentor]
"""The portal's mentors by their folded key."""

ASKED_SINGLY = 100
"""Mentors for whom the portal gets a request of their own in one look."""

LOOKS = 3
"""Looks at a mentor who changes from one to the next; then the next measurement has them."""

LEAST_SECONDS = 30.0
"""With less left nobody is asked for singly any more."""


def folded(key: str) -> str:
    """Return a key as Dataverse compares it: without regard to case."""
    return key.casefold()


def in_line(portal: Portal, state: PortalState, mentor: PortalMentor | None) -> bool:
    """Whether the portal holds what it should; who is not there is not shown, so inactive."""
    if mentor is None:
        return state.status == "inactive"
    told = MentorState(state.portal_key, state.status, state.reason, state.effective_on)
    return portal.holds(mentor, told)


@dataclass(frozen=True, slots=True)
class Confirm:
    """Asks portal and database once more about those of whom they seem to differ."""

    org_id: UUID
    portal: Portal
    database: PortalDatabase
    reconnect: Retry
    list_mentors: Callable[[], Listed]
    """Reads the portal's whole listing."""
    remaining: Remaining

    def differing(
        self, suspects: list[PortalState], listed: Listed
    ) -> list[tuple[PortalState, PortalMentor | None]]:
        """Return those suspects who do differ, and what the portal holds of them.

        A difference counts when the database said the same before the portal was asked and after.
        """
        found: list[tuple[PortalState, PortalMentor | None]] = []
        for _ in range(LOOKS):
            if not suspects:
                break
            listed = self._ask([state.portal_key for state in suspects], listed)
            before = {state.mentor_id: state for state in suspects}
            suspects = []
            for state in self._states(list(before)):
                mentor = listed.get(folded(state.portal_key))
                if in_line(self.portal, state, mentor):
                    continue
                if state == before[state.mentor_id]:
                    found.append((state, mentor))
                else:
                    suspects.append(state)
        return found

    def unknown_here(self, listed: Listed, ours: set[str]) -> list[PortalMentor]:
        """Return whom the portal shows still, and who is nobody's mentor here still."""
        shown = {k: m for k, m in listed.items() if k not in ours and m.is_shown}
        if not shown:
            return []
        for state in self._all_states():
            shown.pop(folded(state.portal_key), None)
        there = self._ask([mentor.key for mentor in shown.values()], shown)
        return [m for key, m in there.items() if key in shown and m.is_shown]

    def _ask(self, keys: list[str], listed: Listed) -> Listed:
        """Ask for each mentor; if they are too many, list all anew and ask for who is missing.

        What could not be asked, since time is short, is as it was listed.
        """
        there = dict(listed)
        if len(keys) > ASKED_SINGLY:
            there = dict(self.list_mentors())
            keys = [key for key in keys if folded(key) not in there]
        for key in keys[:ASKED_SINGLY]:
            if self.remaining() < LEAST_SECONDS:
                break
            with suppress(PortalError):  # a key that the portal cannot be asked for
                mentor = self.portal.mentor(key)
                there.pop(folded(key), None)
                if mentor is not None:
                    there[folded(key)] = mentor
        return there

    def _states(self, mentor_ids: list[UUID]) -> list[PortalState]:
        return self.reconnect(lambda: self.database.list_states(self.org_id, mentor_ids))

    def _all_states(self) -> list[PortalState]:
        return self.reconnect(lambda: list(self.database.list_all_states(self.org_id)))
