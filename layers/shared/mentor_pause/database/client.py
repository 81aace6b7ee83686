"""The one door to the database: a typed function for each database function that the code calls.

Nothing else runs SQL in the Lambdas. A value is what the database said, the same on either wire.
Every method raises `RetryableDatabaseError` when the call may succeed later and `DatabaseError`
when the database refused; the SQLSTATE is in the error.
"""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import batched
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter

from mentor_pause.config import PooledDatabase, RestDatabase
from mentor_pause.database.results import (
    Begun,
    Execution,
    ExecutionStatus,
    LostEnd,
    MemberRole,
    MentorId,
    MentorOutcome,
    MentorStatus,
    OrgScope,
    RunCoverage,
    StatusChange,
    read_value,
)
from mentor_pause.database.transport import IDS_PER_CALL, Wire
from mentor_pause.domain.jobs import Listing
from mentor_pause.domain.mentors import Status
from mentor_pause.domain.runs import Attempt, Summary
from mentor_pause.errors import NotFound

__all__ = [
    "Begun",
    "Database",
    "Execution",
    "ExecutionStatus",
    "LostEnd",
    "MemberRole",
    "MentorStatus",
    "OrgScope",
    "RunCoverage",
    "Status",
    "StatusChange",
    "connect",
    "open_wire",
]

_WHEN_USED = ConfigDict(defer_build=True)
_COUNT = TypeAdapter(int, config=_WHEN_USED)
_FLAG = TypeAdapter(bool, config=_WHEN_USED)
_DAY: TypeAdapter[date | None] = TypeAdapter(date | None, config=_WHEN_USED)
type _MemberRoleIfAny = MemberRole | None
_MEMBER_ROLE: TypeAdapter[_MemberRoleIfAny] = TypeAdapter(_MemberRoleIfAny, config=_WHEN_USED)


