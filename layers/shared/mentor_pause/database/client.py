"""The database client: a typed method for each database function that the code calls.

Nothing else runs SQL in the Lambdas. A method returns the same values over either transport, and
repeats a failed call by the client's `retry`. Every method raises `RetryableDatabaseError` when the
call may succeed later and `DatabaseError` when the database refused; the error has the SQLSTATE.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
    RunFreshness,
    StatusChange,
    read_value,
)
from mentor_pause.database.transport import IDS_PER_CALL, Row, Transport
from mentor_pause.domain.jobs import Listing
from mentor_pause.domain.mentors import Status
from mentor_pause.domain.runs import MentorResult, RunRequest
from mentor_pause.domain.summary import Summary
from mentor_pause.errors import NotFound
from mentor_pause.retry import NO_RETRY, Retry

__all__ = [
    "Begun",
    "Database",
    "Execution",
    "ExecutionStatus",
    "LostEnd",
    "MemberRole",
    "MentorStatus",
    "OrgScope",
    "RunFreshness",
    "StatusChange",
    "connect",
    "open_transport",
]

_WHEN_USED = ConfigDict(defer_build=True)
_COUNT = TypeAdapter(int, config=_WHEN_USED)
_FLAG = TypeAdapter(bool, config=_WHEN_USED)
_DAY: TypeAdapter[date | None] = TypeAdapter(date | None, config=_WHEN_USED)
type _MemberRoleIfAny = MemberRole | None
_MEMBER_ROLE: TypeAdapter[_MemberRoleIfAny] = TypeAdapter(_MemberRoleIfAny, config=_WHEN_USED)


@dataclass(frozen=True, slots=True)
class Database:
    """The database functions, typed."""

    transport: Transport
    retry: Retry = NO_RETRY

    def once(self) -> "Database":
        """Return the same client without its retry."""
        return replace(self, retry=NO_RETRY)

    def close(self) -> None:
        """Close the transport's connections."""
        self.transport.close()

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

        `wait`: whether to wait up to 3 s for a row that another transaction has locked.

        Raises:
            RetryableDatabaseError: the row is locked, or the database could not do it now.
            NotFound: the organisation has no such mentor.
        """
        return self._call(
            "update_mentor_status",
            StatusChange.read_only,
            p_mentor_id=mentor_id,
            p_org_id=org_id,
            p_status="paused",
            p_reason="certification_expired",
            p_job_run_id=job_run_id,
            p_as_of=as_of,
            p_expected_version=None,
            p_dry_run=dry_run,
            p_wait=wait,
        )

    def get_mentor_status(self, mentor_id: UUID, org_id: UUID) -> MentorStatus:
        """Return a mentor's status and version.

        Raises:
            NotFound: the organisation has no such mentor.
            Forbidden: the caller may not see the mentor, or the mentor does not exist.
        """
        return self._call(
            "get_mentor_status", MentorStatus.read_only, p_mentor_id=mentor_id, p_org_id=org_id
        )

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
            VersionConflict: somebody changed the mentor first.
            Conflict: the present status does not allow it, or the certification has expired.
            Forbidden: the caller may not change this mentor, or the mentor does not exist.
            NotFound: the organisation has no such mentor.
        """
        return self._call(
            "update_mentor_status",
            StatusChange.read_only,
            p_mentor_id=mentor_id,
            p_org_id=org_id,
            p_status=status,
            p_reason=reason,
            p_expected_version=expected_version,
        )

    def list_mentors(
        self, listing: Listing, org_id: UUID, as_of: date, after: UUID | None, limit: int
    ) -> list[UUID]:
        """Return up to `limit` mentors after `after`, in id order: one keyset page (D7)."""
        rows = self._call(
            listing,
            MentorId.read_all,
            p_org_id=org_id,
            p_as_of=as_of,
            p_after=after,
            p_limit=limit,
        )
        return [row.mentor_id for row in rows]

    def count_stale_active_mentors(self, org_id: UUID, as_of: date) -> int:
        """Return how many active mentors have an expired certification (O1)."""
        return self._call("count_stale_active_mentors", _count, p_org_id=org_id, p_as_of=as_of)

    def get_org_day(self, org_id: UUID, at: datetime) -> date:
        """Return which day it was for the organisation at a moment.

        Raises:
            NotFound: the organisation does not exist.
        """
        day = self._call("get_org_day", _day, p_org_id=org_id, p_at=at)
        if day is None:
            raise NotFound(f"organisation {org_id} does not exist")
        return day

    def get_run_freshness(
        self,
        org_id: UUID,
        job_name: str,
        as_of: date | None = None,
        at: datetime | None = None,
    ) -> RunFreshness:
        """Return when a job last completed, compared with the night of `as_of`.

        `at` is the present moment by the caller's clock. The database takes the later one of `at`
        and its own clock.
        """
        return self._call(
            "get_run_freshness",
            RunFreshness.read_only,
            p_org_id=org_id,
            p_job_name=job_name,
            p_as_of=as_of,
            p_at=at,
        )

    def count_active_uncertified(self, org_id: UUID) -> int:
        """Return how many active mentors have no certification at all."""
        return self._call("count_active_uncertified", _count, p_org_id=org_id)

    def assert_org_scope(self, org_id: UUID, slug: str) -> OrgScope:
        """Prove that the organisation exists and has this slug (D8).

        Raises:
            NotFound: the organisation does not exist.
            Conflict: the organisation has another slug.
        """
        return self._call("assert_org_scope", OrgScope.read_only, p_org_id=org_id, p_slug=slug)

    def begin_execution(
        self,
        request: RunRequest,
        status: ExecutionStatus,
        *,
        as_of: date | None = None,
        error: str | None = None,
    ) -> Begun | None:
        """Write the row of a run request (D4), unless the run has its row already.

        Returns:
            The run's row; None: the HTTP entry has written its share of rows.
        """
        return self._call(
            "begin_execution",
            lambda rows: Begun.read_only(rows) if rows else None,
            p_job_name=request.job_name,
            p_job_run_id=request.job_run_id,
            p_org_id=request.org_id,
            p_trigger=request.kind,
            p_triggered_by=request.triggered_by,
            p_status=status,
            p_as_of=as_of,
            p_dry_run=request.dry_run,
            p_error=error,
            p_redrive_of=request.redrive_of,
        )

    def finish_execution(
        self, summary: Summary, status: Literal["completed", "failed"], error: str | None
    ) -> None:
        """Complete the run's row. The first call decides; repeating it changes nothing.

        Raises:
            NotFound: the run has no row.
        """
        counts = {
            f"p_{name}": count for name, count in ({"paused_count": 0} | summary.counts()).items()
        }
        self._call(
            "finish_execution",
            list,
            p_job_run_id=summary.job_run_id,
            p_status=status,
            **counts,
            p_error=error,
        )

    def list_running_executions(self, org_id: UUID, minutes: int, limit: int) -> list[Execution]:
        """Return the log's running rows that are at least `minutes` old, oldest first."""
        return self._call(
            "list_running_executions",
            Execution.read_all,
            p_org_id=org_id,
            p_minutes=minutes,
            p_limit=limit,
        )

    def end_lost_execution(self, org_id: UUID, job_run_id: UUID, error: str) -> LostEnd:
        """End the row of a run that the ledger has lost; the database counts its changes.

        Raises:
            NotFound: the run has no row.
        """
        return self._call(
            "end_lost_execution",
            LostEnd.read_only,
            p_org_id=org_id,
            p_job_run_id=job_run_id,
            p_error=error,
        )

    def notify_coordinators(self, job_run_id: UUID) -> int:
        """Write one notification per coordinator; return how many the run has now (E11)."""
        return self._call("notify_coordinators", _count, p_job_run_id=job_run_id)

    def list_run_outcomes(
        self, org_id: UUID, job_run_id: UUID, as_of: date, mentor_ids: Sequence[UUID]
    ) -> dict[UUID, MentorResult]:
        """Return what the database knows about mentors whose call or page failed.

        `applied`: the run did make the change. `skipped`: nothing is left to do, because another
        process paused or renewed the mentor, or the portal has their state. A mentor that still
        needs the change is not in the answer.
        """
        results: dict[UUID, MentorResult] = {}
        for part in batched(mentor_ids, IDS_PER_CALL, strict=False):
            rows = self._call(
                "list_run_outcomes",
                MentorOutcome.read_all,
                p_job_run_id=job_run_id,
                p_org_id=org_id,
                p_as_of=as_of,
                p_mentor_ids=list(part),
            )
            for row in rows:
                results[row.mentor_id] = "applied" if row.outcome == "applied" else "skipped"
        return results

    def report_late_changes(self, job_run_id: UUID) -> bool:
        """Correct the counts in the row of an ended run; True: the row had other counts."""
        return self._call("report_late_changes", _flag, p_job_run_id=job_run_id)

    def count_run_renewals(self, job_run_id: UUID) -> int:
        """Return for how many mentors a sync run found an extended certification."""
        return self._call("count_run_renewals", _count, p_job_run_id=job_run_id)

    def count_unsynced_since_run(self, job_run_id: UUID) -> int:
        """Return how many mentors changed during a sync run and are still unsynced (H4)."""
        return self._call("count_unsynced_since_run", _count, p_job_run_id=job_run_id)

    def reset_portal_sync(self, org_id: UUID, mentor_id: UUID) -> None:
        """Make the next sync run push a mentor again.

        Raises:
            NotFound: the organisation has no such mentor.
        """
        self._call("reset_portal_sync", list, p_org_id=org_id, p_mentor_id=mentor_id)

    def list_executions(self, org_id: UUID, limit: int) -> list[Execution]:
        """Return the newest rows of the execution log, newest first."""
        return self._call("list_executions", Execution.read_all, p_org_id=org_id, p_limit=limit)

    def get_execution(self, org_id: UUID, job_run_id: UUID) -> Execution | None:
        """Return the run's row of the execution log; None: no such run."""
        return self._call(
            "get_execution",
            lambda rows: Execution.read_only(rows) if rows else None,
            p_org_id=org_id,
            p_job_run_id=job_run_id,
        )

    def get_member_role(self, org_id: UUID, user_id: UUID) -> MemberRole | None:
        """Return a user's role in the organisation; None: not a member."""
        return self._call("get_member_role", _member_role, p_org_id=org_id, p_user_id=user_id)

    def _call[T](
        self,
        function: str,
        read: Callable[[list[Row]], T],
        **arguments: Any,  # noqa: ANN401 - the parameters of any database function
    ) -> T:
        return self.retry(lambda: read(self.transport.call(function, arguments)))


def _count(rows: list[Row]) -> int:
    return read_value(_COUNT, rows)


def _flag(rows: list[Row]) -> bool:
    return read_value(_FLAG, rows)


def _day(rows: list[Row]) -> date | None:
    return read_value(_DAY, rows)


def _member_role(rows: list[Row]) -> MemberRole | None:
    return read_value(_MEMBER_ROLE, rows)


def connect(settings: RestDatabase | PooledDatabase, retry: Retry = NO_RETRY) -> Database:
    """Return a client over the transport that is configured."""
    return Database(open_transport(settings), retry)


def open_transport(settings: RestDatabase | PooledDatabase) -> Transport:
    """Return the transport that is configured; the other one's package is not imported."""
    if isinstance(settings, PooledDatabase):
        from mentor_pause.database.pooled import PooledTransport  # noqa: PLC0415 - where used

        return PooledTransport(settings.url.get_secret_value())
    from mentor_pause.database.rest import RestTransport  # noqa: PLC0415 - where used

    return RestTransport(settings.url, settings.key.get_secret_value())
