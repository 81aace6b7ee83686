"""What became of each mentor of a page while the worker updated the portal (H3)."""

from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.errors import PortalError, PortalRefused, PortalUnavailable, describe

type MentorResult = Literal["synced", "skipped", "errored", "unanswered", "off"]
"""What became of one mentor.

- `synced`: the portal has the mentor's present state.
- `skipped`: the portal needed no update.
- `errored`: the portal or the database refused.
- `unanswered`: the portal did not answer.
- `off`: the portal is switched off, so the worker sent nothing.
"""

OTHER_UNIT = "0x80048306"
"""Dataverse's code for a row of another business unit: it says nothing about the other rows."""

_REFUSED_IN_A_ROW = 5
"""After so many refusals in a row, and no success on the page, the portal refuses every mentor."""

SWITCHED_OFF = "the portal is switched off"


class AllRefused(Exception):
    """The portal, or its login, refuses every request; the message is the other mentors' reason."""


@dataclass(slots=True)
class PushProgress:
    """The results so far of the mentors on a page."""

    results: dict[UUID, MentorResult] = field(default_factory=dict[UUID, MentorResult])
    reasons: dict[UUID, str] = field(default_factory=dict[UUID, str])
    """Why a mentor is `errored` or `unanswered`."""
    unanswered_in_a_row: int = 0
    refused_in_a_row: int = 0

    def record(self, mentor_id: UUID, result: MentorResult) -> None:
        """Record the result of a mentor without an error.

        A skipped mentor does not end a row of failures, since the portal had no request.
        """
        self.results[mentor_id] = result
        if result != "skipped":
            self.unanswered_in_a_row = self.refused_in_a_row = 0

    def record_failure(self, mentor_id: UUID, error: Exception) -> None:
        """Record why a mentor was not synced.

        Raises:
            AllRefused: the portal would refuse the other mentors as well.
        """
        is_unanswered = isinstance(error, PortalUnavailable)
        self.results[mentor_id] = "unanswered" if is_unanswered else "errored"
        self.reasons[mentor_id] = describe(error)
        self.unanswered_in_a_row = self.unanswered_in_a_row + 1 if is_unanswered else 0
        self.refused_in_a_row = self.refused_in_a_row + 1 if _is_refusal(error) else 0
        if isinstance(error, PortalRefused) or self._is_refused_by_all():
            why = f"not sent, because the portal refused every mentor: {describe(error)}"
            raise AllRefused(why) from error

    def _is_refused_by_all(self) -> bool:
        has_success = "synced" in self.results.values()
        return not has_success and self.refused_in_a_row >= _REFUSED_IN_A_ROW

    def outcome_so_far(self) -> PageOutcome:
        """Return the outcome of a page that is not finished: only the processed mentors."""
        return PageOutcome(
            applied=self._mentors("synced"),
            skipped=self._mentors("skipped", "off"),
            errored=self._mentors("errored"),
            reasons=self.reasons,
            note=SWITCHED_OFF if "off" in self.results.values() else "",
        )

    def final_outcome(self, page: MentorPage, reason: str = "") -> PageOutcome:
        """Return the outcome of a finished page: every other mentor counts as an error.

        `reason` is the reason of the mentors without a result.
        """
        outcome = self.outcome_so_far()
        processed = {*outcome.applied, *outcome.skipped}
        errored = tuple(mentor for mentor in page.mentor_ids if mentor not in processed)
        reasons = {mentor: self.reasons.get(mentor, reason) for mentor in errored}
        return replace(outcome, errored=errored, reasons=reasons)

    def _mentors(self, *wanted: MentorResult) -> tuple[UUID, ...]:
        return tuple(mentor for mentor, result in self.results.items() if result in wanted)


def _is_refusal(error: Exception) -> bool:
    """Whether the portal itself refused, for a reason that may concern every mentor."""
    if not isinstance(error, PortalError) or error.status == 0:
        return False
    return error.code != OTHER_UNIT
