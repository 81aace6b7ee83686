"""What plan, brake, approval and withdrawal must do, in Python (G1, G2, G4 to G6).

It knows only the requirements: it reads no SQL of the product. Each method takes one step and
returns what the product has to answer.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal
from uuid import UUID

type Mode = Literal["watch", "hold", "off"]
type Action = Literal["pause", "hold"]

FOREWARNED = timedelta(days=7)
RULE = "certification_expiry/1"


@dataclass(slots=True)
class Mentor:
    """A mentor as the oracle knows them."""

    id: UUID
    certifications: list[date]
    warned: set[tuple[date, date]]
    """Expiry dates of which the mentor was warned, each with the day of the warning."""
    status: str = "active"
    version: int = 1
    changes: list[UUID | None] = field(default_factory=list[UUID | None])
    """The run of each change of status, oldest first; None: by hand."""

    @property
    def expires_on(self) -> date | None:
        """The latest certification counts (E1)."""
        return max(self.certifications, default=None)

    def is_expired(self, day: date) -> bool:
        """Whether the certification has expired on a day."""
        return self.expires_on is not None and self.expires_on <= day

    def why(self, day: date) -> str:
        """Say whether a pause was foreseen: a warning of this date, seven days before (G2)."""
        days = [warned for expires_on, warned in self.warned if expires_on == self.expires_on]
        if days:
            return "forewarned" if min(days) <= day - FOREWARNED else "warned_late"
        return "warned_of_another_date" if self.warned else "never_warned"

    def set(self, status: str, run: UUID | None = None) -> None:
        """Change the status."""
        self.status, self.version = status, self.version + 1
        self.changes.append(run)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a plan says of a mentor."""

    version: int
    expires_on: date
    action: Action
    why: str

    def fits(self, mentor: Mentor) -> bool:
        """Whether the mentor is as the plan says."""
        return (self.version, self.expires_on) == (mentor.version, mentor.expires_on)


@dataclass(slots=True)
class Run:
    """A run, with its plan."""

    id: UUID
    as_of: date
    triggered_by: str = "rule"
    is_dry: bool = False
    plan_of: "Run | None" = None
    """The run whose plan it carries out: a redrive and a release have one."""
    is_release: bool = False
    withdraws: "Run | None" = None
    entries: dict[UUID, Entry] = field(default_factory=dict[UUID, Entry])
    plan_hash: str | None = None
    """None: the plan is not whole."""
    made: int = 0
    """How many plans of the organisation were whole before, those of dry runs too."""
    has_ended: bool = False
    approval: str | None = None
    """Who approved the plan."""

    @property
    def holds(self) -> list[UUID]:
        """The held mentors, in id order."""
        return [mentor for mentor, entry in self.entries.items() if entry.action == "hold"]

    @property
    def planned(self) -> list[UUID]:
        """The mentors whom the run has to list, in id order."""
        source = self.plan_of or self
        wanted = "hold" if self.is_release else "pause"
        return [mentor for mentor, entry in source.entries.items() if entry.action == wanted]


