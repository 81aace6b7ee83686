"""The rules of a run: who it is, what a page came to, what a whole run adds up to. No I/O."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import batched
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from mentor_pause.domain.jobs import JOBS, Effect
from mentor_pause.domain.messages import Trigger
from mentor_pause.domain.reasons import (
    NO_REASON,
    UNNAMED,
    ErrorGroup,
    PutBack,
    group_errors,
    join_notes,
    plain,
)

type RunStatus = Literal["running", "completed", "failed"]
type MentorResult = Literal["done", "skipped", "errored"]

_ERRORED_LIST = "mentor_ids_errored"
_RUN_IDS = UUID("5b1f3c0a-6f0e-4c7f-9a55-0d6c1f0f2a11")


def run_id_of(
    job_name: str, org_id: UUID | None, trigger_id: str, *, dry_run: bool = False
) -> UUID:
    """Return the id of the run that this firing starts, the same however often it is delivered.

    A dry run and a real one are two runs, also of one trigger.
    """
    kind = "/dry" if dry_run else ""
    return uuid5(_RUN_IDS, f"{job_name}/{org_id}/{trigger_id}{kind}")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What asks for a run; perhaps one that cannot be, of no known job or organisation."""

    job_name: str
    org_id: UUID | None
    trigger: Trigger
    trigger_id: str
    triggered_by: str
    dry_run: bool = False
    redrive_of: UUID | None = None
    """The run whose errored mentors it is about; None: everybody."""

    @property
    def job_run_id(self) -> UUID:
        """The run that this starts, or would start."""
        return run_id_of(self.job_name, self.org_id, self.trigger_id, dry_run=self.dry_run)


@dataclass(frozen=True, slots=True)
class Firing(Attempt):
    """One reason to run a job that exists: a tick of the rule, a request, an event."""

    org_id: UUID


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the ledger keeps it."""

    firing: Firing
    as_of: date
    cursor: UUID | None = None
    """The last mentor that is on a page; paging goes on behind it."""
    pages_planned: int = 0
    pages_sent: int = 0
    pages_total: int | None = None
    """Set when paging has ended, and with it what makes the set of pages whole."""
    closed_pages: frozenset[int] = frozenset()
    status: RunStatus = "running"
    error: str | None = None
    """Why the dispatcher could not page to the end, or why the run was given up."""
    moved_at: datetime | None = None
    """When a page was last planned, put back or closed; unknown for runs of earlier versions."""
    trouble: str | None = None
    """Why a page had to wait for something around us; shown to people who look at the run."""
    waits: bool = False
    """A page was put back for such a reason, and none has been closed since."""
    errors: tuple[ErrorGroup, ...] | None = None
    """Why mentors counted as errors when the run ended; unknown while it goes on."""

    @property
    def job_run_id(self) -> UUID:
        """The run's id."""
        return self.firing.job_run_id

    @property
    def effect(self) -> Effect:
        """What its job does to a mentor."""
        return JOBS[self.firing.job_name].effect

    @property
    def is_whole(self) -> bool:
        """Whether every page is closed: the set decides, never a count (E8)."""
        if self.pages_total is None:
            return False
        return self.closed_pages.issuperset(range(1, self.pages_total + 1))


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """What became of each mentor on a page."""

    done: tuple[UUID, ...] = ()
    """Those who were paused, or of whom the portal was told: the job's effect."""
    skipped: tuple[UUID, ...] = ()
    errored: tuple[UUID, ...] = ()
    note: str = ""
    """What a person should know about the page and about no single mentor; mostly nothing."""
    reasons: Mapping[UUID, str] = field(default_factory=dict[UUID, str])
    """Why a mentor counts as an error, for mentors who are neither done nor skipped."""

    def __post_init__(self) -> None:
        """Keep reasons as reasons are, whoever wrote them."""
        reasons = {mentor: plain(reason) for mentor, reason in self.reasons.items()}
        object.__setattr__(self, "reasons", reasons)

    @property
    def mentor_ids(self) -> frozenset[UUID]:
        """The mentors that this outcome names."""
        return frozenset((*self.done, *self.skipped, *self.errored))

    def __or__(self, later: "PageOutcome") -> "PageOutcome":
        """Put two outcomes of one page together: `done` beats `skipped`, which beats `errored`."""
        done = _united(self.done, later.done)
        skipped = _united(self.skipped, later.skipped, without=done)
        errored = _united(self.errored, later.errored, without=(*done, *skipped))
        named = {**self.reasons, **later.reasons}
        reasons = {m: named[m] for m in _united(named, (), without=(*done, *skipped))}
        return PageOutcome(done, skipped, errored, join_notes(self.note, later.note), reasons)


