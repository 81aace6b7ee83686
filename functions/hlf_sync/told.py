"""Keeps what became of the mentors of a page, and why the portal was not told of some (H3)."""

from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.errors import PortalError, PortalRefused, PortalUnavailable, describe

type Fate = Literal["synced", "skipped", "errored", "unanswered", "off"]

OTHER_UNIT = "0x80048306"
"""Dataverse's code for a row of another business unit: it says nothing of the other rows."""

_REFUSED_AFTER = 5
"""Mentors in a row whom the portal refused, and none of the page went well before."""

SWITCHED_OFF = "the portal is switched off"


class RefusesEverybody(Exception):
    """The portal, or its login, refuses every request; the message is for who comes after."""


@dataclass(slots=True)
class Told:
    """What became of the mentors of a page so far."""

    fates: dict[UUID, Fate] = field(default_factory=dict[UUID, Fate])
    reasons: dict[UUID, str] = field(default_factory=dict[UUID, str])
    """Of each mentor who is an error, or had no answer: why."""
    unanswered_in_a_row: int = 0
    refused_in_a_row: int = 0

    def note(self, mentor_id: UUID, fate: Fate) -> None:
        """Note what became of a mentor who is not an error; `skipped`: the portal was not asked."""
        self.fates[mentor_id] = fate
        if fate != "skipped":
            self.unanswered_in_a_row = self.refused_in_a_row = 0

    def fail(self, mentor_id: UUID, error: Exception) -> None:
        """Note why a mentor was not synced.

        Raises:
            RefusesEverybody: nobody else would fare better.
        """
        is_unanswered = isinstance(error, PortalUnavailable)
        self.fates[mentor_id] = "unanswered" if is_unanswered else "errored"
        self.reasons[mentor_id] = describe(error)
        self.unanswered_in_a_row = self.unanswered_in_a_row + 1 if is_unanswered else 0
        self.refused_in_a_row = self.refused_in_a_row + 1 if _is_refusal(error) else 0
        never_well = "synced" not in self.fates.values()
        is_general = never_well and self.refused_in_a_row >= _REFUSED_AFTER
        if is_general or isinstance(error, PortalRefused):
            why = f"not asked, since the portal refused everybody: {describe(error)}"
            raise RefusesEverybody(why) from error

    def progress(self) -> PageOutcome:
        """Return the mentors that are settled before the page is through."""
        return PageOutcome(
            applied=self._those("synced"),
            skipped=self._those("skipped", "off"),
            errored=self._those("errored"),
            reasons=self.reasons,
            note=self._note,
        )

    def outcome(self, page: MentorPage, no_turn: str = "") -> PageOutcome:
        """Sum up a page that is through; who had no turn is an error for the reason `no_turn`."""
        found = self.progress()
        settled = {*found.applied, *found.skipped}
        errored = tuple(mentor for mentor in page.mentor_ids if mentor not in settled)
        reasons = {mentor: self.reasons.get(mentor, no_turn) for mentor in errored}
        return replace(found, errored=errored, reasons=reasons)

    @property
    def _note(self) -> str:
        return SWITCHED_OFF if "off" in self.fates.values() else ""

    def _those(self, *fates: Fate) -> tuple[UUID, ...]:
        return tuple(mentor for mentor, fate in self.fates.items() if fate in fates)


def _is_refusal(error: Exception) -> bool:
    """Whether the portal itself said no, and perhaps says so to everybody."""
    if not isinstance(error, PortalError) or error.status == 0:
        return False
    return error.code != OTHER_UNIT
