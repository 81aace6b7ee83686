"""The addresses of the HTTP entry. Whoever comes here has been let in by the door."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, cast
from uuid import UUID

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from pydantic import BaseModel

from api.callers import Caller
from api.models import InTheWay, Job, Problem, Run, RunDetail, Started, StartRun
from api.runs import Attempted, Role, Runs
from mentor_pause.jobs import JOBS

LOCATION = "Location"
UNAVAILABLE = "not available now; try again later"
TRY_LATER = {"Retry-After": "10"}
_REASONS = 10
"""Of what is wrong with a request, so many are named."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that has been let in."""

    caller: Caller
    role: Role
    runs: Runs


app = APIGatewayRestResolver(enable_validation=True, debug=False)  # whatever the environment says

_STATUS = {"no such job": 404, "wrong request": 422, "in the way": 409, "unavailable": 503}


def _documented(good: tuple[int, Any], *codes: int) -> dict[int, Any]:
    """Describe the answers that an address may give: the good one, those named, those of all."""
    words = {
        200: "What was asked for.",
        202: "The run has begun.",
        401: "Nobody knows who you are.",
        403: "You may not.",
        404: "There is no such thing.",
        409: "Another run of the job is in the way.",
        415: "The body is no JSON.",
        422: "The request cannot be as it is.",
        429: "Too many requests; try again a little later.",
        503: "Not available now; try again later.",
    }
    bad: dict[int, Any] = dict.fromkeys((401, 403, 422, 429, 503, *codes), Problem)
    models = bad | ({HTTPStatus.CONFLICT: InTheWay} if HTTPStatus.CONFLICT in bad else {})
    return {
        code: {"description": words[code], "content": {"application/json": {"model": model}}}
        for code, model in sorted((models | dict([good])).items())
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
    job_name: Annotated[str, Path(max_length=100)],
    wish: Annotated[StartRun | None, Body()] = None,
) -> Response[Started | InTheWay | Problem]:
    """Start a run as the nightly rule would; who asked is recorded."""
    visit = _visit()
    found = visit.runs.start(job_name, wish or StartRun(), visit.caller)
    return _started(found) if found.verdict == "started" else _not_started(found)


def _started(found: Attempted) -> Response[Any]:
    body = Started(job_run_id=found.job_run_id, status=found.status)
    return _answer(202, body, {LOCATION: _address_of(found.job_run_id)})


def _not_started(found: Attempted) -> Response[Any]:
    status = _STATUS[found.verdict]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:  # the reason is in the log, and for operators
        return _answer(status, Problem(error=UNAVAILABLE), TRY_LATER)
    if found.in_the_way is None:
        return _answer(status, Problem(error=found.error))
    body = InTheWay(error=found.error, in_the_way=found.in_the_way)
    return _answer(status, body, {LOCATION: _address_of(found.in_the_way)})


@app.get(
    "/runs",
    summary="The newest attempts to run a job, newest first",
    responses=_documented((200, list[Run])),
)
def list_runs(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[Run]:
    """Return rows of the execution log, refused and duplicate ones included."""
    return _visit().runs.newest(limit)


@app.get(
    "/runs/<job_run_id>",
    summary="One run: its progress, and what it came to",
    responses=_documented((200, RunDetail), 404),
)
def get_run(job_run_id: UUID) -> RunDetail:
    """Return one run."""
    visit = _visit()
    found = visit.runs.find(job_run_id, with_mentors=visit.role != "coordinator")
    if found is None:
        raise NotFoundError(f"there is no run {job_run_id}")
    return found


@app.not_found
def no_such_thing(error: NotFoundError) -> Response[Any]:
    """An address that does not exist, or a run that does not."""
    told = Problem(error=str(cast("object", error.msg)))
    return _told(404, told)


@app.exception_handler(RequestValidationError)
def not_valid(error: RequestValidationError) -> Response[Any]:
    """Name each field that is wrong and why; never repeat a value."""
    if error.errors()[0]["loc"][0] == "response":
        raise error  # an answer of ours that is not as it is described
    reasons = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:_REASONS]]
    return _told(422, Problem(error="; ".join(reasons)))


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
