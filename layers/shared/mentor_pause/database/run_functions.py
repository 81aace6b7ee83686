"""The database functions about runs: the execution log, notifications, and a run's results."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import batched
from typing import Literal
from uuid import UUID

from mentor_pause.database.calls import (
    Begun,
    DatabaseCalls,
    Execution,
    ExecutionStatus,
    Finished,
    LostEnd,
    MentorOutcome,
    RunFreshness,
    read_count,
    read_cursor,
    read_flag,
)
from mentor_pause.database.transport import IDS_PER_CALL
from mentor_pause.domain.runs import MentorResult, RunRequest
from mentor_pause.domain.summary import Totals


@dataclass(frozen=True, slots=True)
class RunFunctions(DatabaseCalls):
    """One method for each function."""

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
        return self.call(
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
            p_releases=request.releases,
            p_withdraws=request.withdraws,
        )

    def finish_execution(
        self, totals: Totals, status: Literal["completed", "failed"], error: str | None
    ) -> Finished:
        """Complete the run's row. The first call decides; repeating it changes nothing.

        Raises:
            NotFound: the run has no row.
        """
        counts = {
            f"p_{name}": count for name, count in ({"paused_count": 0} | totals.counts()).items()
        }
        return self.call(
            "finish_execution",
            Finished.read_only,
            p_job_run_id=totals.job_run_id,
            p_status=status,
            **counts,
            p_error=error,
        )

    def list_running_executions(self, org_id: UUID, minutes: int, limit: int) -> list[Execution]:
        """Return the log's running rows that are at least `minutes` old, oldest first."""
        return self.call(
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
        return self.call(
            "end_lost_execution",
            LostEnd.read_only,
            p_org_id=org_id,
            p_job_run_id=job_run_id,
            p_error=error,
        )

    def list_executions(self, org_id: UUID, limit: int) -> list[Execution]:
        """Return the newest rows of the execution log, newest first."""
        return self.call("list_executions", Execution.read_all, p_org_id=org_id, p_limit=limit)

    def get_execution(self, org_id: UUID, job_run_id: UUID) -> Execution | None:
        """Return the run's row of the execution log; None: no such run."""
        return self.call(
            "get_execution",
            lambda rows: Execution.read_only(rows) if rows else None,
            p_org_id=org_id,
            p_job_run_id=job_run_id,
        )

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
        return self.call(
            "get_run_freshness",
            RunFreshness.read_only,
            p_org_id=org_id,
            p_job_name=job_name,
            p_as_of=as_of,
            p_at=at,
        )

    def notify_coordinators(self, job_run_id: UUID) -> int:
        """Write one notification per coordinator; return how many the run has now (E11)."""
        return self.call("notify_coordinators", read_count, p_job_run_id=job_run_id)

    def notify_page(self, job_run_id: UUID, after: UUID | None, limit: int) -> UUID | None:
        """Notify the coordinators of the run's next mentors after `after`, in id order (E11).

        `limit` is the number of mentors, at most 20,000. Repeating a call changes nothing.

        Returns:
            The last mentor of the page; None: no mentor is left for another page.
        """
        return self.call(
            "notify_coordinators_page",
            read_cursor,
            p_job_run_id=job_run_id,
            p_after=after,
            p_limit=limit,
        )

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
            rows = self.call(
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
        return self.call("report_late_changes", read_flag, p_job_run_id=job_run_id)

    def count_run_renewals(self, job_run_id: UUID) -> int:
        """Return for how many mentors a sync run found an extended certification."""
        return self.call("count_run_renewals", read_count, p_job_run_id=job_run_id)

    def count_unsynced_since_run(self, job_run_id: UUID) -> int:
        """Return how many mentors changed during a sync run and are still unsynced (H4)."""
        return self.call("count_unsynced_since_run", read_count, p_job_run_id=job_run_id)
