"""What asks for a run, and the id of the run that it asks for."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid5

type TriggerKind = Literal["schedule", "manual", "event"]

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

    @property
    def job_run_id(self) -> UUID:
        """The id of the run that this request starts."""
        return run_id_of(self.job_name, self.org_id, self.trigger_id, dry_run=self.dry_run)


@dataclass(frozen=True, slots=True)
class Trigger(RunRequest):
    """A request for a run of a known job: a scheduled event, a person's request, another event."""

    org_id: UUID
