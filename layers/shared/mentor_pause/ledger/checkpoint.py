"""How far the completion of a run is, in one small item of the run.

    RUN#<job_run_id> / COMPLETION   the tally, the place of the notifications, the failed attempts

Another process that goes on with the completion starts from here. A run that is completed in one go
has no such item.
"""

from dataclasses import dataclass, field
from uuid import UUID

from mentor_pause.domain.tally import Tally
from mentor_pause.ledger.items import expiry, run_key
from mentor_pause.ledger.table import Table, Value

_SORT_KEY = "COMPLETION"


@dataclass(slots=True)
class Checkpoint:
    """How far the completion of a run is."""

    tally: Tally = field(default_factory=Tally)
    notified_after: UUID | None = None
    """The coordinators of all mentors up to this id are notified."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The places in the ledger's table."""

    table: Table

    def find(self, job_run_id: UUID) -> Checkpoint:
        """Return the saved place of a run, or the beginning."""
        item = self.table.get(run_key(job_run_id), _SORT_KEY) or {}
        return Checkpoint(
            Tally.from_text(item["tally"]) if "tally" in item else Tally(),
            UUID(item["notified_after"]) if "notified_after" in item else None,
        )

    def save_tally(self, job_run_id: UUID, tally: Tally) -> None:
        """Save the counts of the pages that were added up; a log line has all their ids."""
        self._set(job_run_id, "tally = :tally", tally=tally.as_text())

    def save_notified(self, job_run_id: UUID, mentor_id: UUID) -> None:
        """Save up to which mentor the coordinators are notified."""
        self._set(job_run_id, "notified_after = :id", id=str(mentor_id))

    def count_failure(self, job_run_id: UUID, step: str) -> int:
        """Count a failed attempt of a step; return how many there were."""
        name = f"failed_{step.replace(' ', '_')}"
        key = run_key(job_run_id)
        change = f"ADD {name} :one SET expires_at = :expires"
        values: dict[str, Value] = {"one": 1, "expires": expiry(self.table.now())}
        _, item = self.table.update(key, _SORT_KEY, change, "", values)
        return int(item[name])

    def _set(self, job_run_id: UUID, change: str, **values: Value) -> None:
        self.table.update(
            run_key(job_run_id),
            _SORT_KEY,
            f"SET {change}, expires_at = :expires REMOVE failed_outcomes, failed_notifications",
            "",
            {**values, "expires": expiry(self.table.now())},
        )
