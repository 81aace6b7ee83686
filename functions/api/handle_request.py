"""Handles each HTTP request: authenticates, authorises, then calls the route (D3, O3)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from api import problems
from api.authentication import (
    Authenticator,
    Caller,
    Unauthenticated,
    header_values,
    read_credential,
)
from api.authorized import AuthorizedRequest
from api.problems import RequestProblem
from api.routes import app
from api.runs import Runs
from mentor_pause.aws.lambda_events import is_request, kind_of
from mentor_pause.domain.jobs import STARTABLE
from mentor_pause.errors import describe, origin
from mentor_pause.retry import time_limit

type Answer = dict[str, Any]

AUTHENTICATION_SECONDS = 5.0
"""The time for reading our own secrets and the project's keys together."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Vary": "Authorization",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer. Source: OWASP, "REST Security Cheat Sheet"."""

JSON_TYPE = "application/json; charset=utf-8"

_START_RUN = ("POST", "/jobs/{job_name}/runs")
_FOR_ADMINISTRATORS = {
    ("POST", "/runs/{job_run_id}/approval"): "certification_expiry",
    ("POST", "/runs/{job_run_id}/withdrawal"): "withdrawal",
}
"""The routes for administrators alone, and the job that each starts (G4, G5)."""
_NOT_A_MEMBER = "only coordinators and administrators of the organisation may start runs"


@dataclass(frozen=True, slots=True)
class HttpRequestHandler:
    """Answers every request; no exception leaves it.

    The first two fields are functions: each may raise when a setting is wrong, and the handler
    answers that with 503.
    """

    open_authenticator: Callable[[], Authenticator]
    open_runs: Callable[[], Runs]
    logger: Logger

    def __call__(self, event: object, context: LambdaContext) -> Answer:
        """Return the answer for API Gateway: 401 before anything else, then 403, then the route's.

        A caller without a valid credential causes no call of the database.
        """
        answer = self._answer(event, context)
        several = cast("Mapping[str, list[str]]", answer.pop("multiValueHeaders", None) or {})
        headers = {name: values[-1] for name, values in several.items()}
        is_problem = answer["statusCode"] >= HTTPStatus.BAD_REQUEST
        content_type = problems.MEDIA_TYPE if is_problem else JSON_TYPE
        headers |= {**(answer.get("headers") or {}), **HEADERS, "Content-Type": content_type}
        return answer | {"headers": headers}

    def _answer(self, event: object, context: LambdaContext) -> Answer:
        if not is_request(event):
            self.logger.warning("not a request of a REST API", extra={"event": kind_of(event)})
            return problems.not_an_api_event().to_answer()
        request = cast("Mapping[str, Any]", event)
        try:
            return self._authorize(self._authenticate(request), request, context)
        except Unauthenticated as error:
            self.logger.warning("refused", extra={"reason": str(error)})
            return problems.authentication_required(str(error)).to_answer()
        except RequestProblem as error:
            return error.to_answer()
        except Exception as error:  # noqa: BLE001 - the caller must get an answer
            self.logger.error(
                "not answered", extra={"reason": describe(error), "origin": origin(error)}
            )
            return problems.unavailable().to_answer()

    def _authenticate(self, event: Mapping[str, Any]) -> Caller:
        credential = read_credential(event)  # without one, not even our own secrets are read
        with time_limit(AUTHENTICATION_SECONDS):
            return self.open_authenticator()(credential)

    def _authorize(
        self, caller: Caller, event: Mapping[str, Any], context: LambdaContext
    ) -> Answer:
        self.logger.append_keys(caller=caller.name)
        runs = self.open_runs()
        role = runs.get_role(caller)
        job_name = _requested_job(event)
        if role is None:
            self.logger.warning("refused", extra={"reason": "not a member of the organisation"})
            if job_name is not None:
                runs.record_refusal(job_name, caller, _NOT_A_MEMBER)
            raise problems.permission_denied()
        if role != "admin" and job_name is not None and _route(event) in _FOR_ADMINISTRATORS:
            self.logger.warning("refused", extra={"reason": "not an administrator"})
            runs.record_refusal(job_name, caller, problems.ADMINISTRATORS_ONLY)
            raise problems.permission_denied(problems.ADMINISTRATORS_ONLY)
        if _route(event) == _START_RUN and job_name is not None and job_name not in STARTABLE:
            self.logger.warning("refused", extra={"reason": "unknown job"})
            runs.record_refusal(job_name, caller, problems.UNKNOWN_JOB)
            raise problems.unknown_job()
        return self._call_route(AuthorizedRequest(caller, role, runs), event, context)

    def _call_route(
        self, request: AuthorizedRequest, event: Mapping[str, Any], context: LambdaContext
    ) -> Answer:
        _check_body(event)
        app.append_context(request=request)
        answer = app.resolve(cast("dict[str, Any]", event), context)
        self.logger.info("answered", extra={"status": answer["statusCode"]})
        return answer


def _requested_job(event: Mapping[str, Any]) -> str | None:
    """Return the job that a request would start, known or not; None: it would start none."""
    if _route(event) != _START_RUN:
        return _FOR_ADMINISTRATORS.get(_route(event))
    parameters = cast("Mapping[str, str]", event.get("pathParameters") or {})
    return parameters.get("job_name", "")


def _route(event: Mapping[str, Any]) -> tuple[str, str]:
    return event["httpMethod"].upper(), event["resource"]


def _check_body(event: Mapping[str, Any]) -> None:
    """Accept a body that is missing, a JSON object, or null.

    Raises:
        RequestProblem: the body is something else.
    """
    if not event.get("body"):
        return
    types = [v.partition(";")[0].strip() for v in header_values(event, "content-type")]
    if event.get("isBase64Encoded") or any(t != "application/json" for t in types):
        raise problems.not_json()
    try:
        body: object = json.loads(event["body"], object_pairs_hook=_unique_names)
    except (ValueError, RecursionError) as error:
        raise problems.invalid_request("the body is not JSON") from error
    if not (body is None or isinstance(body, dict)):  # the router would take a list's first element
        raise problems.invalid_request("the body is not a JSON object")


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse an object with the same name twice: JSON does not say which value counts."""
    if len(members := dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice")
    return members
