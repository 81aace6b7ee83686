"""Takes the dispatcher's event in, and whatever goes wrong behind it (D2, D4, D5)."""

from collections.abc import Callable
from typing import cast
from uuid import UUID

from aws_lambda_powertools import Logger

from dispatcher.dispatch import Dispatch, fault_of
from dispatcher.ending import Dispatched
from mentor_pause.errors import describe, origin
from mentor_pause.events import DispatchRequest, Trigger
from mentor_pause.retry import Retry
from mentor_pause.runs import Attempt
from mentor_pause.supabase import Database

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
        except Exception as error:  # noqa: BLE001 - no exception leaves the handler (D5)
            attempt = attempt_of(event, self._org_id(), invocation_id)
            self._logger.error(
                "run not started",
                extra={
                    "job_run_id": str(attempt.job_run_id),
                    "reason": describe(error),
                    "origin": origin(error),
                },
            )
            self._record(attempt, describe(error))
            found = Dispatched(attempt.job_run_id, "failed", describe(error), fault_of(error))
            return found.as_json()

    def _record(self, attempt: Attempt, error: str) -> None:
        """Write a failed row, unless the run has a row: that one is its dispatcher's to close."""
        try:
            database = self._database()
            self._retry(lambda: database.begin_execution(attempt, "failed", error=error))
        except Exception as unrecorded:  # noqa: BLE001 - the answer is still due (D5)
            self._logger.error("failed run not recorded", extra={"reason": describe(unrecorded)})


def attempt_of(event: object, org_id: UUID | None, invocation_id: str) -> Attempt:
    """Read out of an event that may be anything what its row in the execution log needs."""
    found = cast("dict[str, object]", event) if isinstance(event, dict) else {}
    trigger_id = _text(found, "trigger_id", 128) or invocation_id
    trigger: Trigger = "manual"
    for known in _TRIGGERS:
        if known == found.get("trigger"):
            trigger = known
    return Attempt(
        job_name=_text(found, "job_name", 100) or "unknown",
        org_id=org_id,
        trigger=trigger,
        trigger_id=trigger_id,
        triggered_by=_text(found, "requested_by", 200) or f"{trigger} {trigger_id}",
    )


def _text(found: dict[str, object], name: str, longest: int) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value if c.isprintable())[:longest]
