"""Asks the dispatcher for a run, for the HTTP entry and for the console (O3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.run_starts import StartResult, parse_answer
from mentor_pause.domain.runs import run_id_of
from mentor_pause.errors import DispatcherUnavailable, describe

type Dispatcher = Callable[[DispatchRequest], Mapping[str, str] | None]
"""Returns the dispatcher's answer; None: it got the request, and no answer came in time."""


@dataclass(frozen=True, slots=True)
class RunStarter:
    """Starts runs of one organisation."""

    org_id: UUID
    dispatcher: Dispatcher
    find_status: Callable[[UUID], str | None]
    """Returns the status of a run in the execution log; None: the log has no such run."""
    logger: Logger

    def __call__(self, request: DispatchRequest) -> StartResult:
        """Have the dispatcher start a run; a request with the same trigger names the same run."""
        job_run_id = run_id_of(
            request.job_name, self.org_id, str(request.trigger_id), dry_run=request.dry_run
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
        if answer.get("status") in ("superseded", "duplicate"):  # another dispatcher has the run
            answer = {"status": self.find_status(job_run_id) or "unknown"}
        return parse_answer(job_run_id, answer)
