"""The door of the HTTP entry: who is it, may they, and only then what they want (D3, O3)."""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.callers import (
    Authenticate,
    Caller,
    Unauthenticated,
    credential_of,
    header_values,
)
from api.routes import NO_SUCH_JOB, TRY_LATER, UNAVAILABLE, Visit, app, problem
from api.runs import Runs
from mentor_pause.aws.lambda_events import is_request, kind_of
from mentor_pause.domain.jobs import JOBS
from mentor_pause.errors import describe, origin
from mentor_pause.retry import time_limit

type Answer = dict[str, Any]

AUTHENTICATION_SECONDS = 5.0
"""For our own secrets and the project's keys together."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Content-Type": "application/json; charset=utf-8",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Vary": "Authorization",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer. Source: OWASP, "REST Security Cheat Sheet"."""

_START = "/jobs/{job_name}/runs"
_NOT_A_MEMBER = "only coordinators and administrators of the organisation start runs"


class Door:
    """Answers every request; no exception leaves it."""

    def __init__(
        self,
        authenticate: Callable[[], Authenticate],
        runs: Callable[[], Runs],
        logger: Logger,
    ) -> None:
        """The parts are asked for when they are needed, since each may be configured wrongly."""
        self._authenticate = authenticate
        self._runs = runs
        self._logger = logger

    def __call__(self, event: object, context: LambdaContext) -> Answer:
        """Return API Gateway's answer: 401 before anything else, 403, or what the route says."""
        answer = self._answer(event, context)
        several = cast("Mapping[str, list[str]]", answer.pop("multiValueHeaders", None) or {})
        headers = {name: values[-1] for name, values in several.items()}
        return answer | {"headers": headers | (answer.get("headers") or {}) | HEADERS}

    def _answer(self, event: object, context: LambdaContext) -> Answer:
        if not is_request(event):
            self._logger.warning("not a request of a REST API", extra={"event": kind_of(event)})
            return problem(400, "this is not a request of the REST API")
        request = cast("Mapping[str, Any]", event)
        try:
            return self._let_in(self._caller_of(request), request, context)
        except Unauthenticated as refused:
            self._logger.warning("refused", extra={"reason": str(refused)})
            return problem(401, str(refused), {"WWW-Authenticate": "Bearer"})
        except Exception as error:  # noqa: BLE001 - an answer is due
            self._logger.error(
                "not answered", extra={"reason": describe(error), "origin": origin(error)}
            )
            return problem(503, UNAVAILABLE, TRY_LATER)

    def _caller_of(self, request: Mapping[str, Any]) -> Caller:
        credential = credential_of(request)  # before even our own secrets are read
        with time_limit(AUTHENTICATION_SECONDS):
            return self._authenticate()(credential)

    def _let_in(self, caller: Caller, event: Mapping[str, Any], context: LambdaContext) -> Answer:
        self._logger.append_keys(caller=caller.name)
        runs = self._runs()
        role = runs.role_of(caller)
        if role is None:
            return self._turn_away(runs, caller, event)
        wanted = _wanted_job(event)
        if wanted is not None and wanted not in JOBS:
            self._logger.warning("refused", extra={"reason": "no such job"})
            runs.record_refusal(wanted, caller, NO_SUCH_JOB)
            return problem(404, NO_SUCH_JOB)
        if wrong := _what_is_wrong_with_the_body(event):
            return problem(*wrong)
        app.append_context(visit=Visit(caller, role, runs))
        answer = app.resolve(cast("dict[str, Any]", event), context)
        self._logger.info("answered", extra={"status": answer["statusCode"]})
        return answer

    def _turn_away(self, runs: Runs, caller: Caller, event: Mapping[str, Any]) -> Answer:
        self._logger.warning("refused", extra={"reason": "not a member of the organisation"})
        if (wanted := _wanted_job(event)) is not None:
            runs.record_refusal(wanted, caller, _NOT_A_MEMBER)
        return problem(403, "only coordinators and administrators of the organisation are let in")


def _wanted_job(event: Mapping[str, Any]) -> str | None:
    """Return the job that a request wants started, whatever it is called; None: it wants none."""
    if (event["httpMethod"].upper(), event["resource"]) != ("POST", _START):
        return None
    parameters = cast("Mapping[str, str]", event.get("pathParameters") or {})
    return parameters.get("job_name", "")


def _what_is_wrong_with_the_body(event: Mapping[str, Any]) -> tuple[int, str] | None:
    """Return status and sentence where there is a body that is neither a JSON object nor null."""
    if not event.get("body"):
        return None
    kinds = [k.partition(";")[0].strip() for k in header_values(event, "content-type")]
    if event.get("isBase64Encoded") or any(kind != "application/json" for kind in kinds):
        return 415, "the body must be JSON, and Content-Type must say so"
    try:
        body: object = json.loads(event["body"], object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return 422, "body: is not JSON"
    # The router would take a list for its first element.
    return None if body is None or isinstance(body, dict) else (422, "body: is not a JSON object")


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse two values of one name: nobody can tell which is meant."""
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice")
    return found
