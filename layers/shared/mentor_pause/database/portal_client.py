"""The database functions of the portal sync: all that its role can execute beside ending its runs.

Every method raises what the methods of `Database` raise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter

from mentor_pause.database.results import Result, read_value
from mentor_pause.database.transport import IDS_PER_CALL, Transport
from mentor_pause.domain.mentors import Certification, Status

_WHEN_USED = ConfigDict(defer_build=True)
_MOMENT: TypeAdapter[datetime | None] = TypeAdapter(datetime | None, config=_WHEN_USED)
_FLAG = TypeAdapter(bool, config=_WHEN_USED)
_COUNT = TypeAdapter(int, config=_WHEN_USED)


class PortalState(Result):
    """What the portal is to be told of a mentor."""

    mentor_id: UUID
    portal_key: str
    status: Status
    reason: str
    effective_on: date
    """The day of the last change; once the portal was told of it, the day that it was told."""
    version: int
    is_synced: bool
    """Whether the portal has taken over this version already."""
    synced_by: UUID | None
    """The run that told the portal last."""
    differs_since: datetime
    """If the portal does not hold this: since when, as far as the database knows."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What became of one certification that differed from the portal's."""

    portal_id: str
    outcome: str
    """`recorded`; `removed`: it is nobody's of ours; `failed` and the SQLSTATE: it could not be
    stored."""

    @property
    def sqlstate(self) -> str | None:
        """Why it could not be stored; None: it is in line now."""
        is_failed = self.outcome.startswith("failed ")
        return self.outcome.removeprefix("failed ") if is_failed else None


class _Mirrored(Result):
    portal_ids: list[str]
    outcomes: list[str]


class StoredCertification(Result):
    """A certification here that is mirrored from the portal."""

    portal_id: str
    portal_key: str
    """The mentor's key."""
    expires_on: date


class PortalDatabase:
    """The database as the portal sync sees it."""

    def __init__(self, wire: Transport) -> None:
        """Speak through `wire`."""
        self._wire = wire

    def begin_reading(self, org_id: UUID, job_run_id: UUID) -> datetime | None:
        """Begin a run's reading of the portal, or return how far it has come already.

        Returns:
            The moment of the portal up to which the run has read every change; None at first.
        """
        arguments = {"p_org_id": org_id, "p_job_run_id": job_run_id}
        return read_value(_MOMENT, self._wire.call("begin_portal_reading", arguments))

    def move_watermark(self, org_id: UUID, job_run_id: UUID, watermark: datetime) -> None:
        """Note how far the run's reading has come; a watermark that is further stays."""
        self._wire.call(
            "move_portal_watermark",
            {"p_org_id": org_id, "p_job_run_id": job_run_id, "p_watermark": watermark},
        )

    def mirror(
        self,
        org_id: UUID,
        job_run_id: UUID,
        certifications: Sequence[Certification],
        seen_ids: Sequence[str] = (),
    ) -> list[Mirrored]:
        """Bring certifications here in line with the portal's; repeating it changes nothing.

        At most `IDS_PER_CALL` of each. `seen_ids` are the portal's rows that cannot be read: what
        is stored of them stays as it is.

        Returns:
            What was changed, and what could not be stored.
        """
        rows = self._wire.call(
            "mirror_portal_certifications",
            {
                "p_org_id": org_id,
                "p_job_run_id": job_run_id,
                "p_portal_ids": [c.id for c in certifications],
                "p_portal_keys": [c.key for c in certifications],
                "p_expires_ons": [c.expires_on for c in certifications],
                "p_modified_ons": [c.modified_on for c in certifications],
                "p_seen_ids": list(seen_ids),
            },
        )
        found = _Mirrored.read_only(rows)
        return list(map(Mirrored, found.portal_ids, found.outcomes))

    def list_certifications(
        self, org_id: UUID, unmet_by: UUID | None = None
    ) -> Iterator[StoredCertification]:
        """Yield the certifications that are mirrored from the portal, in the order of their ids.

        With `unmet_by` only those that this run's reading has not met.
        """
        after: str | None = None
        while rows := self._wire.call(
            "list_portal_certifications",
            {
                "p_org_id": org_id,
                "p_after": after,
                "p_limit": IDS_PER_CALL,
                "p_unmet_by": unmet_by,
            },
        ):
            found = StoredCertification.read_all(rows)
            yield from found
            after = found[-1].portal_id

    def remove(self, org_id: UUID, job_run_id: UUID, portal_id: str) -> bool:
        """Remove a certification that is not valid in the portal any more.

        False: the run's reading has met it after all, or it is gone already.
        """
        arguments = {"p_org_id": org_id, "p_portal_id": portal_id, "p_job_run_id": job_run_id}
        return read_value(_FLAG, self._wire.call("remove_portal_certification", arguments))

    def finish_reading(self, org_id: UUID, job_run_id: UUID) -> int:
        """Note whom the reading has renewed: certified beyond today, and for longer than before it.

        Repeating it changes nothing; a reading that nobody finished is finished with the next one.

        Returns:
            How many they are.
        """
        arguments = {"p_org_id": org_id, "p_job_run_id": job_run_id}
        return read_value(_COUNT, self._wire.call("finish_portal_reading", arguments))

    def list_states(self, org_id: UUID, mentor_ids: Sequence[UUID]) -> list[PortalState]:
        """Return what the portal is to be told of these mentors, in the order of their ids."""
        rows = [
            row
            for start in range(0, len(mentor_ids), IDS_PER_CALL)
            for row in self._wire.call(
                "list_portal_states",
                {
                    "p_org_id": org_id,
                    "p_mentor_ids": list(mentor_ids[start : start + IDS_PER_CALL]),
                },
            )
        ]
        return PortalState.read_all(rows)

    def list_all_states(self, org_id: UUID) -> Iterator[PortalState]:
        """Yield what the portal should hold of every mentor, in id order."""
        after: UUID | None = None
        while rows := self._wire.call(
            "list_all_portal_states",
            {"p_org_id": org_id, "p_after": after, "p_limit": IDS_PER_CALL},
        ):
            states = PortalState.read_all(rows)
            yield from states
            after = states[-1].mentor_id

    def mark_synced(self, org_id: UUID, told: PortalState, job_run_id: UUID) -> bool:
        """Note that the run has told the portal of this version, and of this day.

        False: the portal was told of a later one meanwhile, and perhaps before this one.
        """
        arguments = {
            "p_org_id": org_id,
            "p_mentor_id": told.mentor_id,
            "p_version": told.version,
            "p_job_run_id": job_run_id,
            "p_effective_on": told.effective_on,
        }
        return read_value(_FLAG, self._wire.call("mark_portal_synced", arguments))
