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
from api.routes import TRY_LATER, UNAVAILABLE, Visit, app, problem
from api.runs import Runs
from mentor_pause.errors import describe, origin

type Answer = dict[str, Any]

_START = "/jobs/{job_name}/runs"


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

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> Answer:
        """Return API Gateway's answer: 401 before anything else, 403, or what the route says."""
        try:
            credential = credential_of(event)  # before even our own secrets are read
            caller = self._authenticate()(credential)
            return self._let_in(caller, event, context)
        except Unauthenticated as refused:
            self._logger.warning("refused", extra={"reason": str(refused)})
            return problem(401, str(refused), {"WWW-Authenticate": "Bearer"})
        except Exception as error:  # noqa: BLE001 - an answer is due
            self._logger.error(
                "not answered", extra={"reason": describe(error), "origin": origin(error)}
            )
            return problem(503, UNAVAILABLE, TRY_LATER)

    def _let_in(self, caller: Caller, event: Mapping[str, Any], context: LambdaContext) -> Answer:
        self._logger.append_keys(caller=caller.name)
        runs = self._runs()
        role = runs.role_of(caller)
        if role is None:
            self._turn_away(runs, caller, event)
            return problem(403, "you are no coordinator or administrator of the organisation")
        if wrong := _what_is_wrong_with_the_body(event):
            return problem(*wrong)
        app.append_context(visit=Visit(caller, role, runs))
        answer = app.resolve(cast("dict[str, Any]", event), context)
        self._logger.info("answered", extra={"status": answer["statusCode"]})
        return answer

    def _turn_away(self, runs: Runs, caller: Caller, event: Mapping[str, Any]) -> None:
        self._logger.warning("refused", extra={"reason": "no member of the organisation"})
        if (event.get("httpMethod"), event.get("resource")) != ("POST", _START):
            return
        try:
            runs.record_refusal(event["pathParameters"]["job_name"], caller)
        except Exception as error:  # noqa: BLE001 - refused they are all the same
            self._logger.error("refusal not recorded", extra={"reason": describe(error)})


def _what_is_wrong_with_the_body(event: Mapping[str, Any]) -> tuple[int, str] | None:
    """Return status and sentence where there is a body and it is no JSON object (or null)."""
    if not event.get("body"):
        return None
    kinds = [k.partition(";")[0].strip() for k in header_values(event, "content-type")]
    if event.get("isBase64Encoded") or any(kind != "application/json" for kind in kinds):
        return 415, "the body must be JSON, and Content-Type say so"
    try:
        body: object = json.loads(event["body"], object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return 422, "body: is no JSON"
    # The router would take a list for its first element.
    return None if body is None or isinstance(body, dict) else (422, "body: is no JSON object")


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Of two values of one name nobody can tell which is meant."""
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice")
    return found
