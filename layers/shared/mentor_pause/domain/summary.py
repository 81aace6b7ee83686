"""Adds up the pages of a run (E7). No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from mentor_pause.domain.error_reasons import NO_REASON, UNNAMED, ErrorGroup, group_errors
from mentor_pause.domain.jobs import Effect
from mentor_pause.domain.runs import (
    KEPT_REASONS,
    KeptReason,
    MentorResult,
    Page,
    PageOutcome,
    Run,
)

ERRORED_LIST = "mentor_ids_errored"


@dataclass(frozen=True, slots=True)
class BrakeCounts:
    """What the brake made of a run's plan (G2, G3). These mentors are not processed mentors."""

    unforeseen: int
    """Planned mentors who were not warned of their expiry date in time."""
    held: int
    """Those of them who wait for an approval."""
    acts: bool
    """Whether there are more unforeseen mentors than the organisation's limits."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The counts of a run, and why mentors count as errors."""

    job_run_id: UUID
    effect: Effect
    applied_count: int = 0
    skipped_count: int = 0
    error_count: int = 0
    errors: tuple[ErrorGroup, ...] = ()
    """The errored mentors, grouped by reason; the counts add up to `error_count`."""
    renewed_count: int | None = None
    """Mentors whose certification the portal extended; only the sync job counts them."""
    brake: BrakeCounts | None = None
    """What the brake made of the run's plan; only a run with a plan of its own counts it."""

    @property
    def processed_count(self) -> int:
        """Every mentor on the run's pages, each counted once."""
        return self.applied_count + self.skipped_count + self.error_count

    def counts(self) -> dict[str, int]:
        """The counts, with the names that the log, the event and the database use."""
        counts = {
            "processed_count": self.processed_count,
            f"{self.effect}_count": self.applied_count,
            "skipped_count": self.skipped_count,
            "error_count": self.error_count,
        }
        if self.renewed_count is None:
            return counts
        return counts | {"renewed_count": self.renewed_count}

    def as_json(self) -> dict[str, object]:
        """The fields of E7 without the lists of ids, and `errors`."""
        errors = [group.as_json() for group in self.errors]
        return {
            "job_run_id": str(self.job_run_id),
            **self.counts(),
            **_brake_fields(self.brake),
            "errors": errors,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a run with all its ids, for people; each list is in the order of the pages."""

    job_run_id: UUID
    effect: Effect
    applied: tuple[UUID, ...] = ()
    skipped: tuple[UUID, ...] = ()
    errored: tuple[UUID, ...] = ()
    renewed_count: int | None = None
    reasons: Mapping[UUID, str] = field(default_factory=dict[UUID, str])
    """Why each errored mentor counts as an error."""
    kept: Mapping[UUID, KeptReason] = field(default_factory=dict[UUID, KeptReason])
    """Why some skipped mentors keep their status."""
    brake: BrakeCounts | None = None

    @property
    def totals(self) -> Totals:
        """The counts."""
        return Totals(
            self.job_run_id,
            self.effect,
            len(self.applied),
            len(self.skipped),
            len(self.errored),
            group_errors({mentor: self.reasons.get(mentor, UNNAMED) for mentor in self.errored}),
            self.renewed_count,
            self.brake,
        )

    def as_json(self) -> dict[str, object]:
        """The fields of E7 and `errors`.

        The lists of ids come last, because readers of a log line may stop at 200 fields.
        """
        lists = id_lists(self.effect, self.applied, self.errored)
        return self.totals.as_json() | lists | kept_lists(self.effect, self.kept)


def id_lists(
    effect: Effect, applied: Sequence[UUID], errored: Sequence[UUID]
) -> dict[str, list[str]]:
    """Return the two lists of ids with their names in a summary."""
    return {
        f"mentor_ids_{effect}": [str(mentor) for mentor in applied],
        ERRORED_LIST: [str(mentor) for mentor in errored],
    }


def kept_lists(effect: Effect, kept: Mapping[UUID, KeptReason]) -> dict[str, list[str]]:
    """Return the lists of the mentors who keep their status, by reason.

    A withdrawal has both lists, another run only those that name somebody (G4, G5).
    """
    lists: dict[str, list[str]] = {}
    for reason in KEPT_REASONS:
        mentors = [str(mentor) for mentor, why in kept.items() if why == reason]
        if mentors or effect == "resumed":
            lists[f"mentor_ids_{reason}"] = mentors
    return lists


def _brake_fields(brake: BrakeCounts | None) -> dict[str, int]:
    if brake is None:
        return {}
    return {"unforeseen_count": brake.unforeseen, "held_count": brake.held}


def settle(
    run: Run, page: Page, in_database: Mapping[UUID, MentorResult] | None = None
) -> PageOutcome:
    """Return the outcome of a page in which every mentor has exactly one result.

    A mentor without a result counts as an error, so that no mentor is lost silently. For a mentor
    that counts as an error, `in_database` decides: the change was made and only the answer was lost
    (`applied`), or another process paused or renewed the mentor meanwhile (`skipped`).
    """
    outcome = page.outcome or page.processed
    recorded = _recorded(outcome)
    results = {m: _result(run, m, recorded, in_database or {}) for m in page.mentor_ids}
    reasons = dict.fromkeys(outcome.errored, NO_REASON) | dict(outcome.reasons)

    def mentors_with(result: MentorResult) -> tuple[UUID, ...]:
        return tuple(mentor for mentor, its_result in results.items() if its_result == result)

    skipped, errored = mentors_with("skipped"), mentors_with("errored")
    kept: dict[UUID, KeptReason] = {m: outcome.kept[m] for m in skipped if m in outcome.kept}
    if run.effect == "resumed":  # the database decided about mentors without a recorded reason
        kept = {mentor: kept.get(mentor, "changed_since") for mentor in skipped}
    return PageOutcome(
        mentors_with("applied"), skipped, errored, outcome.note,
        {mentor: reasons.get(mentor, UNNAMED) for mentor in errored}, kept,
    )  # fmt: skip


def summarise(
    run: Run, settled: Iterable[PageOutcome], renewed_count: int | None = None
) -> Summary:
    """Add up the settled pages of a run, in their order."""
    applied, skipped, errored = list[UUID](), list[UUID](), list[UUID]()
    reasons: dict[UUID, str] = {}
    kept: dict[UUID, KeptReason] = {}
    for outcome in settled:
        applied += outcome.applied
        skipped += outcome.skipped
        errored += outcome.errored
        reasons |= outcome.reasons
        kept |= outcome.kept
    return Summary(
        run.job_run_id, run.effect, tuple(applied), tuple(skipped), tuple(errored),
        renewed_count, reasons, kept,
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
