"""The database functions of the portal sync.

The role of the sync can execute these functions and those that end its runs, and nothing else (D9).
Every method raises what the methods of `Database` raise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter

from mentor_pause.database.calls import DatabaseCalls, read_count, read_flag, read_value
from mentor_pause.database.portal_results import (
    Mirrored,
    MirroredColumns,
    PortalState,
    StoredCertification,
)
from mentor_pause.database.transport import IDS_PER_CALL, JsonArray
from mentor_pause.domain.mentors import Certification

_WHEN_USED = ConfigDict(defer_build=True)
_MOMENT: TypeAdapter[datetime | None] = TypeAdapter(datetime | None, config=_WHEN_USED)


@dataclass(frozen=True, slots=True)
class PortalDatabase(DatabaseCalls):
    """The database as the portal sync sees it. A listing that fails begins again from its start."""

    def begin_reading(self, org_id: UUID, job_run_id: UUID) -> datetime | None:
        """Begin a run's reading of the portal, or return how far it has come already.

        Returns:
            The moment of the portal up to which the run has read every change; None at first.
        """
        return self.call(
            "begin_portal_reading",
            lambda rows: read_value(_MOMENT, rows),
            p_org_id=org_id,
            p_job_run_id=job_run_id,
        )

    def move_watermark(self, org_id: UUID, job_run_id: UUID, watermark: datetime) -> None:
        """Note how far the run's reading has come; the watermark never moves back."""
        self.call(
            "move_portal_watermark",
            list,
            p_org_id=org_id,
            p_job_run_id=job_run_id,
            p_watermark=watermark,
        )

    def mirror(
        self,
        org_id: UUID,
        job_run_id: UUID,
        certifications: Sequence[Certification],
        seen_ids: Sequence[str] = (),
    ) -> list[Mirrored]:
        """Make certifications here the same as the portal's; repeating it changes nothing.

        At most `IDS_PER_CALL` of each. `seen_ids` are the portal's rows that cannot be read: the
        database keeps the stored certifications of these rows as they are.

        Returns:
            What was changed, and what could not be stored.
        """
        return self.call(
            "mirror_portal_certifications",
            lambda rows: MirroredColumns.read_only(rows).as_list(),
            p_org_id=org_id,
            p_job_run_id=job_run_id,
            p_portal_ids=[c.id for c in certifications],
            p_portal_keys=[c.key for c in certifications],
            p_expires_ons=[c.expires_on for c in certifications],
            p_modified_ons=[c.modified_on for c in certifications],
            p_seen_ids=list(seen_ids),
        )

    def list_certifications(
        self, org_id: UUID, unseen_by: UUID | None = None
    ) -> list[StoredCertification]:
        """Return the certifications that came from the portal, in the order of their ids.

        With `unseen_by`, only those that this run's reading has not seen.
        """
        return self.retry(lambda: list(self._certifications(org_id, unseen_by)))

    def _certifications(
        self, org_id: UUID, unseen_by: UUID | None
    ) -> Iterator[StoredCertification]:
        arguments = {"p_org_id": org_id, "p_limit": IDS_PER_CALL, "p_unseen_by": unseen_by}
        after: str | None = None
        while rows := self.transport.call(
            "list_portal_certifications", {**arguments, "p_after": after}
        ):
            page = StoredCertification.read_all(rows)
            yield from page
            after = page[-1].portal_id

    def remove(self, org_id: UUID, job_run_id: UUID, portal_id: str) -> bool:
        """Remove a certification that is no longer valid in the portal.

        False: the run's reading has seen it since, or it was already removed.
        """
        return self.call(
            "remove_portal_certification",
            read_flag,
            p_org_id=org_id,
            p_portal_id=portal_id,
            p_job_run_id=job_run_id,
        )

    def finish_reading(self, org_id: UUID, job_run_id: UUID) -> int:
        """Note which mentors the reading has renewed, and return how many they are.

        Renewed means: certified beyond today, and for longer than before the reading. Repeating
        the call changes nothing. A reading that no worker finished is finished with the next one.
        """
        return self.call(
            "finish_portal_reading", read_count, p_org_id=org_id, p_job_run_id=job_run_id
        )

    def list_states(self, org_id: UUID, mentor_ids: Sequence[UUID]) -> list[PortalState]:
        """Return what the portal should hold about these mentors, in the order of their ids."""
        return self.retry(lambda: list(self._states(org_id, mentor_ids)))

    def _states(self, org_id: UUID, mentor_ids: Sequence[UUID]) -> Iterator[PortalState]:
        for start in range(0, len(mentor_ids), IDS_PER_CALL):
            part = list(mentor_ids[start : start + IDS_PER_CALL])
            arguments = {"p_org_id": org_id, "p_mentor_ids": part}
            yield from PortalState.read_all(self.transport.call("list_portal_states", arguments))

    def list_all_states(self, org_id: UUID) -> list[PortalState]:
        """Return what the portal should hold about every mentor, in the order of their ids."""
        return self.retry(lambda: list(self._all_states(org_id)))

    def _all_states(self, org_id: UUID) -> Iterator[PortalState]:
        arguments = {"p_org_id": org_id, "p_limit": IDS_PER_CALL}
        after: UUID | None = None
        while rows := self.transport.call(
            "list_all_portal_states", {**arguments, "p_after": after}
        ):
            page = PortalState.read_all(rows)
            yield from page
            after = page[-1].mentor_id

    def mark_synced(self, org_id: UUID, pushed: PortalState, job_run_id: UUID) -> bool:
        """Note that the run has sent this version, with this day, to the portal.

        False: another run has marked a later version, and may have sent it before this one.
        """
        return self.call(
            "mark_portal_synced",
            read_flag,
            p_org_id=org_id,
            p_mentor_id=pushed.mentor_id,
            p_version=pushed.version,
            p_job_run_id=job_run_id,
            p_effective_on=pushed.effective_on,
        )

    def record_drift(
        self,
        org_id: UUID,
        measured_at: datetime,
        differing: int,
        differences: Sequence[dict[str, object]],
    ) -> bool:
        """Replace the stored differences; they are at most 1000, and `differing` counts them all.

        False: a newer measurement is stored.
        """
        return self.call(
            "record_portal_drift",
            read_flag,
            p_org_id=org_id,
            p_measured_at=measured_at,
            p_differing_count=differing,
            p_differences=JsonArray(differences),
        )
