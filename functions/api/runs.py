"""Starts runs through the dispatcher, and looks at them in the log and in the ledger (O3)."""

from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from api.callers import MACHINE, Caller
from api.models import MOST_IDS, Run, RunDetail, StartRun
from mentor_pause.aws.dispatcher import Dispatcher
from mentor_pause.config import OrgSettings
from mentor_pause.database.client import Database, Execution, MemberRole
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.reasons import cut, without_ids
from mentor_pause.domain.runs import Run as LedgerRun
from mentor_pause.domain.runs import RunRequest, run_id_of
from mentor_pause.domain.summary import summarise
from mentor_pause.errors import DispatcherUnavailable, LedgerUnavailable, describe
from mentor_pause.ledger.runs import Ledger
from mentor_pause.retry import OutOfTime, Retry, call_within

type Role = MemberRole | Literal["machine"]
type Verdict = Literal["started", "wrong request", "in the way", "failed", "unavailable"]

_LEDGER_SECONDS = 15.0

_LONGEST_ERROR = 2000
"""Characters; 100 rows must fit into the 6 MB that Lambda lets an answer have."""

_NOBODY = ("schedule", "event, ", "database, ")
"""The beginnings of `triggered_by` where a run was not triggered by a person."""


@dataclass(frozen=True, slots=True)
class Attempted:
    """What became of the wish for a run."""

    verdict: Verdict
    job_run_id: UUID
    status: Literal["running", "completed"] = "running"
    error: str = ""
    conflicting_run_id: UUID | None = None


class Runs:
    """The runs of one organisation."""

    def __init__(
        self,
        org: OrgSettings,
        database: Database,
        ledger: Ledger,
        dispatcher: Dispatcher,
        retry: Retry,
        logger: Logger,
    ) -> None:
        """`retry` wraps what is read from the database."""
        self._org_id = org.hlf_org_id
        self._database = database
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._retry = retry
        self._logger = logger

    def role_of(self, caller: Caller) -> Role | None:
        """Return what a caller is in the organisation; None: a stranger."""
        user_id = caller.user_id
        if user_id is None:
            return "machine"
        return self._retry(lambda: self._database.get_member_role(self._org_id, user_id))

    def record_refusal(self, job_name: str, caller: Caller, reason: str) -> None:
        """Write down who wanted to start a run and why there is none (D2, D4, O3).

        Nothing of a caller's text is kept: a job that is not in the registry is `unknown`. A
        refusal that cannot be written down is logged, and stays a refusal.
        """
        name = job_name if job_name in JOBS else "unknown"
        attempt = RunRequest(name, self._org_id, "manual", f"http-{uuid4()}", caller.name)
        try:
            self._database.begin_execution(attempt, "refused", error=reason)
        except Exception as error:  # noqa: BLE001 - refused they are all the same
            self._logger.error("refusal not recorded", extra={"reason": describe(error)})

    def start(self, job_name: str, wish: StartRun, caller: Caller) -> Attempted:
        """Have the dispatcher start a run of a job of the registry."""
        trigger_id = f"http-{uuid4()}"  # API Gateway's own id of a request can be the client's
        job_run_id = run_id_of(job_name, self._org_id, trigger_id, dry_run=wish.dry_run)
        request = DispatchRequest(
            job_name=job_name,
            trigger="manual",
            trigger_id=trigger_id,
            requested_by=caller.name,
            as_of=wish.as_of,
            dry_run=wish.dry_run,
        )
        try:
            answer = self._dispatcher(request)
        except DispatcherUnavailable as error:
            self._logger.error(
                "run not started", extra={"job_run_id": str(job_run_id), "reason": describe(error)}
            )
            return Attempted("unavailable", job_run_id)
        if answer is None:
            return Attempted("started", job_run_id)
        if answer.get("status") in ("superseded", "duplicate"):
            return self._as_the_log_says(job_run_id)
        return _attempted(job_run_id, answer)

    def _as_the_log_says(self, job_run_id: UUID) -> Attempted:
        """Another dispatcher has the run: what became of it is in its row."""
        row = self._retry(lambda: self._database.get_execution(self._org_id, job_run_id))
        return _attempted(job_run_id, {"status": row.status if row else "unknown"})

    def newest(self, limit: int, caller: Caller, role: Role) -> list[Run]:
        """Return the newest attempts as the caller may see them, newest first."""
        rows = self._retry(lambda: self._database.list_executions(self._org_id, limit))
        return [Run.model_validate(_seen_by(caller, role, row)) for row in rows]

    def find(self, job_run_id: UUID, caller: Caller, role: Role) -> RunDetail | None:
        """Return one run as the caller may see it; None: there is none of that id."""
        row = self._retry(lambda: self._database.get_execution(self._org_id, job_run_id))
        if row is None:
            return None
        seen = _seen_by(caller, role, row)
        with_mentors = role != "coordinator"
        try:
            return call_within(
                _LEDGER_SECONDS, lambda: _detail(row, seen, self._ledger, with_mentors=with_mentors)
            )
        except OutOfTime as error:
            raise LedgerUnavailable("the ledger was not read in time") from error


