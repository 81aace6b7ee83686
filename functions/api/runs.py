"""Starts runs through the dispatcher, and looks at them in the log and in the ledger (O3)."""

from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID, uuid4

from api.callers import Caller
from api.models import Run, RunDetail, StartRun
from mentor_pause.config import OrgSettings
from mentor_pause.dispatching import Dispatcher
from mentor_pause.events import DispatchRequest
from mentor_pause.jobs import JOBS
from mentor_pause.ledger import Ledger
from mentor_pause.retry import Retry
from mentor_pause.runs import Attempt, run_id_of, summarise
from mentor_pause.supabase import Database, Execution, MemberRole

type Role = MemberRole | Literal["machine"]
type Verdict = Literal["started", "no such job", "wrong request", "in the way", "unavailable"]

_NOT_A_MEMBER = "only coordinators and administrators of the organisation start runs"


@dataclass(frozen=True, slots=True)
class Attempted:
    """What became of the wish for a run."""

    verdict: Verdict
    job_run_id: UUID
    status: Literal["running", "completed", "failed"] = "running"
    error: str = ""
    in_the_way: UUID | None = None


class Runs:
    """The runs of one organisation."""

    def __init__(
        self,
        org: OrgSettings,
        database: Database,
        ledger: Ledger,
        dispatcher: Dispatcher,
        retry: Retry,
    ) -> None:
        """`retry` wraps what is read from the database."""
        self._org_id = org.hlf_org_id
        self._database = database
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._retry = retry

    def role_of(self, caller: Caller) -> Role | None:
        """Return what a caller is in the organisation; None: a stranger."""
        user_id = caller.user_id
        if user_id is None:
            return "machine"
        return self._retry(lambda: self._database.get_member_role(self._org_id, user_id))

    def record_refusal(self, job_name: str, caller: Caller) -> None:
        """Write down who wanted to start a run and may not (D4, O3)."""
        name = job_name if job_name in JOBS else "unknown"  # no stranger's text is kept for ever
        attempt = Attempt(name, self._org_id, "manual", f"http-{uuid4()}", caller.name)
        self._database.begin_execution(attempt, "refused", error=_NOT_A_MEMBER)

    def start(self, job_name: str, wish: StartRun, caller: Caller) -> Attempted:
        """Have the dispatcher start a run.

        Raises:
            DispatcherUnavailable: it could not be asked; a later attempt may succeed.
        """
        trigger_id = f"http-{uuid4()}"  # API Gateway's own id of a request can be the client's
        job_run_id = run_id_of(job_name, self._org_id, trigger_id)
        request = DispatchRequest(
            job_name=job_name,
            trigger="manual",
            trigger_id=trigger_id,
            requested_by=caller.name,
            as_of=wish.as_of,
            dry_run=wish.dry_run,
        )
        answer = self._dispatcher(request)
        if answer is None:
            return Attempted("started", job_run_id)
        return _attempted(job_name, job_run_id, answer)

    def newest(self, limit: int) -> list[Run]:
        """Return the newest attempts, newest first."""
        rows = self._retry(lambda: self._database.list_executions(self._org_id, limit))
        return [Run.model_validate(row.model_dump()) for row in rows]

    def find(self, job_run_id: UUID, *, with_mentors: bool) -> RunDetail | None:
        """Return one run; None: there is none of that id."""
        row = self._retry(lambda: self._database.get_execution(self._org_id, job_run_id))
        return _detail(row, self._ledger, with_mentors=with_mentors) if row else None


def _attempted(job_name: str, job_run_id: UUID, answer: dict[str, str]) -> Attempted:
    error = answer.get("error", "")
    match answer["status"]:
        case "refused":
            in_the_way = UUID(answer["in_the_way"])
            return Attempted("in the way", job_run_id, error=error, in_the_way=in_the_way)
        case "failed" if job_name not in JOBS:
            return Attempted("no such job", job_run_id, error=error)
        case "failed" if answer.get("fault") == "request":
            return Attempted("wrong request", job_run_id, error=error)
        case "failed" if answer.get("fault") == "outside":
            return Attempted("unavailable", job_run_id, error=error)
        case "running" | "completed" | "failed" as status:
            return Attempted("started", job_run_id, status)
        case _:  # superseded, duplicate: the run is there
            return Attempted("started", job_run_id)


def _detail(row: Execution, ledger: Ledger, *, with_mentors: bool) -> RunDetail:
    found = row.model_dump()
    run = ledger.find_run(row.job_run_id)
    if run is None:
        nothing = dict.fromkeys(
            ("pages_closed", "pages_planned", "mentor_ids_done", "mentor_ids_errored")
        )
        return RunDetail.model_validate(found | nothing)
    found |= {
        "pages_closed": len(run.closed_pages),
        "pages_planned": run.pages_planned,
        "mentor_ids_done": None,
        "mentor_ids_errored": None,
    }
    if with_mentors:
        pages = [p for p in ledger.pages(row.job_run_id) if p.outcome or run.status != "running"]
        summary = summarise(run, pages)
        found |= {"mentor_ids_done": summary.done, "mentor_ids_errored": summary.errored}
    return RunDetail.model_validate(cast("dict[str, object]", found))
