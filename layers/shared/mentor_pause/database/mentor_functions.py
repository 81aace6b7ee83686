"""The database functions about mentors, and about the organisation that they belong to."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from pydantic import TypeAdapter

from mentor_pause.database.calls import (
    WHEN_USED,
    DatabaseCalls,
    MemberRole,
    MentorId,
    MentorStatus,
    OrgScope,
    StatusChange,
    read_count,
    read_value,
)
from mentor_pause.database.transport import Row
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.mentors import Status
from mentor_pause.domain.runs import Run
from mentor_pause.errors import NotFound

_DAY: TypeAdapter[date | None] = TypeAdapter(date | None, config=WHEN_USED)
type _MemberRoleIfAny = MemberRole | None
_MEMBER_ROLE: TypeAdapter[_MemberRoleIfAny] = TypeAdapter(_MemberRoleIfAny, config=WHEN_USED)


@dataclass(frozen=True, slots=True)
class MentorFunctions(DatabaseCalls):
    """One method for each function."""

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
        return self.call(
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
        return self.call(
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
        return self.call(
            "update_mentor_status",
            StatusChange.read_only,
            p_mentor_id=mentor_id,
            p_org_id=org_id,
            p_status=status,
            p_reason=reason,
            p_expected_version=expected_version,
        )

    def resume_withdrawn(
        self,
        mentor_id: UUID,
        org_id: UUID,
        job_run_id: UUID,
        *,
        dry_run: bool = False,
        wait: bool = True,
    ) -> StatusChange:
        """Take back the pause of one mentor, if nothing has changed since and they are valid (G5).

        `job_run_id` is the withdrawal; its row in the log names the withdrawn run.

        Raises:
            RetryableDatabaseError: the row is locked, or the database could not do it now.
            NotFound: the organisation has no such mentor.
        """
        return self.call(
            "update_mentor_status",
            StatusChange.read_only,
            p_mentor_id=mentor_id,
            p_org_id=org_id,
            p_status="active",
            p_reason="pause_withdrawn",
            p_job_run_id=job_run_id,
            p_as_of=None,
            p_expected_version=None,
            p_dry_run=dry_run,
            p_wait=wait,
        )

    def list_mentors(self, run: Run, after: UUID | None, limit: int) -> list[UUID]:
        """Return up to `limit` mentors of a run after `after`, in id order: a keyset page (D7)."""
        listing, trigger = JOBS[run.trigger.job_name].listing, run.trigger
        of_run: dict[str, object] = {"p_job_run_id": trigger.withdraws or run.job_run_id}
        if listing == "list_unsynced_mentors":
            of_run = {"p_org_id": trigger.org_id, "p_as_of": run.as_of}
        rows = self.call(listing, MentorId.read_all, **of_run, p_after=after, p_limit=limit)
        return [row.mentor_id for row in rows]

    def count_stale_active_mentors(self, org_id: UUID, as_of: date) -> int:
        """Return how many active mentors have an expired certification (O1)."""
        return self.call("count_stale_active_mentors", read_count, p_org_id=org_id, p_as_of=as_of)

    def count_active_uncertified(self, org_id: UUID) -> int:
        """Return how many active mentors have no certification at all."""
        return self.call("count_active_uncertified", read_count, p_org_id=org_id)

    def reset_portal_sync(self, org_id: UUID, mentor_id: UUID) -> None:
        """Make the next sync run push a mentor again.

        Raises:
            NotFound: the organisation has no such mentor.
        """
        self.call("reset_portal_sync", list, p_org_id=org_id, p_mentor_id=mentor_id)

    def assert_org_scope(self, org_id: UUID, slug: str) -> OrgScope:
        """Prove that the organisation exists and has this slug (D8).

        Raises:
            NotFound: the organisation does not exist.
            Conflict: the organisation has another slug.
        """
        return self.call("assert_org_scope", OrgScope.read_only, p_org_id=org_id, p_slug=slug)

    def get_org_day(self, org_id: UUID, at: datetime) -> date:
        """Return which day it was for the organisation at a moment.

        Raises:
            NotFound: the organisation does not exist.
        """
        day = self.call("get_org_day", _read_day, p_org_id=org_id, p_at=at)
        if day is None:
            raise NotFound(f"organisation {org_id} does not exist")
        return day

    def get_member_role(self, org_id: UUID, user_id: UUID) -> MemberRole | None:
        """Return a user's role in the organisation; None: not a member."""
        return self.call("get_member_role", _read_member_role, p_org_id=org_id, p_user_id=user_id)


def _read_day(rows: list[Row]) -> date | None:
    return read_value(_DAY, rows)


def _read_member_role(rows: list[Row]) -> MemberRole | None:
    return read_value(_MEMBER_ROLE, rows)
