"""Starts runs through the dispatcher, and reads them from the execution log and the ledger (O3)."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from api.authentication import Caller
from api.models import Run, RunDetail, StartRun
from api.progress import read_progress
from api.visibility import Role, visible_row
from mentor_pause.aws.dispatcher_client import DispatcherClient
from mentor_pause.database.client import Database, Execution
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.run_starts import StartResult
from mentor_pause.domain.runs import RunRequest
from mentor_pause.engine.release import release_trigger
from mentor_pause.engine.run_starter import RunStarter
from mentor_pause.errors import LedgerUnavailable, describe
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import OutOfTime, call_within

_LEDGER_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of one organisation."""

    org_id: UUID
    database: Database
    ledger: Ledger
    dispatcher: DispatcherClient
    logger: Logger

    def get_role(self, caller: Caller) -> Role | None:
        """Return the caller's role in the organisation; None: the caller is not a member."""
        user_id = caller.user_id
        if user_id is None:
            return "machine"
        return self.database.get_member_role(self.org_id, user_id)

    def record_refusal(self, job_name: str, caller: Caller, reason: str) -> None:
        """Record a refused request for a run in the execution log (D2, D4, O3).

        The row keeps none of the caller's text: a job that is not in the registry is `unknown`. If
        the row cannot be written, the failure is logged and the request stays refused.
        """
        name = job_name if job_name in JOBS else "unknown"
        request = RunRequest(name, self.org_id, "manual", f"http-{uuid4()}", caller.name)
        try:
            self.database.begin_execution(request, "refused", error=reason)
        except Exception as error:  # noqa: BLE001 - the caller must get the refusal
            self.logger.error("refusal not recorded", extra={"reason": describe(error)})

    def start(self, job_name: str, options: StartRun, caller: Caller) -> StartResult:
        """Have the dispatcher start a run; the registry must have the job."""
        return self._dispatch(
            DispatchRequest(
                job_name=job_name,
                trigger_id=_new_trigger_id(),
                requested_by=caller.name,
                as_of=options.as_of,
                dry_run=options.dry_run,
            )
        )

    def release(self, job_run_id: UUID, caller: Caller) -> StartResult:
        """Have the dispatcher start the run that pauses the held mentors of an approved plan (G4).

        A plan has one such run, however often it is requested; another one only if that failed.
        """
        return self._dispatch(
            DispatchRequest(
                job_name="certification_expiry",
                trigger_id=release_trigger(self.find_row, self.org_id, job_run_id),
                requested_by=caller.name,
                releases=job_run_id,
            )
        )

    def withdraw(self, job_run_id: UUID, caller: Caller, *, dry_run: bool) -> StartResult:
        """Have the dispatcher start a run that takes back the pauses of another run (G5)."""
        return self._dispatch(
            DispatchRequest(
                job_name="withdrawal",
                trigger_id=_new_trigger_id(),
                requested_by=caller.name,
                dry_run=dry_run,
                withdraws=job_run_id,
            )
        )

    def _dispatch(self, request: DispatchRequest) -> StartResult:
        return RunStarter(self.org_id, self.dispatcher, self._find_status, self.logger)(request)

    def _find_status(self, job_run_id: UUID) -> str | None:
        row = self.find_row(job_run_id)
        return row.status if row else None

    def list_newest(self, limit: int, caller: Caller, role: Role) -> list[Run]:
        """Return the newest rows first, without the ids that the caller may not see."""
        rows = self.database.list_executions(self.org_id, limit)
        return [Run.model_validate(visible_row(caller, role, row)) for row in rows]

    def find(self, job_run_id: UUID, caller: Caller, role: Role) -> RunDetail | None:
        """Return a run without the ids that the caller may not see; None: there is none.

        Raises:
            LedgerUnavailable: the ledger did not answer in time.
        """
        row = self.find_row(job_run_id)
        if row is None:
            return None
        visible = visible_row(caller, role, row)
        try:
            progress = call_within(
                _LEDGER_SECONDS,
                lambda: read_progress(self.ledger, job_run_id, with_mentors=role != "coordinator"),
            )
        except OutOfTime as error:
            raise LedgerUnavailable("the ledger was not read in time") from error
        return RunDetail.model_validate({**visible, **progress})

    def find_row(self, job_run_id: UUID) -> Execution | None:
        """Return a run's row of the execution log; None: there is none."""
        return self.database.get_execution(self.org_id, job_run_id)


def _new_trigger_id() -> str:
    return f"http-{uuid4()}"  # a client can choose API Gateway's request id
