"""The HTTP entry's error answers: problem details (RFC 9457), `application/problem+json`.

Titles and details are fixed texts. They repeat nothing of a request but the beginning of a field's
name. docs/http.md lists the types.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from mentor_pause.domain.jobs import STARTABLE
from mentor_pause.domain.messages import field_errors
from mentor_pause.errors import MentorPauseError

MEDIA_TYPE = "application/problem+json"
UNKNOWN_JOB = f"unknown job; known jobs: {', '.join(sorted(STARTABLE))}"
MEMBERS_ONLY = "only coordinators and administrators of the organisation have access"
ADMINISTRATORS_ONLY = "only administrators of the organisation approve plans and withdraw runs"
_RETRY_AFTER = {"Retry-After": "10"}


class FieldError(BaseModel):
    """One field of the request that is not valid."""

    field: Annotated[str, Field(description="Where it is, such as `body.as_of`.")]
    detail: str


class Problem(BaseModel):
    """Problem details (RFC 9457). A member without a value is left out."""

    type: Annotated[
        str,
        Field(
            description="A stable identifier of the kind of problem. With `about:blank` the status "
            "says all."
        ),
    ] = "about:blank"
    title: str
    status: Annotated[
        int | SkipJsonSchema[None],
        Field(description="The HTTP status. API Gateway's own answers may leave it out."),
    ] = None
    detail: Annotated[str, Field(description="What happened this time.")]
    errors: Annotated[
        list[FieldError] | SkipJsonSchema[None],
        Field(description="The first ten fields of the request that are not valid."),
    ] = None
    conflicting_run_id: Annotated[
        UUID | SkipJsonSchema[None],
        Field(description="Another run of the job that has not ended; `Location` leads to it."),
    ] = None
    job_run_id: Annotated[
        UUID | SkipJsonSchema[None],
        Field(
            description="The run that was requested. It has failed, or may have started; "
            "`Location` leads to it."
        ),
    ] = None

    def to_json(self) -> str:
        """Return the body of the answer."""
        return self.model_dump_json(exclude_none=True)


class RequestProblem(MentorPauseError):
    """Ends a request with an error answer."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.title)
        self.problem = problem
        self.headers = {"Content-Type": MEDIA_TYPE, **(headers or {})}

    def to_answer(self) -> dict[str, Any]:
        """Return the answer as API Gateway takes it from a function."""
        return {
            "statusCode": self.problem.status,
            "headers": self.headers,
            "body": self.problem.to_json(),
            "isBase64Encoded": False,
        }


def not_an_api_event() -> RequestProblem:
    """400: something other than API Gateway invoked the function."""
    return _blank(HTTPStatus.BAD_REQUEST, "this is not a request of the REST API")


def authentication_required(reason: str) -> RequestProblem:
    """401: `reason` is the message of `Unauthenticated`."""
    return _typed(401, "authentication-required", reason, headers={"WWW-Authenticate": "Bearer"})


def permission_denied(detail: str = MEMBERS_ONLY) -> RequestProblem:
    """403: the caller's role does not allow the request."""
    return _typed(403, "permission-denied", detail)


def own_run() -> RequestProblem:
    """403: the caller asked for the run whose plan they want to approve."""
    return _typed(403, "own-run", "you asked for this run; another administrator has to approve it")


def not_your_mentor() -> RequestProblem:
    """403: the caller may not see the mentor, or there is no such mentor."""
    return permission_denied("you are not responsible for a mentor of this id")


def unknown_address() -> RequestProblem:
    """404: no route has this method and path."""
    return _blank(HTTPStatus.NOT_FOUND, "the API has no such address")


def unknown_job() -> RequestProblem:
    """404: the registry has no such job."""
    return _typed(404, "unknown-job", UNKNOWN_JOB)


def unknown_run(job_run_id: UUID) -> RequestProblem:
    """404: the organisation has no such run."""
    return _typed(404, "unknown-run", f"the execution log has no run {job_run_id}")


