"""The rules for jobs, people and the monitor (E1-E4, E9, D4, D6, S1, S3, O1).

The oracle shares no line with the product. Mentors, certifications and portal rows are plain
records, days come from `zoneinfo`, and every rule is written out once more. A change of a rule is
made by hand in both places; the simulated year reports a rule that differs.

The product has the same verbs (`product.Product`), with the same arguments. Both must return the
same.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from year.oracle_sync import SyncOracle
from year.records import LogRow, Mentor, Run

NIGHTLY, GRACE = time(2, 0, tzinfo=UTC), timedelta(minutes=29)
"""When the night begins, and how long it may take before the monitor looks at it."""

BEFORE: Mapping[tuple[bool, str], tuple[str, ...]] = {
    (True, "paused"): ("active",),
    (True, "active"): ("paused",),
    (False, "paused"): ("active",),
    (False, "active"): ("paused", "inactive"),
    (False, "inactive"): ("active", "paused"),
}
"""S1: from where a person (True) or a service may bring a mentor to a status."""


class Oracle(SyncOracle):
    """The rules."""

    def join(self, mentor: str, key: str, chapter: str) -> None:
        """Enter a mentor."""
        self.mentors[mentor] = Mentor(key, chapter, self.now)

    def change_key(self, mentor: str, key: str) -> None:
        """Correct a mentor's key. The next sync sends the mentor's state under the new key."""
        self.mentors[mentor].key = key
        self.mentors[mentor].told_version = None

    def certify(self, certification: str, mentor: str, expires_on: date) -> None:
        """Enter a certification by hand."""
        self.by_hand[certification] = (mentor, expires_on)

    def move(self, zone: str) -> None:
        """Move the organisation to another time zone."""
        self.zones_since.append((self.now, self.zone))
        self.zone = zone

    def set_status(self, mentor: str, actor: str, status: str, reason: str) -> str:
        """S1, S3: a mentor, a coordinator or a service changes a status; return the outcome."""
        found = self.mentors[mentor]
        if found.status not in BEFORE[actor != "service", status]:
            return "PT409"
        if status == "active" and not self.is_certified(mentor):
            return "PT409"
        if mentor in self.blocked:
            return "P0001"
        self.change(mentor, status, reason, None, actor)
        return "changed"

    def block(self, mentor: str) -> None:
        """The database refuses every change of a mentor's row from now on."""
        self.blocked.add(mentor)

    def unblock(self) -> None:
        """All rows can be changed again."""
        self.blocked.clear()

    # Runs of the expiry job.

    def begin(self, run: str, trigger: str, as_of: date | None, *, dry_run: bool) -> str:
        """E1, D6: fix the day and list who has expired; a repeated trigger gets none."""
        if run in self.runs:
            return self._turned_away(run, "duplicate", dry_run=dry_run)
        if self.open_run is not None and not dry_run:
            self.waiting += [run] if trigger == "schedule" else []
            return self._turned_away(run, "refused", dry_run=False)
        day = as_of or self.today()
        if day > self.today() and not dry_run:
            return self._turned_away(run, "failed", dry_run=False)
        due = [m for m in self.mentors if self._is_due(m, day)]
        self.runs[run] = Run(day, due, dry_run=dry_run)
        self.open_run = run if due and not dry_run else None
        row = LogRow(run, "completed", dry_run=dry_run, as_of=day, counts=(0, 0, 0, 0))
        row.is_back_dated = trigger == "manual" and day < self.today()
        self.log.append(row)
        return "running" if due else "completed"

    def _turned_away(self, run: str, status: str, *, dry_run: bool) -> str:
        self.log.append(LogRow(run, status, dry_run=dry_run))
        return status

    def come_again(self) -> int:
        """R5: begin the triggers that waited, for the present day."""
        waiting, self.waiting = self.waiting, []
        for run in waiting:
            self.begin(run, "schedule", None, dry_run=False)
        return len(waiting)

    def forget_runs(self) -> None:
        """The ledger loses its old items. The execution log keeps their rows."""

    def _is_due(self, mentor: str, day: date) -> bool:
        return self.mentors[mentor].status == "active" and self.is_expired(mentor, day)

    def work(self, run: str) -> dict[str, Any]:
        """E2-E5, E7: pause who is due still; return the summary."""
        found = self.runs[run]
        self.open_run = None if self.open_run == run else self.open_run
        due = sorted(m for m in found.mentors if self._is_due(m, found.day))
        errored = [] if found.dry_run else [m for m in due if m in self.blocked]
        paused = [m for m in due if m not in errored]
        if not found.dry_run:
            for mentor in paused:
                self.change(mentor, "paused", "certification_expired", run, "job")
        processed, skipped = len(found.mentors), len(found.mentors) - len(due)
        (row,) = [row for row in self.log if row.run == run and row.counts is not None]
        row.counts = (processed, len(paused), skipped, len(errored))
        return {
            "counts": row.counts,
            "paused": paused,
            "errored": errored,
            "wants_sync": bool(paused) and not found.dry_run,
        }

    # The monitor.

    def look(self) -> dict[str, Any]:
        """O1: who should have been paused by the last night, and whether it has been."""
        over = self.now - GRACE
        due = datetime.combine(over.date(), NIGHTLY)
        night = due if due <= over else due - timedelta(days=1)
        day = self.day_of(night, self.zone)
        stale = sum(self._is_due(mentor, day) for mentor in self.mentors)
        runs = [r.counts for r in self.log if r.covers_a_night and r.as_of and r.as_of >= day]
        has_errors = all(counts is None or counts[3] > 0 for counts in runs)
        return {
            "as_of": day,
            "stale": stale,
            "missed": self._missed(runs, has_errors, stale),
            "hung": 0,
        }

    @staticmethod
    def _missed(runs: Sequence[object], has_errors: bool, stale: int) -> bool:
        """A night without a run is missed; one with errors is, as long as mentors are stale."""
        return not runs or (has_errors and stale > 0)
