"""The database functions of the portal sync: all that its role can execute beside ending its runs.

Every method raises what the methods of `Database` raise.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter

from mentor_pause.supabase.results import Result, Status
from mentor_pause.supabase.wire import IDS_PER_CALL, Row, Wire

type Recorded = Literal["renewed", "recorded", "known", "unknown_mentor"]
"""The mentor is certified for longer; stored, but no longer; stored before; nobody has that key."""

_WHEN_USED = ConfigDict(defer_build=True)
_MOMENT: TypeAdapter[datetime | None] = TypeAdapter(datetime | None, config=_WHEN_USED)
_RECORDED: TypeAdapter[Recorded] = TypeAdapter(Recorded, config=_WHEN_USED)


class PortalState(Result):
    """What the portal is to be told of a mentor."""

    mentor_id: UUID
    portal_key: str
    status: Status
    reason: str
    effective_on: date
    version: int
    is_synced: bool
    """Whether the portal has taken over this version already."""
    synced_by: UUID | None
    """The run that told the portal last."""
    differs_since: datetime
    """If the portal does not hold this: since when, as far as the database knows."""


class PortalDatabase:
    """The database as the portal sync sees it."""

    def __init__(self, wire: Wire) -> None:
        """Speak through `wire`."""
        self._wire = wire

    def get_watermark(self, org_id: UUID) -> datetime | None:
        """Return the change of the portal before which everything is stored; None at first."""
        ((value,),) = (
            row.values() for row in self._wire.call("get_portal_watermark", {"p_org_id": org_id})
        )
        return _MOMENT.validate_python(value)

    def move_watermark(self, org_id: UUID, watermark: datetime) -> None:
        """Move the watermark forward; one that is further stays."""
        self._wire.call("move_portal_watermark", {"p_org_id": org_id, "p_watermark": watermark})

    def list_new_changes(
        self, org_id: UUID, changes: Sequence[tuple[str, str, datetime]]
    ) -> frozenset[str]:
        """Return the ids of those changes that are of our mentors and not stored yet.

        A change is the certification's id, the mentor's key and when the portal changed it.
        """
        rows = [
            row
            for start in range(0, len(changes), IDS_PER_CALL)
            for row in self._list_new(org_id, changes[start : start + IDS_PER_CALL])
        ]
        return frozenset(str(row["portal_id"]) for row in rows)

    def _list_new(self, org_id: UUID, part: Sequence[tuple[str, str, datetime]]) -> list[Row]:
        return self._wire.call(
            "list_new_portal_changes",
            {
                "p_org_id": org_id,
                "p_portal_ids": [portal_id for portal_id, _, _ in part],
                "p_portal_keys": [key for _, key, _ in part],
                "p_modified_ons": [modified_on for _, _, modified_on in part],
            },
        )

    def record_certification(
        self,
        org_id: UUID,
        portal_key: str,
        portal_id: str,
        expires_on: date,
        modified_on: datetime,
        job_run_id: UUID,
    ) -> Recorded:
        """Store a certification of the portal; repeating it changes nothing."""
        (row,) = self._wire.call(
            "record_portal_certification",
            {
                "p_org_id": org_id,
                "p_portal_key": portal_key,
                "p_portal_id": portal_id,
                "p_expires_on": expires_on,
                "p_modified_on": modified_on,
                "p_job_run_id": job_run_id,
            },
        )
        return _RECORDED.validate_python(row["record_portal_certification"])

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
        return [PortalState.model_validate(row) for row in rows]

    def list_all_states(self, org_id: UUID) -> Iterator[PortalState]:
        """Yield what the portal should hold of every mentor, in id order."""
        after: UUID | None = None
        while rows := self._wire.call(
            "list_all_portal_states",
            {"p_org_id": org_id, "p_after": after, "p_limit": IDS_PER_CALL},
        ):
            states = [PortalState.model_validate(row) for row in rows]
            yield from states
            after = states[-1].mentor_id

    def mark_synced(self, org_id: UUID, mentor_id: UUID, version: int, job_run_id: UUID) -> bool:
        """Note that the run has told the portal of this version.

        False: the portal was told of a later one meanwhile, and perhaps before this one.
        """
        ((marked,),) = (
            row.values()
            for row in self._wire.call(
                "mark_portal_synced",
                {
                    "p_org_id": org_id,
                    "p_mentor_id": mentor_id,
                    "p_version": version,
                    "p_job_run_id": job_run_id,
                },
            )
        )
        return bool(marked)
