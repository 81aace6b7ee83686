"""Adds up the pages of a run (E7). No I/O."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from uuid import UUID

from mentor_pause.domain.error_reasons import NO_REASON, UNNAMED, ErrorGroup, group_errors
from mentor_pause.domain.jobs import Effect
from mentor_pause.domain.runs import MentorResult, Page, PageOutcome, Run

_ERRORED_LIST = "mentor_ids_errored"


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a run (E7); each list is in the order of the pages."""

    job_run_id: UUID
    effect: Effect
    applied: tuple[UUID, ...] = ()
    skipped: tuple[UUID, ...] = ()
    errored: tuple[UUID, ...] = ()
    renewed_count: int | None = None
    """Mentors whose certification the portal extended; only the sync job counts them."""
    reasons: Mapping[UUID, str] = field(default_factory=dict[UUID, str])
    """Why each errored mentor counts as an error."""

    @property
    def processed_count(self) -> int:
        """Every mentor on the run's pages, each counted once."""
        return len(self.applied) + len(self.skipped) + len(self.errored)

    @property
    def errors(self) -> tuple[ErrorGroup, ...]:
        """The errored mentors, grouped by reason; the counts add up to `error_count`."""
        return group_errors({mentor: self.reasons.get(mentor, UNNAMED) for mentor in self.errored})

    def counts(self) -> dict[str, int]:
        """The counts, with the names that the log, the event and the database use."""
        counts = {
            "processed_count": self.processed_count,
            f"{self.effect}_count": len(self.applied),
            "skipped_count": len(self.skipped),
            "error_count": len(self.errored),
        }
        if self.renewed_count is None:
            return counts
        return counts | {"renewed_count": self.renewed_count}

    def as_json(self) -> dict[str, object]:
        """The fields of E7 and `errors`.

        The lists of ids come last, because readers of a log line may stop at 200 fields.
        """
        (lists,) = self.parts(max(1, len(self.applied) + len(self.errored)))
        errors = [group.as_json() for group in self.errors]
        return {"job_run_id": str(self.job_run_id), **self.counts(), "errors": errors, **lists}

    def parts(self, ids_per_part: int) -> list[dict[str, list[str]]]:
        """Return the lists of ids, cut into parts of `ids_per_part` ids; each has both lists."""
        named = [(self._applied_list, str(mentor)) for mentor in self.applied]
        named += [(_ERRORED_LIST, str(mentor)) for mentor in self.errored]
        parts = [list(part) for part in batched(named, ids_per_part, strict=False)] or [[]]
        return [
            {
                name: [m for n, m in part if n == name]
                for name in (self._applied_list, _ERRORED_LIST)
            }
            for part in parts
        ]

    @property
    def _applied_list(self) -> str:
        return f"mentor_ids_{self.effect}"


def summarise_with_data(
    run: Run,
    pages: Sequence[Page],
    results_of: Callable[[Sequence[UUID]], Mapping[UUID, MentorResult]],
) -> Summary:
    """Add up the pages; `results_of` looks in the database for mentors that count as errors."""
    summary = summarise(run, pages)
    if not summary.errored:
        return summary
    return summarise(run, pages, results_of(summary.errored))


def summarise(
    run: Run, pages: Iterable[Page], in_database: Mapping[UUID, MentorResult] | None = None
) -> Summary:
    """Add up the pages of a run. Every mentor on a page is in exactly one list.

    A mentor without a result counts as an error, so that no mentor is lost silently. For a mentor
    that counts as an error, `in_database` decides: the change was made and only the answer was lost
    (`applied`), or another process paused or renewed the mentor meanwhile (`skipped`).
    """
    results: dict[UUID, MentorResult] = {}
    reasons: dict[UUID, str] = {}
    for page in sorted(pages, key=lambda page: page.number):
        outcome = page.outcome or page.processed
        recorded = _recorded(outcome)
        reasons |= dict.fromkeys(outcome.errored, NO_REASON) | dict(outcome.reasons)
        for mentor in page.mentor_ids:
            results[mentor] = _result(run, mentor, recorded, in_database or {})

    def mentors_with(result: MentorResult) -> tuple[UUID, ...]:
        return tuple(mentor for mentor, its_result in results.items() if its_result == result)

    errored = mentors_with("errored")
    return Summary(
        run.job_run_id, run.effect, mentors_with("applied"), mentors_with("skipped"), errored,
        reasons={mentor: reasons.get(mentor, UNNAMED) for mentor in errored},
    )  # fmt: skip


def _recorded(outcome: PageOutcome) -> dict[UUID, MentorResult]:
    return {
        **dict.fromkeys(outcome.errored, "errored"),
        **dict.fromkeys(outcome.skipped, "skipped"),
        **dict.fromkeys(outcome.applied, "applied"),
    }


def _result(
    run: Run,
    mentor: UUID,
    recorded: Mapping[UUID, MentorResult],
    in_database: Mapping[UUID, MentorResult],
) -> MentorResult:
    """Return the recorded result, or the database's where the page has an error or nothing.

    An error that a sync run recorded stays an error unless the run itself repaired it. The worker
    may have pushed an older state after another worker had pushed the present one.
    """
    result = recorded.get(mentor, "errored")
    if result != "errored":
        return result
    by_data = in_database.get(mentor, result)
    is_sync_error = run.effect == "synced" and mentor in recorded
    return result if is_sync_error and by_data == "skipped" else by_data
