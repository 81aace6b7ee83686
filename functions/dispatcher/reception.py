"""Takes the dispatcher's event in, and whatever goes wrong behind it (D2, D4, D5)."""

from collections.abc import Callable
from contextlib import suppress
from typing import cast
from uuid import UUID

from aws_lambda_powertools import Logger
from mentor_pause.errors import MentorPauseError
from mentor_pause.events import DispatchRequest, Trigger
from mentor_pause.retry import Retry
from mentor_pause.runs import Attempt, Summary
from mentor_pause.supabase import Database

from dispatcher.dispatch import Dispatch, Dispatched, describe

type Answer = dict[str, str]

_TRIGGERS: tuple[Trigger, ...] = ("schedule", "event")


class Reception:
    """Answers every event; no exception leaves it, and what fails leaves a row where it can."""

    def __init__(
        self,
        dispatch: Callable[[], Dispatch],
        database: Callable[[], Database],
        org_id: Callable[[], UUID | None],
        retry: Retry,
        logger: Logger,
    ) -> None:
        """The parts are asked for when they are needed, since each may be configured wrongly."""
        self._dispatch = dispatch
        self._database = database
        self._org_id = org_id
        self._retry = retry
        self._logger = logger

    def __call__(self, event: object, invocation_id: str) -> Answer:
        """Return `job_run_id`, `status` and perhaps `error`."""
        try:
            request = DispatchRequest.parse(event)
            return self._dispatch()(request, invocation_id).as_json()
        except Exception as error:
            attempt = attempt_of(event, self._org_id(), invocation_id)
            self._logger.exception("run not started", extra={"job_run_id": str(attempt.job_run_id)})
            self._record(attempt, describe(error))
            return Dispatched(attempt.job_run_id, "failed", describe(error)).as_json()

    def _record(self, attempt: Attempt, error: str) -> None:
        nothing = Summary(attempt.job_run_id, (), (), ())
        try:
            database = self._database()
            self._retry(lambda: database.begin_execution(attempt, "failed", error=error))
            # It may have been opened as running before this; nobody else would close it.
            self._retry(lambda: database.finish_execution(nothing, "failed", error))
        except MentorPauseError as unrecorded:
            self._logger.error("failed run not recorded", extra={"reason": describe(unrecorded)})


def attempt_of(event: object, org_id: UUID | None, invocation_id: str) -> Attempt:
    """Read out of an event that may be anything what its row in the execution log needs."""
    found = cast("dict[str, object]", event) if isinstance(event, dict) else {}
    trigger_id = _text(found, "trigger_id", 128) or invocation_id
    trigger: Trigger = "manual"
    with suppress(ValueError):
        trigger = _TRIGGERS[_TRIGGERS.index(cast("Trigger", found.get("trigger")))]
    return Attempt(
        job_name=_text(found, "job_name", 100) or "unknown",
        org_id=org_id,
        trigger=trigger,
        trigger_id=trigger_id,
        triggered_by=_text(found, "requested_by", 200) or f"{trigger} {trigger_id}",
    )


def _text(found: dict[str, object], name: str, longest: int) -> str:
    value = found.get(name)
    return value[:longest] if isinstance(value, str) else ""
