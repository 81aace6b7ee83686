"""Starts runs through the dispatcher, and reads them from the execution log and the ledger (O3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from api.authentication import MACHINE, Caller
from api.models import MAX_IDS, Run, RunDetail, StartRun
from mentor_pause.aws.dispatcher_client import DispatcherClient
from mentor_pause.database.client import Database, Execution, MemberRole
from mentor_pause.domain.error_reasons import cut, without_ids
from mentor_pause.domain.jobs import STARTABLE
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import Run as LedgerRun
from mentor_pause.domain.runs import RunRequest, run_id_of
from mentor_pause.domain.summary import settle
from mentor_pause.errors import DispatcherUnavailable, LedgerUnavailable, describe
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import OutOfTime, call_within

type Role = MemberRole | Literal["machine"]
type Outcome = Literal["started", "invalid request", "run in progress", "failed", "unknown"]

_LEDGER_SECONDS = 15.0

_MAX_ERROR_LENGTH = 2000
"""Characters. 100 rows must fit into the 6 MB that Lambda allows for an answer."""

_NO_PROGRESS: dict[str, object] = {
    "pages_closed": None,
    "pages_planned": None,
    "mentor_ids_applied": None,
    "mentor_ids_errored": None,
    "errors": None,
}
"""The fields of `RunDetail` that the ledger has."""

_NOT_BY_A_PERSON = ("schedule", "event, ", "database, ")
"""`triggered_by` starts with one of these when no person triggered the run."""


@dataclass(frozen=True, slots=True)
class StartResult:
    """The result of a request to start a run."""

    outcome: Outcome
    """`unknown`: the dispatcher did not say whether the run has started."""
    job_run_id: UUID
    status: Literal["running", "completed"] = "running"
    error: str = ""
    conflicting_run_id: UUID | None = None


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
        name = job_name if job_name in STARTABLE else "unknown"
        request = RunRequest(name, self.org_id, "manual", f"http-{uuid4()}", caller.name)
        try:
            self.database.begin_execution(request, "refused", error=reason)
        except Exception as error:  # noqa: BLE001 - the caller must get the refusal
            self.logger.error("refusal not recorded", extra={"reason": describe(error)})

    def start(self, job_name: str, options: StartRun, caller: Caller) -> StartResult:
        """Have the dispatcher start a run; the registry must have the job."""
        trigger_id = f"http-{uuid4()}"  # a client can choose API Gateway's request id
        job_run_id = run_id_of(job_name, self.org_id, trigger_id, dry_run=options.dry_run)
        request = DispatchRequest(
            job_name=job_name,
            trigger="manual",
            trigger_id=trigger_id,
            requested_by=caller.name,
            as_of=options.as_of,
            dry_run=options.dry_run,
        )
        try:
            answer = self.dispatcher(request)
        except DispatcherUnavailable as error:
            self.logger.error(
                "run not started", extra={"job_run_id": str(job_run_id), "reason": describe(error)}
            )
            return StartResult("unknown", job_run_id)
        if answer is None:
            return StartResult("started", job_run_id)
        if answer.get("status") in ("superseded", "duplicate"):
            return self._read_result(job_run_id)
        return _parse_answer(job_run_id, answer)

    def _read_result(self, job_run_id: UUID) -> StartResult:
        """Read the result from the execution log, since another dispatcher has the run."""
        row = self._find_row(job_run_id)
        return _parse_answer(job_run_id, {"status": row.status if row else "unknown"})

    def list_newest(self, limit: int, caller: Caller, role: Role) -> list[Run]:
        """Return the newest rows first, without the ids that the caller may not see."""
        rows = self.database.list_executions(self.org_id, limit)
        return [Run.model_validate(_visible_row(caller, role, row)) for row in rows]

    def find(self, job_run_id: UUID, caller: Caller, role: Role) -> RunDetail | None:
        """Return a run without the ids that the caller may not see; None: there is none.

        Raises:
            LedgerUnavailable: the ledger did not answer in time.
        """
        row = self._find_row(job_run_id)
        if row is None:
            return None
        visible = _visible_row(caller, role, row)
        try:
            progress = call_within(
                _LEDGER_SECONDS,
                lambda: _read_progress(self.ledger, job_run_id, with_mentors=role != "coordinator"),
            )
        except OutOfTime as error:
            raise LedgerUnavailable("the ledger was not read in time") from error
        return RunDetail.model_validate({**visible, **progress})

    def _find_row(self, job_run_id: UUID) -> Execution | None:
        return self.database.get_execution(self.org_id, job_run_id)


def _parse_answer(job_run_id: UUID, answer: Mapping[str, str]) -> StartResult:
    match answer.get("status"):
        case "running" | "completed" as status:
            return StartResult("started", job_run_id, status)
        case "refused" if other := _parse_id(answer.get("conflicting_run_id", "")):
            return StartResult("run in progress", job_run_id, conflicting_run_id=other)
        case "failed" if answer.get("error_source") == "client":
            error = answer.get("error", "")[:_MAX_ERROR_LENGTH]
            return StartResult("invalid request", job_run_id, error=error)
        case "failed" if answer.get("error_source") != "server":
            return StartResult("failed", job_run_id)
        case _:
            return StartResult("unknown", job_run_id)


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _visible_row(caller: Caller, role: Role, row: Execution) -> dict[str, object]:
    """Return a row without the ids that row-level security hides from a coordinator (S4)."""
    visible = row.model_dump()
    if row.error is not None:
        error = without_ids(row.error) if role == "coordinator" else row.error
        visible["error"] = cut(error, _MAX_ERROR_LENGTH)
    may_see_name = row.triggered_by in (
        caller.name, MACHINE.name
    ) or row.triggered_by.startswith(_NOT_BY_A_PERSON)  # fmt: skip
    if role == "coordinator" and not may_see_name:
        visible["triggered_by"] = "a person"
    return visible


def _read_progress(ledger: Ledger, job_run_id: UUID, *, with_mentors: bool) -> dict[str, object]:
    """Return what the ledger adds to a row; every value is None if it has no such run."""
    run = ledger.find_run(job_run_id)
    if run is None:
        return dict(_NO_PROGRESS)
    progress = _NO_PROGRESS | {
        "pages_closed": ledger.closed.count(run),
        "pages_planned": run.pages_planned,
        "errors": _visible_errors(run, with_mentors=with_mentors),
    }
    return progress | (_read_mentors(ledger, run) if with_mentors else {})


def _read_mentors(ledger: Ledger, run: LedgerRun) -> dict[str, object]:
    """Return the ids of a run, or nothing if it has more than `MAX_IDS`."""
    applied, errored = list[UUID](), list[UUID]()
    for page in ledger.pages.read(run.job_run_id, range(1, run.pages_planned + 1)):
        if page.outcome or run.status != "running":
            settled = settle(run, page)
            applied += settled.applied
            errored += settled.errored
        if len(applied) + len(errored) > MAX_IDS:
            return {}
    return {"mentor_ids_applied": applied, "mentor_ids_errored": errored}


def _visible_errors(run: LedgerRun, *, with_mentors: bool) -> list[dict[str, object]] | None:
    """Return the reasons for errors; a coordinator gets no example mentor (S4)."""
    if run.errors is None:
        return None
    hidden: dict[str, object] = {} if with_mentors else {"example": None}
    return [group.as_json() | hidden for group in run.errors]
