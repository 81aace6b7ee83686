"""The addresses of the HTTP entry. The door has let in every caller who comes here."""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, cast
from uuid import UUID

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from pydantic import BaseModel

from api.callers import Caller
from api.models import InTheWay, Job, NoRun, Problem, Run, RunDetail, Started, StartRun
from api.runs import Attempted, Role, Runs
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import reasons_of

# It writes the texts of exceptions and the paths of requests into our log; the door writes what may
# stand there (E12, E13).
logging.getLogger("aws_lambda_powertools.event_handler").setLevel(logging.CRITICAL)

LOCATION = "Location"
UNAVAILABLE = "not available now; try again later"
TRY_LATER = {"Retry-After": "10"}
NO_SUCH_JOB = f"there is no such job; known jobs: {', '.join(sorted(JOBS))}"
_HAS_FAILED = "the run has failed; its row at Location says why"
_NOT_KNOWN = "not available now; look at Location whether the run has begun, or try again later"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that has been let in."""

    caller: Caller
    role: Role
    runs: Runs


app = APIGatewayRestResolver(enable_validation=True, debug=False)  # whatever the environment says


def _documented(good: tuple[int, Any], *codes: int) -> dict[int, Any]:
    """Describe the answers that an address may give: the good one, those named, those of all."""
    words = {
        200: "What was asked for.",
        202: "The run has begun.",
        400: "API Gateway could not read the request.",
        401: "The credential is missing or not valid.",
        403: "Only members of the organisation may ask.",
        404: "There is no such thing.",
        409: "Another run of the job is in the way.",
        415: "The body is not JSON.",
        422: "The request cannot be as it is.",
        429: "Too many requests; try again a little later.",
        503: "Not available now, or the run has failed.",
    }
    bad: dict[int, Any] = dict.fromkeys((400, 401, 403, 422, 429, 503, *codes), Problem)
    if HTTPStatus.CONFLICT in codes:  # the address that starts runs
        bad |= {HTTPStatus.CONFLICT: InTheWay, HTTPStatus.SERVICE_UNAVAILABLE: NoRun}
    return {
        code: {"description": words[code], "content": {"application/json": {"model": model}}}
        for code, model in sorted((bad | dict([good])).items())
    }


@app.get(
    "/jobs",
    summary="The jobs that can be started",
    responses=_documented((200, list[Job])),
)
def list_jobs() -> list[Job]:
    """Return the registry."""
    return [Job(name=job.name, effect=job.effect) for job in JOBS.values()]


@app.post(
    "/jobs/<job_name>/runs",
    summary="Start a run",
    status_code=202,
    responses=_documented((202, Started), 404, 409, 415),
)
def start_run(
    job_name: str, wish: Annotated[StartRun | None, Body()] = None
) -> Response[Started | InTheWay | NoRun | Problem]:
    """Start a run as the nightly rule would; who asked is recorded."""
    if job_name not in JOBS:  # the door has refused it, unless it read the address in another way
        raise NotFoundError(NO_SUCH_JOB)
    visit = _visit()
    found = visit.runs.start(job_name, wish or StartRun(), visit.caller)
    return _started(found) if found.verdict == "started" else _not_started(found)


def _started(found: Attempted) -> Response[Any]:
    body = Started(job_run_id=found.job_run_id, status=found.status)
    return _answer(202, body, {LOCATION: _address_of(found.job_run_id)})


def _not_started(found: Attempted) -> Response[Any]:
    at_location = {LOCATION: _address_of(found.conflicting_run_id or found.job_run_id)}
    if found.conflicting_run_id is not None:
        body = InTheWay(error=found.error, conflicting_run_id=found.conflicting_run_id)
        return _answer(409, body, at_location)
    if found.verdict == "wrong request":
        return _answer(422, Problem(error=found.error))
    if found.verdict == "failed":  # asking again at once would fare the same
        return _answer(503, NoRun(error=_HAS_FAILED, job_run_id=found.job_run_id), at_location)
    body = NoRun(error=_NOT_KNOWN, job_run_id=found.job_run_id)
    return _answer(503, body, at_location | TRY_LATER)


@app.get(
    "/runs",
    summary="The newest attempts to run a job, newest first",
    responses=_documented((200, list[Run])),
)
def list_runs(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[Run]:
    """Return rows of the execution log, refused and duplicate ones included."""
    visit = _visit()
    return visit.runs.newest(limit, visit.caller, visit.role)


@app.get(
    "/runs/<job_run_id>",
    summary="One run: its progress, and what it came to",
    responses=_documented((200, RunDetail), 404),
)
def get_run(job_run_id: UUID) -> RunDetail:
    """Return one run."""
    visit = _visit()
    found = visit.runs.find(job_run_id, visit.caller, visit.role)
    if found is None:
        raise NotFoundError(f"there is no run {job_run_id}")
    return found


@app.not_found
def no_such_thing(error: NotFoundError) -> Response[Any]:
    """Answer for an address, a job or a run that does not exist; the sentences are ours."""
    return _told(404, Problem(error=str(cast("object", error.msg))))


@app.exception_handler(RequestValidationError)
def not_valid(error: RequestValidationError) -> Response[Any]:
    """Name each field that is wrong and why; never repeat a value."""
    if error.errors()[0]["loc"][0] == "response":
        raise error  # an answer of ours that is not as it is described
    return _told(422, Problem(error=reasons_of(error.errors())))


def problem(status: int, error: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Make an answer of API Gateway's that says why not."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": content_types.APPLICATION_JSON, **(headers or {})},
        "body": Problem(error=error).model_dump_json(),
        "isBase64Encoded": False,
    }


def _visit() -> Visit:
    return cast("Visit", app.context["visit"])


def _address_of(job_run_id: UUID) -> str:
    """The address of a run, relative to that of `start_run`: whatever stands before it stays."""
    return f"../../runs/{job_run_id}"


def _told(status: int, body: Problem) -> Response[Any]:
    """Answer from behind the route, where nothing makes JSON of a model any more."""
    return Response[Any](status, content_types.APPLICATION_JSON, body.model_dump_json())


def _answer(status: int, body: BaseModel, headers: dict[str, str] | None = None) -> Response[Any]:
    return Response[Any](
        status,
        content_type=content_types.APPLICATION_JSON,
        body=body,
        headers=dict(headers or {}),
    )
