"""Looks at suspected differences again, on both sides, before they are reported (H5).

A listing of the portal takes seconds or minutes, and a sync may run at the same time. A row that
moves between two pages is missing from both, and a row that was read early may have changed since.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.portal_results import PortalState
from mentor_pause.errors import PortalError
from mentor_pause.portal import MentorState, Portal, PortalMentor
from mentor_pause.retry import Remaining

type Kind = Literal["differs", "only_here", "only_there"]

type Listed = Mapping[str, PortalMentor]
"""The portal's mentors by their folded key."""

MOST_ASKED = 100
"""In one look, the portal gets at most so many requests for single mentors or certifications."""

LOOKS = 3
"""How often a mentor who changes between two looks is looked at; then the next measurement is due.
"""

LEAST_SECONDS = 30.0
"""With less time left, no request for a single mentor or certification begins."""


def folded(key: str) -> str:
    """Return a key as Dataverse compares it: without regard to case."""
    return key.casefold()


def agrees(portal: Portal, state: PortalState, mentor: PortalMentor | None) -> bool:
    """Whether the portal holds what it should.

    A mentor who is not in the portal is not shown there, which is right for an inactive one.
    """
    if mentor is None:
        return state.status == "inactive"
    due = MentorState(state.portal_key, state.status, state.reason, state.effective_on)
    return portal.matches(mentor, due)


@dataclass(frozen=True, slots=True)
class ConfirmDifferences:
    """Asks portal and database once more about the mentors who seem to differ."""

    org_id: UUID
    portal: Portal
    database: PortalDatabase
    list_mentors: Callable[[], Listed]
    """Reads the portal's whole listing."""
    remaining: Remaining

    def differing(
        self, suspects: list[PortalState], listed: Listed
    ) -> list[tuple[PortalState, PortalMentor | None]]:
        """Return the suspects who still differ, each with what the portal holds.

        A difference counts only if the database said the same before and after the portal was
        asked.
        """
        confirmed: list[tuple[PortalState, PortalMentor | None]] = []
        for _ in range(LOOKS):
            if not suspects:
                break
            listed = self._ask([state.portal_key for state in suspects], listed)
            before = {state.mentor_id: state for state in suspects}
            suspects = []
            for state in self.database.list_states(self.org_id, list(before)):
                mentor = listed.get(folded(state.portal_key))
                if agrees(self.portal, state, mentor):
                    continue
                if state == before[state.mentor_id]:
                    confirmed.append((state, mentor))
                else:
                    suspects.append(state)
        return confirmed

    def unknown_here(self, listed: Listed, ours: set[str]) -> list[PortalMentor]:
        """Return the mentors that the portal still shows and the database still does not know."""
        shown = {k: m for k, m in listed.items() if k not in ours and m.is_shown}
        if not shown:
            return []
        for state in self.database.list_all_states(self.org_id):
            shown.pop(folded(state.portal_key), None)
        present = self._ask([mentor.key for mentor in shown.values()], shown)
        return [m for key, m in present.items() if key in shown and m.is_shown]

    def _ask(self, keys: list[str], listed: Listed) -> Listed:
        """Ask the portal for each mentor, and return the listing with the answers in it.

        For too many mentors, read the whole listing again, and ask only for the mentors who are
        missing from it. Where time is too short for a request, the listing stays as it was.
        """
        present = dict(listed)
        if len(keys) > MOST_ASKED:
            present = dict(self.list_mentors())
            keys = [key for key in keys if folded(key) not in present]
        for key in keys[:MOST_ASKED]:
            if self.remaining() < LEAST_SECONDS:
                break
            with suppress(PortalError):  # Dataverse takes no request for such a key
                mentor = self.portal.mentor(key)
                present.pop(folded(key), None)
                if mentor is not None:
                    present[folded(key)] = mentor
        return present