def _united(
    first: Iterable[UUID], then: Iterable[UUID], without: Iterable[UUID] = ()
) -> tuple[UUID, ...]:
    left_out = frozenset(without)
    return tuple(m for m in dict.fromkeys((*first, *then)) if m not in left_out)


class Page(NamedTuple):
    """A page as the ledger keeps it; no outcome before it is closed."""

    number: int
    mentor_ids: tuple[UUID, ...]
    outcome: PageOutcome | None
    closed_at: datetime | None = None
    fence: int | None = None
    """Of the lock under which it was planned; unknown for pages of earlier versions."""
    copy: int = 0
    """How often its message was sent again; a delivery of an older copy is for nothing."""
    settled: PageOutcome = PageOutcome()
    """The mentors whose outcome earlier invocations wrote down; part of `outcome` once closed."""
    put_back: PutBack | None = None
    """Why a worker last put it back or handed it back."""

    @property
    def unsettled(self) -> tuple[UUID, ...]:
        """The mentors that are still to be worked on, in the page's order."""
        named = self.settled.mentor_ids
        return tuple(m for m in self.mentor_ids if m not in named)


def missing_pages(run: Run, pages: Iterable[Page]) -> list[int]:
    """Return the numbers of pages that a run had and that are not among `pages`."""
    return sorted(set(range(1, (run.pages_total or 0) + 1)) - {page.number for page in pages})


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to (E7); each list in the order of the pages."""

    job_run_id: UUID
    effect: Effect
    done: tuple[UUID, ...] = ()
    skipped: tuple[UUID, ...] = ()
    errored: tuple[UUID, ...] = ()
    renewed_count: int | None = None
    """Mentors whom the portal has certified for longer; of the sync only, and beside the others."""
    reasons: Mapping[UUID, str] = field(default_factory=dict[UUID, str])
    """Why each of the errored mentors is one."""

    @property
    def processed_count(self) -> int:
        """Every mentor that was dispatched, each counted once."""
        return len(self.done) + len(self.skipped) + len(self.errored)

    @property
    def errors(self) -> tuple[ErrorGroup, ...]:
        """The errored mentors, grouped by reason; the counts add up to `error_count`."""
        return group_errors({mentor: self.reasons.get(mentor, UNNAMED) for mentor in self.errored})

    def counts(self) -> dict[str, int]:
        """The counts, by the names that the log, the event and the database use."""
        found = {
            "processed_count": self.processed_count,
            f"{self.effect}_count": len(self.done),
            "skipped_count": len(self.skipped),
            "error_count": len(self.errored),
        }
        return (
            found if self.renewed_count is None else found | {"renewed_count": self.renewed_count}
        )

    def as_json(self) -> dict[str, object]:
        """The fields of E7 and `errors`.

        The lists of ids come last: readers of a log line may stop at 200 fields.
        """
        (lists,) = self.parts(max(1, len(self.done) + len(self.errored)))
        errors = [group.as_json() for group in self.errors]
        return {"job_run_id": str(self.job_run_id), **self.counts(), "errors": errors, **lists}

    def parts(self, ids_in_a_part: int) -> list[dict[str, list[str]]]:
        """Return the lists of ids, cut into parts of so many ids; each part has both lists."""
        named = [(self._done_list, str(mentor)) for mentor in self.done]
        named += [(_ERRORED_LIST, str(mentor)) for mentor in self.errored]
        cut = [list(part) for part in batched(named, ids_in_a_part, strict=False)] or [[]]
        return [
            {kind: [m for k, m in part if k == kind] for kind in (self._done_list, _ERRORED_LIST)}
            for part in cut
        ]

    @property
    def _done_list(self) -> str:
        return f"mentor_ids_{self.effect}"


def _by_data(
    run: Run,
    mentor: UUID,
    written: Mapping[UUID, MentorResult],
    by_data: Mapping[UUID, MentorResult],
) -> MentorResult:
    """Let the data speak where the page says error, or nothing.

    An error that a sync run wrote down stays one unless the run itself made it good: the worker may
    have told the portal something older after another one had told it the present state.
    """
    found = written.get(mentor, "errored")
    if found != "errored":
        return found
    data = by_data.get(mentor, found)
    is_known_error = run.effect == "synced" and mentor in written
    return found if is_known_error and data == "skipped" else data


def join_summary_lines(lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Put the log lines of one run's summary together again, in any order, doubled or not.

    Returns:
        The summary line with every id; `lines` and `line` are gone.

    Raises:
        ValueError: a line is missing; the message names its number.
    """
    by_number = {int(line.get("line", 1)): dict(line) for line in lines}
    total = next((int(line["lines"]) for line in by_number.values() if "lines" in line), 1)
    missing = set(range(1, total + 1)) - by_number.keys()
    if missing:
        raise ValueError(f"the summary's lines {sorted(missing)} of {total} are missing")
    found = by_number[1]
    for number in range(2, total + 1):
        for name, ids in by_number[number].items():
            if name.startswith("mentor_ids_"):
                found[name] = [*found[name], *ids]
    return {name: value for name, value in found.items() if name != "lines"}