def unknown_plan(job_run_id: UUID) -> RequestProblem:
    """404: the run has no plan, or it is a dry run, whose plan nobody can approve."""
    return _typed(404, "unknown-plan", f"run {job_run_id} has no such plan")


def run_in_progress(
    conflicting_run_id: UUID, location: str, *, is_approved: bool = False
) -> RequestProblem:
    """409: another run of the job has not ended. `is_approved`: the approval is kept."""
    detail = f"run {conflicting_run_id} is in progress"
    if is_approved:
        detail = f"the plan is approved, but {detail}; repeat the request when that run has ended"
    return _typed(
        409, "run-in-progress", detail,
        headers={"Location": location}, conflicting_run_id=conflicting_run_id,
    )  # fmt: skip


def plan_changed(detail: str) -> RequestProblem:
    """409: the hash belongs to another plan than the newest one; `detail` says what has changed."""
    return _typed(409, "plan-changed", detail)


def nothing_held() -> RequestProblem:
    """409: the plan holds nobody."""
    return _typed(409, "nothing-held", "the plan holds nobody; the run has paused all of them")


def not_withdrawable(detail: str) -> RequestProblem:
    """409: the run has no pauses to take back, or is in progress."""
    return _typed(409, "not-withdrawable", detail)


def not_json() -> RequestProblem:
    """415: the body has another media type, or is binary."""
    return _blank(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as JSON, with a matching Content-Type"
    )


def invalid_request(detail: str) -> RequestProblem:
    """422: the request as a whole is not valid."""
    return _typed(422, "invalid-request", detail)


def invalid_fields(faults: Sequence[Mapping[str, Any]]) -> RequestProblem:
    """422: fields of the request are not valid. `faults` are pydantic's `errors()`."""
    named = [FieldError(field=name, detail=why) for name, why in field_errors(faults)]
    detail = f"{len(faults)} field{'s are' if len(faults) > 1 else ' is'} not valid"
    if len(faults) > len(named):
        detail += f"; errors has the first {len(named)}"
    return _typed(422, "invalid-request", detail, errors=named)


def run_failed(job_run_id: UUID, location: str, *, is_approved: bool = False) -> RequestProblem:
    """503: the run has failed; the same request would fail again."""
    detail = "the run has failed; see the reason at Location"
    return _typed(
        503, "run-failed", f"the plan is approved, but {detail}" if is_approved else detail,
        headers={"Location": location}, job_run_id=job_run_id,
    )  # fmt: skip


def run_state_unknown(
    job_run_id: UUID, location: str, *, is_approved: bool = False
) -> RequestProblem:
    """503: the dispatcher did not say whether the run has started."""
    detail = "the run may have started; see Location, or try again later"
    if is_approved:
        detail = "the plan is approved, and its run may have started; repeat the request"
    return _typed(
        503, "run-state-unknown", detail,
        headers={"Location": location, **_RETRY_AFTER}, job_run_id=job_run_id,
    )  # fmt: skip


def unavailable() -> RequestProblem:
    """503: a setting is wrong, or another service does not answer."""
    return _typed(503, "unavailable", "not available now; try again later", headers=_RETRY_AFTER)


def _blank(status: HTTPStatus, detail: str) -> RequestProblem:
    """Return a problem that the status explains (RFC 9457, 4.2.1: its title is the phrase)."""
    return RequestProblem(Problem(title=status.phrase, status=status, detail=detail))


def _typed(
    status: int,
    name: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **members: Any,  # noqa: ANN401 - pydantic checks them
) -> RequestProblem:
    """Return a problem of a type of our own; `name` is the end of the type, in words its title."""
    kind, title = f"/problems/{name}", name.replace("-", " ").capitalize()
    problem = Problem(type=kind, title=title, status=status, detail=detail, **members)
    return RequestProblem(problem, headers)