class Database:
    """The database functions, typed."""

    def __init__(self, wire: Wire) -> None:
        """Speak through `wire`."""
        self._wire = wire

    def close(self) -> None:
        """Close the wire's connections."""
        self._wire.close()

    def pause_expired(
        self,
        mentor_id: UUID,
        org_id: UUID,
        job_run_id: UUID,
        as_of: date,
        *,
        dry_run: bool = False,
        wait: bool = True,
    ) -> StatusChange:
        """Pause one mentor if, under the row lock, their certification is expired (E2-E4).

        `wait` says whether to wait, for 3 s at most, for a row that another transaction has locked.

        Raises:
            RetryableDatabaseError: the row is locked, or the database could not do it now.
            NotFound: no such mentor in the organisation.
        """
        rows = self._wire.call(
            "update_mentor_status",
            {
                "p_mentor_id": mentor_id,
                "p_org_id": org_id,
                "p_status": "paused",
                "p_reason": "certification_expired",
                "p_job_run_id": job_run_id,
                "p_as_of": as_of,
                "p_expected_version": None,
                "p_dry_run": dry_run,
                "p_wait": wait,
            },
        )
        return StatusChange.read_only(rows)

    def get_mentor_status(self, mentor_id: UUID, org_id: UUID) -> MentorStatus:
        """Return a mentor's status and version.

        Raises:
            NotFound: no such mentor in the organisation.
            Forbidden: the caller may not see the mentor, or there is none.
        """
        rows = self._wire.call("get_mentor_status", {"p_mentor_id": mentor_id, "p_org_id": org_id})
        return MentorStatus.read_only(rows)

    def change_status(
        self,
        mentor_id: UUID,
        org_id: UUID,
        status: Status,
        reason: str,
        expected_version: int | None = None,
    ) -> StatusChange:
        """Change one mentor's status outside any job, if they still have `expected_version` (S2).

        `reason` is a code: lower-case letters, digits and underscores.

        Raises:
            VersionConflict: somebody was faster.
            Conflict: not allowed from the present state, or the certification has expired.
            Forbidden: the caller may not change this mentor, or there is none.
            NotFound: no such mentor in the organisation.
        """
        rows = self._wire.call(
            "update_mentor_status",
            {
                "p_mentor_id": mentor_id,
                "p_org_id": org_id,
                "p_status": status,
                "p_reason": reason,
                "p_expected_version": expected_version,
            },
        )
        return StatusChange.read_only(rows)

    def list_mentors(
        self, listing: Listing, org_id: UUID, as_of: date, after: UUID | None, limit: int
    ) -> list[UUID]:
        """Return up to `limit` mentors behind `after`, in id order: one keyset page (D7)."""
        rows = self._wire.call(
            listing, {"p_org_id": org_id, "p_as_of": as_of, "p_after": after, "p_limit": limit}
        )
        return [row.mentor_id for row in MentorId.read_all(rows)]

    def count_stale_active_mentors(self, org_id: UUID, as_of: date) -> int:
        """Return how many active mentors have an expired certification (O1)."""
        return self._scalar("count_stale_active_mentors", p_org_id=org_id, p_as_of=as_of)

    def get_org_day(self, org_id: UUID, at: datetime) -> date:
        """Return which day it was for the organisation at a moment.

        Raises:
            NotFound: there is no such organisation.
        """
        arguments = {"p_org_id": org_id, "p_at": at}
        day = read_value(_DAY, self._wire.call("get_org_day", arguments))
        if day is None:
            raise NotFound(f"organisation {org_id} does not exist")
        return day

    def get_run_coverage(
        self,
        org_id: UUID,
        job_name: str,
        as_of: date | None = None,
        at: datetime | None = None,
    ) -> RunCoverage:
        """Return how far a job's complete runs have come, held against the night of `as_of`.

        `at` is the present moment by the caller; the database takes the later one of that and its
        own.
        """
        arguments = {"p_org_id": org_id, "p_job_name": job_name, "p_as_of": as_of, "p_at": at}
        return RunCoverage.read_only(self._wire.call("get_run_coverage", arguments))

    def count_active_uncertified(self, org_id: UUID) -> int:
        """Return how many active mentors have no certification at all."""
        return self._scalar("count_active_uncertified", p_org_id=org_id)

    def assert_org_scope(self, org_id: UUID, slug: str) -> OrgScope:
        """Prove that the organisation exists and has this slug (D8).

        Raises:
            NotFound: there is no such organisation.
            Conflict: it has another slug.
        """
        rows = self._wire.call("assert_org_scope", {"p_org_id": org_id, "p_slug": slug})
        return OrgScope.read_only(rows)

    def begin_execution(
        self,
        attempt: Attempt,
        status: ExecutionStatus,
        *,
        as_of: date | None = None,
        error: str | None = None,
    ) -> Begun | None:
        """Write the row of an attempt (D4), unless this is a run that has its row already.

        Returns:
            The row that tells the run's story; None: the HTTP entry has written enough rows.
        """
        rows = self._wire.call(
            "begin_execution",
            {
                "p_job_name": attempt.job_name,
                "p_job_run_id": attempt.job_run_id,
                "p_org_id": attempt.org_id,
                "p_trigger": attempt.trigger,
                "p_triggered_by": attempt.triggered_by,
                "p_status": status,
                "p_as_of": as_of,
                "p_dry_run": attempt.dry_run,
                "p_error": error,
                "p_redrive_of": attempt.redrive_of,
            },
        )
        return Begun.read_only(rows) if rows else None

    def finish_execution(
        self, summary: Summary, status: Literal["completed", "failed"], error: str | None
    ) -> None:
        """Close the run's row; the first writer wins, repeating it changes nothing.

        Raises:
            NotFound: the run has no row.
        """
        counts = {
            f"p_{name}": count for name, count in ({"paused_count": 0} | summary.counts()).items()
        }
        self._wire.call(
            "finish_execution",
            {"p_job_run_id": summary.job_run_id, "p_status": status, **counts, "p_error": error},
        )

    def list_running_executions(self, org_id: UUID, minutes: int, limit: int) -> list[Execution]:
        """Return the runs that began so long ago and have not ended, by the log; oldest first."""
        arguments = {"p_org_id": org_id, "p_minutes": minutes, "p_limit": limit}
        return Execution.read_all(self._wire.call("list_running_executions", arguments))

    def end_lost_execution(self, org_id: UUID, job_run_id: UUID, error: str) -> LostEnd:
        """End the row of a run that the ledger has lost, by what the data say.

        Raises:
            NotFound: the run has no row.
        """
        arguments = {"p_org_id": org_id, "p_job_run_id": job_run_id, "p_error": error}
        return LostEnd.read_only(self._wire.call("end_lost_execution", arguments))

    def notify_coordinators(self, job_run_id: UUID) -> int:
        """Write one notification per coordinator concerned; returns how many the run has (E11)."""
        return self._scalar("notify_coordinators", p_job_run_id=job_run_id)

    def list_run_outcomes(
        self, org_id: UUID, job_run_id: UUID, as_of: date, mentor_ids: Sequence[UUID]
    ) -> dict[UUID, Literal["done", "skipped"]]:
        """Return what the data says about mentors whose call failed, or whose page did.

        `done`: the run did make the change. `skipped`: nothing is left to do, since another process
        has paused or renewed the mentor, or the portal holds their state. The others are left out.
        """
        found: dict[UUID, Literal["done", "skipped"]] = {}
        for part in batched(mentor_ids, IDS_PER_CALL, strict=False):
            rows = self._wire.call(
                "list_run_outcomes",
                {
                    "p_job_run_id": job_run_id,
                    "p_org_id": org_id,
                    "p_as_of": as_of,
                    "p_mentor_ids": list(part),
                },
            )
            for row in MentorOutcome.read_all(rows):
                found[row.mentor_id] = "done" if row.outcome == "done" else "skipped"
        return found

    def report_late_changes(self, job_run_id: UUID) -> bool:
        """Correct the counts in the row of a run that has ended; True: the data said otherwise."""
        rows = self._wire.call("report_late_changes", {"p_job_run_id": job_run_id})
        return read_value(_FLAG, rows)

    def count_run_renewals(self, job_run_id: UUID) -> int:
        """Return how many mentors a sync run has found certified for longer."""
        return self._scalar("count_run_renewals", p_job_run_id=job_run_id)

    def count_unsynced_since_run(self, job_run_id: UUID) -> int:
        """Return how many mentors changed while a sync run went on and are unsynced still (H4)."""
        return self._scalar("count_unsynced_since_run", p_job_run_id=job_run_id)

    def forget_portal_sync(self, org_id: UUID, mentor_id: UUID) -> None:
        """Let the next sync run tell the portal of a mentor again.

        Raises:
            NotFound: no such mentor in the organisation.
        """
        self._wire.call("forget_portal_sync", {"p_org_id": org_id, "p_mentor_id": mentor_id})

    def list_executions(self, org_id: UUID, limit: int) -> list[Execution]:
        """Return the newest rows of the execution log, newest first."""
        rows = self._wire.call("list_executions", {"p_org_id": org_id, "p_limit": limit})
        return Execution.read_all(rows)

    def get_execution(self, org_id: UUID, job_run_id: UUID) -> Execution | None:
        """Return the row of the execution log that tells a run's story; None: no such run."""
        rows = self._wire.call("get_execution", {"p_org_id": org_id, "p_job_run_id": job_run_id})
        return Execution.read_only(rows) if rows else None

    def get_member_role(self, org_id: UUID, user_id: UUID) -> MemberRole | None:
        """Return what somebody is in the organisation; None: no member."""
        arguments = {"p_org_id": org_id, "p_user_id": user_id}
        return read_value(_MEMBER_ROLE, self._wire.call("get_member_role", arguments))

    def _scalar(self, function: str, **arguments: Any) -> int:  # noqa: ANN401 - SQL parameters
        return read_value(_COUNT, self._wire.call(function, arguments))


def connect(settings: RestDatabase | PooledDatabase) -> Database:
    """Open the door over the wire that is configured."""
    return Database(open_wire(settings))


def open_wire(settings: RestDatabase | PooledDatabase) -> Wire:
    """Return the wire that is configured; the other one's package is not imported."""
    if isinstance(settings, PooledDatabase):
        from mentor_pause.database.pooled import PooledWire  # noqa: PLC0415 - imported where used

        return PooledWire(settings.url.get_secret_value())
    from mentor_pause.database.rest import RestWire  # noqa: PLC0415 - imported where used

    return RestWire(settings.url, settings.key.get_secret_value())
