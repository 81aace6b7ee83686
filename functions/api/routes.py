"""The routes of the HTTP entry. The request handler has authorised the caller before it."""

import logging
from dataclasses import dataclass
from typing import Annotated, Any, cast
from uuid import UUID

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from api import problems
from api.authentication import Caller
from api.models import Job, Run, RunDetail, StartedRun, StartRun
from api.problems import Problem, RequestProblem
from api.runs import Role, Runs, StartResult
from mentor_pause.domain.jobs import JOBS, STARTABLE

# The router logs texts of exceptions and paths of requests. The request handler logs instead, and
# knows what a log line may hold (E12, E13).
logging.getLogger("aws_lambda_powertools.event_handler").setLevel(logging.CRITICAL)

_DESCRIPTIONS = {
    200: "The result.",
    202: "The run has started.",
    400: "API Gateway could not read the request.",
    401: "The credential is missing or not valid.",
    403: "The caller is not a coordinator or administrator of the organisation.",
    404: "The job or the run is unknown.",
    409: "Another run of the job is in progress.",
    415: "The body is not JSON.",
    422: "The request is not valid.",
    429: "Too many requests; try again later.",
    503: "Not available now, or the run has failed.",
}
_COMMON_ERRORS = (400, 401, 403, 422, 429, 503)


@dataclass(frozen=True, slots=True)
class AuthorizedRequest:
    """What the request handler knows about a request when it calls a route."""

    caller: Caller
    role: Role
    runs: Runs


# `debug` would otherwise come from an environment variable, and would show exceptions to callers.
app = APIGatewayRestResolver(enable_validation=True, debug=False)


def _responses(status: int, model: Any, *errors: int) -> dict[int, Any]:  # noqa: ANN401 - a type
    """Describe a route's answers: the success, the errors named, and those of every route."""
    success = {status: {"application/json": {"model": model}}}
    failures = {
        code: {problems.MEDIA_TYPE: {"model": Problem}} for code in (*_COMMON_ERRORS, *errors)
    }
    return {
        code: {"description": _DESCRIPTIONS[code], "content": content}
        for code, content in sorted((success | failures).items())
    }


@app.get("/jobs", summary="List the jobs", responses=_responses(200, list[Job]))
def list_jobs() -> list[Job]:
    """Return the jobs that callers can start."""
    return [Job(name=job.name, effect=job.effect) for job in JOBS.values() if not job.needs_run]


@app.post(
    "/jobs/<job_name>/runs",
    summary="Start a run",
    status_code=202,
    responses=_responses(202, StartedRun, 404, 409, 415),
)
def start_run(
    job_name: str, options: Annotated[StartRun | None, Body()] = None
) -> Response[StartedRun]:
    """Start a run as the nightly rule would. The execution log records the caller."""
    # The request handler refuses unknown jobs, but it reads the job's name from another place.
    if job_name not in STARTABLE:
        raise problems.unknown_job()
    request = _current_request()
    result = request.runs.start(job_name, options or StartRun(), request.caller)
    if result.outcome != "started":
        raise _problem_of(result)
    return Response(
        202,
        content_types.APPLICATION_JSON,
        StartedRun(job_run_id=result.job_run_id, status=result.status),
        {"Location": _address_of(result.job_run_id)},
    )


def _problem_of(result: StartResult) -> RequestProblem:
    location = _address_of(result.conflicting_run_id or result.job_run_id)
    if result.conflicting_run_id is not None:
        return problems.run_in_progress(result.conflicting_run_id, location)
    match result.outcome:
        case "invalid request":
            return problems.invalid_request(result.error)
        case "failed":
            return problems.run_failed(result.job_run_id, location)
        case _:
            return problems.run_state_unknown(result.job_run_id, location)


@app.get("/runs", summary="List the newest runs", responses=_responses(200, list[Run]))
def list_runs(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[Run]:
    """Return the newest rows of the execution log first, refused and duplicate requests too."""
    request = _current_request()
    return request.runs.list_newest(limit, request.caller, request.role)


@app.get(
    "/runs/<job_run_id>",
    summary="Show one run",
    responses=_responses(200, RunDetail, 404),
)
def get_run(job_run_id: UUID) -> RunDetail:
    """Return one run: its progress and its result."""
    request = _current_request()
    run = request.runs.find(job_run_id, request.caller, request.role)
    if run is None:
        raise problems.unknown_run(job_run_id)
    return run


@app.not_found
def answer_unknown_address(_error: NotFoundError) -> Response[str]:
    """Answer a request that no route matches."""
    return _response(problems.unknown_address())


@app.exception_handler(RequestProblem)
def answer_problem(error: RequestProblem) -> Response[str]:
    """Answer a request that a route has refused."""
    return _response(error)


@app.exception_handler(RequestValidationError)
def answer_invalid_fields(error: RequestValidationError) -> Response[str]:
    """Name each field that is not valid, and the reason; never repeat a value."""
    if error.errors()[0]["loc"][0] == "response":
        raise error  # our own answer does not match its description
    return _response(problems.invalid_fields(error.errors()))


def _current_request() -> AuthorizedRequest:
    return cast("AuthorizedRequest", app.context["request"])


def _address_of(job_run_id: UUID) -> str:
    """Return a run's address relative to the route of `start_run`: it works with any prefix."""
    return f"../../runs/{job_run_id}"


def _response(error: RequestProblem) -> Response[str]:
    problem = error.problem
    return Response(
        int(problem.status or 500), problems.MEDIA_TYPE, problem.to_json(), error.headers
    )
