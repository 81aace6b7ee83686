"""The rules of a run: who it is, what a page came to, what a whole run adds up to. No I/O."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID, uuid5

from mentor_pause.events import Trigger
from mentor_pause.jobs import JOBS, Effect

type RunStatus = Literal["running", "completed", "failed"]

_RUN_IDS = UUID("5b1f3c0a-6f0e-4c7f-9a55-0d6c1f0f2a11")


def run_id_of(job_name: str, org_id: UUID | None, trigger_id: str) -> UUID:
    """Return the id of the run that this firing starts, the same however often it is delivered."""
    return uuid5(_RUN_IDS, f"{job_name}/{org_id}/{trigger_id}")


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
        return run_id_of(self.job_name, self.org_id, self.trigger_id)


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
    """When a page was last planned or closed; unknown for runs of earlier versions."""

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
    """What a person should know of it, in the execution log; mostly nothing."""


class Page(NamedTuple):
    """A page as the ledger keeps it; no outcome before it is closed."""

    number: int
    mentor_ids: tuple[UUID, ...]
    outcome: PageOutcome | None
    closed_at: datetime | None = None
    fence: int | None = None
    """Of the lock under which it was planned; unknown for pages of earlier versions."""


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

    @property
    def processed_count(self) -> int:
        """Every mentor that was dispatched, each counted once."""
        return len(self.done) + len(self.skipped) + len(self.errored)

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
        """The summary line of E7."""
        return {
            "job_run_id": str(self.job_run_id),
            **self.counts(),
            f"mentor_ids_{self.effect}": [str(mentor) for mentor in self.done],
            "mentor_ids_errored": [str(mentor) for mentor in self.errored],
        }


def summarise_with_history(
    run: Run,
    pages: Sequence[Page],
    changed_among: Callable[[Sequence[UUID]], frozenset[UUID]],
) -> Summary:
    """Add up the pages; of mentors that count as errors, ask the data what did happen."""
    summary = summarise(run, pages)
    if not summary.errored:
        return summary
    return summarise(run, pages, changed_among(summary.errored))


def summarise(run: Run, pages: Iterable[Page], changed: frozenset[UUID] = frozenset()) -> Summary:
    """Add up the pages of a run. Every mentor that was dispatched is in exactly one list.

    A mentor that no outcome names counts as an error, and so is never lost silently. One whose call
    failed but who is in `changed` was done after all: only the answer was lost.
    """
    fate: dict[UUID, str] = {}
    for page in sorted(pages, key=lambda page: page.number):
        outcome = page.outcome or PageOutcome()
        said = {
            **dict.fromkeys(outcome.errored, "errored"),
            **dict.fromkeys(outcome.skipped, "skipped"),
            **dict.fromkeys(outcome.done, "done"),
        }
        for mentor in page.mentor_ids:
            found = said.get(mentor, "errored")
            fate[mentor] = "done" if found == "errored" and mentor in changed else found

    def those(kind: str) -> tuple[UUID, ...]:
        return tuple(mentor for mentor, found in fate.items() if found == kind)

    return Summary(run.job_run_id, run.effect, those("done"), those("skipped"), those("errored"))
