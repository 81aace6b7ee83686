"""A run request, the run, its pages, and the results of the mentors on a page. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID, uuid5

from mentor_pause.domain.error_reasons import ErrorGroup, RequeueReason, join_notes, plain
from mentor_pause.domain.jobs import JOBS, Effect

type TriggerKind = Literal["schedule", "manual", "event"]
type RunStatus = Literal["running", "completed", "failed"]
type MentorResult = Literal["applied", "skipped", "errored"]
"""`applied`: the job made its change. `skipped`: the mentor needed no change."""
type KeptReason = Literal["changed_since", "still_expired"]
"""`changed_since`: the mentor is not as the plan or the withdrawn run left them. `still_expired`: a
withdrawal resumes nobody without a valid certification."""
KEPT_REASONS: tuple[KeptReason, ...] = ("changed_since", "still_expired")

_RUN_IDS = UUID("5b1f3c0a-6f0e-4c7f-9a55-0d6c1f0f2a11")


def run_id_of(
    job_name: str, org_id: UUID | None, trigger_id: str, *, dry_run: bool = False
) -> UUID:
    """Return the id of the run that a trigger starts, the same however often it is delivered.

    A dry run and a real run of the same trigger are two runs.
    """
    kind = "/dry" if dry_run else ""
    return uuid5(_RUN_IDS, f"{job_name}/{org_id}/{trigger_id}{kind}")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A request for a run. The job or the organisation may be unknown; then it cannot start."""

    job_name: str
    org_id: UUID | None
    kind: TriggerKind
    trigger_id: str
    triggered_by: str
    dry_run: bool = False
    redrive_of: UUID | None = None
    """The run whose errored mentors the new run takes; None: all mentors that the job lists."""
    releases: UUID | None = None
    """The run whose held mentors the new run pauses, because their plan is approved (G4)."""
    withdraws: UUID | None = None
    """The run whose pauses the new run takes back (G5)."""

    @property
    def job_run_id(self) -> UUID:
        """The id of the run that this request starts."""
        return run_id_of(self.job_name, self.org_id, self.trigger_id, dry_run=self.dry_run)


@dataclass(frozen=True, slots=True)
class Trigger(RunRequest):
    """A request for a run of a known job: a scheduled event, a person's request, another event."""

    org_id: UUID


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the ledger keeps it."""

    trigger: Trigger
    as_of: date
    cursor: UUID | None = None
    """The last mentor on a planned page; the next page begins after it."""
    pages_planned: int = 0
    pages_sent: int = 0
    pages_total: int | None = None
    """The number of pages; None while the dispatcher is still paging."""
    closed_through: int = 0
    """All pages up to this one are closed (`ledger.closed_pages`)."""
    closed_pages: frozenset[int] = frozenset()
    """The closed pages of a run that began under a version which kept them in the run's item."""
    status: RunStatus = "running"
    error: str | None = None
    """Why the dispatcher could not list all mentors, or why the run was abandoned."""
    active_at: datetime | None = None
    """When a page was last planned, requeued or closed."""
    leased_at: datetime | None = None
    """When the run last extended its lease, after paging."""
    wait_reason: str | None = None
    """Why a page had to wait for the database, the portal or another service; shown to people."""
    is_waiting: bool = False
    """A page was requeued for `wait_reason`, and no page has been closed since."""
    errors: tuple[ErrorGroup, ...] | None = None
    """Why mentors counted as errors when the run ended; None while it is running."""

    @property
    def job_run_id(self) -> UUID:
        """The run's id."""
        return self.trigger.job_run_id

    @property
    def effect(self) -> Effect:
        """The change that the run's job makes to a mentor."""
        return JOBS[self.trigger.job_name].effect

    @property
    def all_pages_closed(self) -> bool:
        """Whether paging has ended and every page is closed, as far as the run's item says.

        Pages after `closed_through` may be closed too; `ClosedPages.advance` finds out. The set of
        page numbers decides, never a counter: a page that is closed twice would count twice (E8).
        """
        if self.pages_total is None:
            return False
        return self.closed_pages.issuperset(range(self.closed_through + 1, self.pages_total + 1))


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """The result of each mentor on a page."""

    applied: tuple[UUID, ...] = ()
    """Mentors with the job's effect: paused, or pushed to the portal."""
    skipped: tuple[UUID, ...] = ()
    errored: tuple[UUID, ...] = ()
    note: str = ""
    """A remark about the page as a whole; usually empty."""
    reasons: Mapping[UUID, str] = field(default_factory=dict[UUID, str])
    """Why a mentor counts as an error."""
    kept: Mapping[UUID, KeptReason] = field(default_factory=dict[UUID, KeptReason])
    """Why some skipped mentors keep their status, for runs that report it (G4, G5)."""

    def __post_init__(self) -> None:
        """Make every reason a bounded line without ids."""
        reasons = {mentor: plain(reason) for mentor, reason in self.reasons.items()}
        object.__setattr__(self, "reasons", reasons)

    @property
    def mentor_ids(self) -> frozenset[UUID]:
        """The mentors that have a result."""
        return frozenset((*self.applied, *self.skipped, *self.errored))

    def __or__(self, later: "PageOutcome") -> "PageOutcome":
        """Merge two outcomes of one page. `applied` beats `skipped`, which beats `errored`."""
        applied = _union(self.applied, later.applied)
        skipped = _union(self.skipped, later.skipped, without=applied)
        errored = _union(self.errored, later.errored, without=(*applied, *skipped))
        named = {**self.reasons, **later.reasons}
        reasons = {m: named[m] for m in _union(named, (), without=(*applied, *skipped))}
        kept: dict[UUID, KeptReason] = {**self.kept, **later.kept}
        kept = {mentor: why for mentor, why in kept.items() if mentor in skipped}
        return PageOutcome(
            applied, skipped, errored, join_notes(self.note, later.note), reasons, kept
        )


def _union(
    first: Iterable[UUID], second: Iterable[UUID], without: Iterable[UUID] = ()
) -> tuple[UUID, ...]:
    excluded = frozenset(without)
    return tuple(m for m in dict.fromkeys((*first, *second)) if m not in excluded)


class Page(NamedTuple):
    """A page as the ledger keeps it."""

    number: int
    mentor_ids: tuple[UUID, ...]
    outcome: PageOutcome | None
    """None until the page is closed."""
    closed_at: datetime | None = None
    fence: int | None = None
    """The fence of the lock under which the dispatcher planned the page."""
    copy: int = 0
    """How often a worker sent the page's message again. Workers drop older copies."""
    processed: PageOutcome = PageOutcome()
    """The results that earlier invocations saved; part of `outcome` once the page is closed."""
    last_requeue: RequeueReason | None = None
    """Why a worker last requeued the page."""

    @property
    def unprocessed(self) -> tuple[UUID, ...]:
        """The mentors that have no result yet, in the page's order."""
        processed = self.processed.mentor_ids
        return tuple(m for m in self.mentor_ids if m not in processed)