def summarise_with_data(
    run: Run,
    pages: Sequence[Page],
    results_of: Callable[[Sequence[UUID]], Mapping[UUID, MentorResult]],
) -> Summary:
    """Add up the pages; `results_of` asks the data about the mentors that count as errors."""
    summary = summarise(run, pages)
    if not summary.errored:
        return summary
    return summarise(run, pages, results_of(summary.errored))


def summarise(
    run: Run, pages: Iterable[Page], by_data: Mapping[UUID, MentorResult] | None = None
) -> Summary:
    """Add up the pages of a run. Every mentor that was dispatched is in exactly one list.

    A mentor that no outcome names counts as an error, and so is never lost silently. For a mentor
    that counts as an error `by_data` decides: the change was made and only its answer was lost
    (`done`), or another process has paused or renewed the mentor meanwhile (`skipped`).
    """
    results: dict[UUID, MentorResult] = {}
    reasons: dict[UUID, str] = {}
    for page in sorted(pages, key=lambda page: page.number):
        outcome = page.outcome or page.settled
        written: dict[UUID, MentorResult] = {
            **dict.fromkeys(outcome.errored, "errored"),
            **dict.fromkeys(outcome.skipped, "skipped"),
            **dict.fromkeys(outcome.done, "done"),
        }
        reasons |= dict.fromkeys(outcome.errored, NO_REASON) | dict(outcome.reasons)
        for mentor in page.mentor_ids:
            results[mentor] = _by_data(run, mentor, written, by_data or {})

    def those(kind: MentorResult) -> tuple[UUID, ...]:
        return tuple(mentor for mentor, found in results.items() if found == kind)

    errored = those("errored")
    return Summary(
        run.job_run_id, run.effect, those("done"), those("skipped"), errored,
        reasons={mentor: reasons.get(mentor, UNNAMED) for mentor in errored},
    )  # fmt: skip
