"""Adds up a run page by page, with a bounded memory, while the run is being completed (E7). No I/O.

A run may have a million mentors. The tally keeps counts, and the ids of at most one log line. When
these ids fill a line, the completion logs the line, empties the list, and saves the counts.
"""

import json
from dataclasses import dataclass, field
from uuid import UUID

from mentor_pause.domain.error_reasons import ErrorCounts, cut, join_notes
from mentor_pause.domain.jobs import MAX_PAGE_SIZE
from mentor_pause.domain.runs import KeptReason, PageOutcome, Run
from mentor_pause.domain.summary import BrakeCounts, Totals, id_lists, kept_lists

IDS_PER_LINE = 4000
"""Lambda cuts a log line at 256 KB; an id takes 40 bytes there."""

_LONGEST_NOTES = 3800
"""Characters; the text of the run's row is not longer."""


@dataclass(slots=True)
class Tally:
    """The counts of a run's pages up to `page`."""

    page: int = 0
    """The last page that was added; 0: none."""
    lines: int = 0
    """Lines with ids that were logged."""
    applied_count: int = 0
    skipped_count: int = 0
    errors: ErrorCounts = field(default_factory=ErrorCounts)
    error_count: int = 0
    notes: str = ""
    """The pages' notes, each once."""
    applied: list[UUID] = field(default_factory=list[UUID])
    """Ids that no line has yet; so are `errored`."""
    errored: list[UUID] = field(default_factory=list[UUID])
    kept: dict[UUID, KeptReason] = field(default_factory=dict[UUID, KeptReason])
    """Mentors who keep their status, and that no line names yet."""

    def add(self, number: int, settled: PageOutcome) -> None:
        """Add a page, in which every mentor has exactly one result (`summary.settle`)."""
        self.page = number
        self.applied_count += len(settled.applied)
        self.skipped_count += len(settled.skipped)
        self.error_count += len(settled.errored)
        for mentor in settled.errored:
            self.errors.add(mentor, settled.reasons[mentor])
        if len(self.notes) < _LONGEST_NOTES:
            self.notes = cut(join_notes(self.notes, settled.note), _LONGEST_NOTES)
        self.applied += settled.applied
        self.errored += settled.errored
        self.kept |= settled.kept

    def fills_a_line(self, ids_per_line: int = IDS_PER_LINE) -> bool:
        """Whether the ids of another page might not fit in a log line."""
        return self.unlogged + MAX_PAGE_SIZE > ids_per_line

    @property
    def unlogged(self) -> int:
        """How many ids no line has yet."""
        return len(self.applied) + len(self.errored) + len(self.kept)

    def id_lists(self, run: Run) -> dict[str, list[str]]:
        """Return the ids that no line has yet."""
        lists = id_lists(run.effect, self.applied, self.errored)
        return lists | kept_lists(run.effect, self.kept)

    def forget_ids(self) -> None:
        """Forget the ids that a line now has."""
        self.applied, self.errored, self.kept = [], [], {}

    def totals(
        self, run: Run, renewed_count: int | None, brake: BrakeCounts | None = None
    ) -> Totals:
        """Return the counts of the run, when all pages were added."""
        return Totals(
            run.job_run_id, run.effect, self.applied_count, self.skipped_count, self.error_count,
            self.errors.ranked(), renewed_count, brake,
        )  # fmt: skip

    def as_text(self) -> str:
        """Return the tally as the ledger saves it, with the ids that no line has yet."""
        return json.dumps(
            {
                "page": self.page,
                "lines": self.lines,
                "applied": self.applied_count,
                "skipped": self.skipped_count,
                "errored": self.error_count,
                "errors": self.errors.as_json(),
                "notes": self.notes,
                "applied_ids": [str(mentor) for mentor in self.applied],
                "errored_ids": [str(mentor) for mentor in self.errored],
                "kept": {str(mentor): why for mentor, why in self.kept.items()},
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Tally":
        """Return the tally that `as_text` wrote."""
        saved = json.loads(text)
        return cls(
            saved["page"], saved["lines"], saved["applied"], saved["skipped"],
            ErrorCounts.from_json(saved["errors"]), saved["errored"], saved["notes"],
            [UUID(mentor) for mentor in saved["applied_ids"]],
            [UUID(mentor) for mentor in saved["errored_ids"]],
            {UUID(mentor): why for mentor, why in saved.get("kept", {}).items()},
        )  # fmt: skip
