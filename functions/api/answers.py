"""Describes the answers of the routes for the OpenAPI document, and builds those about runs."""

from typing import Any

from api import problems
from api.problems import Problem, RequestProblem
from mentor_pause.domain.run_starts import StartResult

_DESCRIPTIONS = {
    200: "The result.",
    202: "The run has started.",
    400: "API Gateway could not read the request.",
    401: "The credential is missing or not valid.",
    403: "The caller's role, or the caller, may not do this.",
    404: "The address, the job, the run or the plan is unknown.",
    409: "Another run of the job is in progress, or the plan or the run is not as it has to be.",
    415: "The body is not JSON.",
    422: "The request is not valid.",
    429: "Too many requests; try again later.",
    503: "Not available now, or the run has failed.",
}
_COMMON_ERRORS = (400, 401, 403, 422, 429, 503)


def responses(status: int, model: Any, *errors: int) -> dict[int, Any]:  # noqa: ANN401 - a type
    """Describe a route's answers: the success, the errors named, and those of every route."""
    success = {status: {"application/json": {"model": model}}}
    failures = {
        code: {problems.MEDIA_TYPE: {"model": Problem}} for code in (*_COMMON_ERRORS, *errors)
    }
    return {
        code: {"description": _DESCRIPTIONS[code], "content": content}
        for code, content in sorted((success | failures).items())
    }


def problem_of(result: StartResult, address: str, *, is_approved: bool = False) -> RequestProblem:
    """Return the problem of a run that has not started.

    `address` is the relative address of all runs. `is_approved` is for a run that an approval asked
    for: the approval is kept.
    """
    location = f"{address}/{result.conflicting_run_id or result.job_run_id}"
    if result.conflicting_run_id is not None:
        return problems.run_in_progress(
            result.conflicting_run_id, location, is_approved=is_approved
        )
    match result.outcome:
        case "invalid request":
            return problems.invalid_request(result.error)
        case "failed":
            return problems.run_failed(result.job_run_id, location, is_approved=is_approved)
        case _:
            return problems.run_state_unknown(result.job_run_id, location, is_approved=is_approved)
