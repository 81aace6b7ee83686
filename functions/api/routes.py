"""The routes of the HTTP entry. The request handler has authorised the caller before it."""

import logging
from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from api import plan_routes, problems
from api.answers import problem_of, responses
from api.authorized import request_of
from api.models import Job, Run, RunDetail, StartedRun, StartRun
from api.problems import RequestProblem
from mentor_pause.domain.jobs import JOBS, STARTABLE

# The router logs texts of exceptions and paths of requests. The request handler logs instead, and
# knows what a log line may hold (E12, E13).
logging.getLogger("aws_lambda_powertools.event_handler").setLevel(logging.CRITICAL)

# `debug` would otherwise come from an environment variable, and would show exceptions to callers.
app = APIGatewayRestResolver(enable_validation=True, debug=False)
app.include_router(plan_routes.router)

_RUNS = "../../runs"
"""The address of all runs, relative to the route of `start_run`: it works with any prefix."""


@app.get("/jobs", summary="List the jobs", responses=responses(200, list[Job]))
def list_jobs() -> list[Job]:
    """Return the jobs that callers can start."""
    return [Job(name=job.name, effect=job.effect) for job in JOBS.values() if not job.needs_run]


@app.post(
    "/jobs/<job_name>/runs",
    summary="Start a run",
    status_code=202,
    responses=responses(202, StartedRun, 404, 409, 415),
)
def start_run(
    job_name: str, options: Annotated[StartRun | None, Body()] = None
) -> Response[StartedRun]:
    """Start a run as the nightly rule would. The execution log records the caller."""
    # The request handler refuses unknown jobs, but it reads the job's name from another place.
    if job_name not in STARTABLE:
        raise problems.unknown_job()
    request = request_of(app)
    result = request.runs.start(job_name, options or StartRun(), request.caller)
    if result.outcome != "started":
        raise problem_of(result, _RUNS)
    return Response(
        202,
        content_types.APPLICATION_JSON,
        StartedRun(job_run_id=result.job_run_id, status=result.status),
        {"Location": f"{_RUNS}/{result.job_run_id}"},
    )


@app.get("/runs", summary="List the newest runs", responses=responses(200, list[Run]))
def list_runs(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[Run]:
    """Return the newest rows of the execution log first, refused and duplicate requests too."""
    request = request_of(app)
    return request.runs.list_newest(limit, request.caller, request.role)


@app.get(
    "/runs/<job_run_id>",
    summary="Show one run",
    responses=responses(200, RunDetail, 404),
)
def get_run(job_run_id: UUID) -> RunDetail:
    """Return one run: its progress and its result."""
    request = request_of(app)
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


def _response(error: RequestProblem) -> Response[str]:
    problem = error.problem
    return Response(
        int(problem.status or 500), problems.MEDIA_TYPE, problem.to_json(), error.headers
    )