@dataclass(slots=True)
class Oracle:
    """The organisation, its mentors, runs and plans."""

    org_id: UUID
    today: date
    mentors: dict[UUID, Mentor] = field(default_factory=dict[UUID, Mentor])
    """In id order."""
    mode: Mode = "watch"
    most: int = 10
    percent: int = 5
    runs: list[Run] = field(default_factory=list[Run])
    plans: list[Run] = field(default_factory=list[Run])
    """The runs with a whole plan, oldest first; without dry runs."""
    made: int = 0
    """How many plans are whole."""

    @property
    def newest(self) -> Run:
        """The run whose plan counts: the last one of the latest day (G4)."""
        return max(self.plans, key=lambda run: (run.as_of, run.made))

    def plan(self, run: Run, limit: int) -> bool:
        """Plan the next mentors of a run; whether the plan is whole (G1)."""
        if run.plan_hash is not None:
            return True
        last = max(run.entries, default=UUID(int=0))
        page = [
            mentor
            for mentor in self.mentors.values()
            if mentor.id > last and mentor.status == "active" and mentor.is_expired(run.as_of)
        ][:limit]
        for one in page:
            assert one.expires_on is not None
            run.entries[one.id] = Entry(one.version, one.expires_on, "pause", one.why(run.as_of))
        if len(page) < limit:
            self._close(run)
        return run.plan_hash is not None

    def _close(self, run: Run) -> None:
        unforeseen = [m for m, entry in run.entries.items() if entry.why != "forewarned"]
        if self.mode == "hold" and self.is_above(len(unforeseen)):
            for mentor in unforeseen:
                entry = run.entries[mentor]
                run.entries[mentor] = Entry(entry.version, entry.expires_on, "hold", entry.why)
        lines = "".join(
            f"{mentor},{entry.version},{entry.expires_on},{entry.action}\n"
            for mentor, entry in run.entries.items()
        )
        text = f"{RULE},{self.org_id},{run.as_of}\n{lines}"
        run.plan_hash = hashlib.sha256(text.encode()).hexdigest()
        self.made, run.made = self.made + 1, self.made
        if not run.is_dry:
            self.plans.append(run)

    def is_above(self, unforeseen: int) -> bool:
        """Whether so many unforeseen pauses are more than both limits (G2)."""
        active = sum(mentor.status == "active" for mentor in self.mentors.values())
        return unforeseen > self.most and unforeseen * 100 > active * self.percent

    def may_release(self, source: Run) -> bool:
        """Whether the held mentors of a plan may be released: approved, and the newest (G4)."""
        return source.approval is not None and source.plan_hash == self.newest.plan_hash

    def approve(self, run: Run, plan_hash: str, approver: str) -> str:
        """Approve a plan; return "approved", or the hint of the refusal (G4)."""
        if run.plan_hash is None or run.is_dry:
            return "run_not_found"
        if run.triggered_by == approver:
            return "own_run"
        if plan_hash != run.plan_hash or self.newest.plan_hash != run.plan_hash:
            return "plan_changed"
        if not run.holds:
            return "nothing_held"
        run.approval = run.approval or approver
        return "approved"

    def changed_since(self, run: Run) -> list[UUID]:
        """Return the held mentors of a plan who are not as it says, in id order.

        Those whom a run has released are not among them.
        """
        releases = {
            one.id
            for one in self.runs
            if one.is_release and one.plan_of and one.plan_of.plan_hash == run.plan_hash
        }
        return [
            mentor
            for mentor in run.holds
            if (
                self.mentors[mentor].status != "active"
                or not run.entries[mentor].fits(self.mentors[mentor])
            )
            and releases.isdisjoint(self.mentors[mentor].changes)
        ]

    def pause(self, mentor: Mentor, run: Run, day: date, *, is_dry: bool = False) -> str:
        """Let a run pause a mentor, under the mentor's lock; return the outcome."""
        if run.id in mentor.changes:
            return "replayed"
        if mentor.status != "active":
            return "not_active"
        if not mentor.is_expired(day):
            return "not_expired"
        if (refusal := self._brake(mentor, run, day, is_dry=is_dry)) is not None:
            return refusal
        if is_dry:
            return "would_change"
        mentor.set("paused", run.id)
        return "changed"

    def _brake(self, mentor: Mentor, run: Run, day: date, *, is_dry: bool) -> str | None:
        own, source = _entry(run, mentor, is_dry), _entry(run.plan_of, mentor, is_dry)
        if own is not None and own.action == "hold":
            return "held"
        if run.is_release:
            is_released = source is not None and source.action == "hold" and source.fits(mentor)
            return None if is_released else "changed_since"
        if self.mode != "hold" or mentor.why(day) == "forewarned":
            return None
        is_listed = any(e and e.action == "pause" and e.fits(mentor) for e in (own, source))
        return None if is_listed and not self._is_held_later(mentor, run.plan_of or run) else "held"

    def _is_held_later(self, mentor: Mentor, planned: Run) -> bool:
        """Whether a newer plan than the one that a run carries out holds the mentor."""
        if not self.plans or (planned.as_of, planned.made) >= (self.newest.as_of, self.newest.made):
            return False
        entry = self.newest.entries.get(mentor.id)
        return entry is not None and entry.action == "hold" and entry.fits(mentor)

    def resume(self, mentor: Mentor, run: Run, *, is_dry: bool = False) -> str:
        """Let a withdrawal resume a mentor; return the outcome (G5)."""
        assert run.withdraws is not None
        if run.id in mentor.changes:
            return "replayed"
        last = mentor.changes[-1] if mentor.changes else None
        if mentor.status != "paused" or last != run.withdraws.id:
            return "changed_since"
        if not self.is_valid(mentor):
            return "still_expired"
        if is_dry:
            return "would_change"
        mentor.set("active", run.id)
        return "changed"

    def is_valid(self, mentor: Mentor) -> bool:
        """Whether the mentor has a certification that is valid today."""
        return mentor.expires_on is not None and mentor.expires_on > self.today

    def change(self, mentor: Mentor, status: str) -> bool:
        """Change a status by hand; whether the state machine allows it (S1)."""
        before = {"paused": ("active",), "inactive": ("active", "paused")}
        allowed = before.get(status, ("paused", "inactive"))
        if mentor.status not in allowed or (status == "active" and not self.is_valid(mentor)):
            return False
        mentor.set(status)
        return True

    def stories(self) -> Iterator[tuple[UUID, str, str]]:
        """Yield what `explain_mentor` has to answer: mentor, outcome and answer (G6)."""
        fresh = Run(UUID(int=0), self.today)
        for mentor in self.mentors.values():
            outcome = self.pause(mentor, fresh, self.today, is_dry=True)
            yield mentor.id, outcome, self._answer(mentor, outcome)

    def _answer(self, mentor: Mentor, outcome: str) -> str:
        if mentor.status == "inactive":
            return "inactive"
        if mentor.status == "active":
            nothing_due = "valid" if mentor.expires_on else "no_certification"
            return {"not_expired": nothing_due, "held": "held"}.get(outcome, "will_be_paused")
        if not mentor.changes or mentor.changes[-1] is None:
            return "paused_by_hand"
        is_over = mentor.expires_on is None or mentor.is_expired(self.today)
        return "paused_by_run" if is_over else "renewed_and_paused"


def _entry(run: Run | None, mentor: Mentor, is_dry: bool) -> Entry | None:
    """Return what a plan says of a mentor.

    A plan that is not whole says nothing, and the plan of a dry run says nothing to a real call.
    """
    if run is None or run.plan_hash is None or (run.is_dry and not is_dry):
        return None
    return run.entries.get(mentor.id)