def _attempted(job_run_id: UUID, answer: dict[str, str]) -> Attempted:
    error = answer.get("error", "")[:_LONGEST_ERROR]
    match answer.get("status"):
        case "running" | "completed" as status:
            return Attempted("started", job_run_id, status)
        case "refused" if conflicting_run_id := _uuid(answer.get("conflicting_run_id", "")):
            error = f"run {conflicting_run_id} is in progress"
            return Attempted(
                "in the way", job_run_id, error=error, conflicting_run_id=conflicting_run_id
            )
        case "failed" if answer.get("error_source") == "client":
            return Attempted("wrong request", job_run_id, error=error)
        case "failed" if answer.get("error_source") != "server":
            return Attempted("failed", job_run_id)
        case _:
            return Attempted("unavailable", job_run_id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _seen_by(caller: Caller, role: Role, row: Execution) -> dict[str, object]:
    """Return a row without the ids that row-level security hides from a coordinator (S4)."""
    found = row.model_dump()
    if row.error is not None:
        error = without_ids(row.error) if role == "coordinator" else row.error
        found["error"] = cut(error, _LONGEST_ERROR)
    may_see = row.triggered_by in (caller.name, MACHINE.name) or row.triggered_by.startswith(
        _NOBODY
    )
    if role == "coordinator" and not may_see:
        found["triggered_by"] = "a person"
    return found


def _detail(
    row: Execution, seen: dict[str, object], ledger: Ledger, *, with_mentors: bool
) -> RunDetail:
    run = ledger.find_run(row.job_run_id)
    if run is None:
        nothing = dict.fromkeys(
            ("pages_closed", "pages_planned", "mentor_ids_done", "mentor_ids_errored", "errors")
        )
        return RunDetail.model_validate(seen | nothing)
    found = seen | {
        "pages_closed": len(run.closed_pages),
        "pages_planned": run.pages_planned,
        "mentor_ids_done": None,
        "mentor_ids_errored": None,
        "errors": _errors(run, with_mentors=with_mentors),
    }
    if with_mentors:
        pages = [
            p for p in ledger.pages.list(row.job_run_id) if p.outcome or run.status != "running"
        ]
        summary = summarise(run, pages)
        if len(summary.applied) + len(summary.errored) <= MOST_IDS:
            found |= {"mentor_ids_done": summary.applied, "mentor_ids_errored": summary.errored}
    return RunDetail.model_validate(cast("dict[str, object]", found))


def _errors(run: LedgerRun, *, with_mentors: bool) -> list[dict[str, object]] | None:
    """Return why mentors counted as errors; a coordinator learns of none that is not theirs."""
    if run.errors is None:
        return None
    hidden: dict[str, object] = {} if with_mentors else {"example": None}
    return [group.as_json() | hidden for group in run.errors]
