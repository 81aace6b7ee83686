"""Takes the dispatcher's event in, and whatever goes wrong behind it (D2, D4, D5).

A run that the schedule or an event asked for is not dropped because it cannot start now: another
run is in progress, or the database, the ledger or the queue is away. The request goes to a queue
and comes back, with the same trigger, until the way is free (R5). A person or a machine that asks
by hand gets the answer at once instead, and may ask again.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from aws_lambda_powertools import Logger

from dispatcher.dispatch import Dispatch, fault_of
from dispatcher.ending import Dispatched
from mentor_pause.aws.lambda_events import is_sqs_batch
from mentor_pause.aws.queues import WaitingRequests
from mentor_pause.database.client import Database
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import DispatchRequest, Trigger
from mentor_pause.domain.runs import Attempt, run_id_of
from mentor_pause.errors import (
    ConfigurationError,
    DatabaseMisconfigured,
    InvalidRequest,
    MentorPauseError,
    TransientError,
    UnprovenEvent,
    describe,
    origin,
)
from mentor_pause.retry import Retry, seconds_left, time_limit

type Answer = dict[str, Any]

_TRIGGERS: tuple[Trigger, ...] = ("schedule", "event")

_NOT_STARTED = ("refused", "superseded", "waiting")
"""The dispatcher's answers after which a scheduled run may have had no start yet. Of a request that
was superseded by another delivery of its own trigger, the next try is a duplicate."""

_NOT_KEPT = "not kept"
"""The status of a request that could not even be queued."""

_WAIT_SECONDS = 30
"""Until a request is tried again. Its firing may take the lock again that was kept for it."""

_OPERATOR_WAIT_SECONDS = 300
"""The same where an operator has to act first."""

_LAST_SECONDS = 13.0
"""Kept of an invocation for the queue, when the dispatch has used up its time."""

_WAITED_IN_VAIN = "waited for 23 hours behind other runs; the next night takes its place"

_LONGEST_WAIT = timedelta(hours=23)
"""After that the next night's request takes the place of this one."""


class Reception:
    """Answers every event; no exception leaves it, and what fails leaves a row where it can."""

    def __init__(
        self,
        dispatch: Callable[[], Dispatch],
        database: Callable[[], Database],
        waiting: Callable[[], WaitingRequests],
        org_id: Callable[[], UUID | None],
        retry: Retry,
        clock: Callable[[], datetime],
        logger: Logger,
    ) -> None:
        """The parts are asked for when they are needed, since each may be configured wrongly."""
        self._dispatch = dispatch
        self._database = database
        self._waiting = waiting
        self._org_id = org_id
        self._retry = retry
        self._clock = clock
        self._logger = logger

    def __call__(self, event: object, invocation_id: str) -> Answer:
        """Return `job_run_id`, `status` and perhaps `error`; for a batch what Lambda wants."""
        if not is_sqs_batch(event):
            return self._take(event, invocation_id, has_waited=False)
        records = cast("dict[str, Any]", event)["Records"]
        kept = [r["messageId"] for r in records if not self._take_again(r["body"], r["messageId"])]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in kept]}

    def _take_again(self, body: str, message_id: str) -> bool:
        """Take a request that has waited; False: SQS is to keep its message."""
        try:
            event: object = json.loads(body)
        except ValueError:
            event = body
        return self._take(event, message_id, has_waited=True).get("status") != _NOT_KEPT

    def _take(self, event: object, invocation_id: str, *, has_waited: bool) -> Answer:
        try:
            request = DispatchRequest.parse(event)
        except InvalidRequest as error:
            return self._failed(event, error, invocation_id)
        if not has_waited:  # since when it waits, only our own queue may say
            request = request.model_copy(update={"waiting_since": None})
        try:
            with time_limit(seconds_left() - _LAST_SECONDS):
                found = self._dispatch()(request, invocation_id)
        except UnprovenEvent as error:
            self._logger.error("event not believed", extra={"reason": describe(error)})
            return {"status": "refused", "error": describe(error)}
        except Exception as error:  # noqa: BLE001 - no exception leaves the handler (D5)
            return self._not_started(event, request, invocation_id, error)
        if found.status not in _NOT_STARTED:
            return found.as_json()
        if not self._may_wait(request):
            if request.waiting_since is not None:  # its refusal has had no row
                self._record(attempt_of(event, self._org_id(), invocation_id), _WAITED_IN_VAIN)
            return found.as_json()
        kept = self._wait(request, invocation_id, found.error or "another run is in progress")
        return found.as_json() if kept["status"] == "waiting" else kept

    def _not_started(
        self, event: object, request: DispatchRequest, invocation_id: str, error: Exception
    ) -> Answer:
        """Let the request wait if time can mend it; else record that it failed."""
        if isinstance(error, TransientError | ConfigurationError) and self._may_wait(request):
            kept = self._wait(request, invocation_id, error)
            if _is_kept(kept, request):
                return kept
        return self._failed(event, error, invocation_id)

    def _may_wait(self, request: DispatchRequest) -> bool:
        since = request.waiting_since
        is_too_late = since is not None and self._clock() - since > _LONGEST_WAIT
        return request.trigger in _TRIGGERS and not is_too_late

    def _wait(
        self, request: DispatchRequest, invocation_id: str, cause: MentorPauseError | str
    ) -> Answer:
        """Queue the request; it keeps its trigger, and so its run."""
        seconds = _WAIT_SECONDS
        if isinstance(cause, DatabaseMisconfigured | ConfigurationError):
            seconds = _OPERATOR_WAIT_SECONDS
        kept = request.model_copy(
            update={
                "trigger_id": request.trigger_id or invocation_id,
                "waiting_since": request.waiting_since or self._clock(),
            }
        )
        reason = cause if isinstance(cause, str) else describe(cause)
        try:
            self._retry(lambda: self._waiting().put(kept, seconds))
        except Exception as lost:  # noqa: BLE001 - the answer is still due (D5)
            self._logger.error(
                "request not kept", extra={"reason": describe(lost), "because": reason}
            )
            return {"status": _NOT_KEPT, "error": reason}
        self._logger.warning("request waits", extra={"reason": reason, "again_in": seconds})
        job_run_id = run_id_of(
            kept.job_name, self._org_id(), str(kept.trigger_id), dry_run=kept.dry_run
        )
        return {"job_run_id": str(job_run_id), "status": "waiting", "error": reason}

    def _failed(self, event: object, error: Exception, invocation_id: str) -> Answer:
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
        return Dispatched(attempt.job_run_id, "failed", describe(error), fault_of(error)).as_json()

    def _record(self, attempt: Attempt, error: str) -> None:
        """Write a failed row, unless the run has a row: that one is its dispatcher's to close."""
        try:
            database = self._database()
            self._retry(lambda: database.begin_execution(attempt, "failed", error=error))
        except Exception as unrecorded:  # noqa: BLE001 - the answer is still due (D5)
            self._logger.error("failed run not recorded", extra={"reason": describe(unrecorded)})


def _is_kept(answer: Answer, request: DispatchRequest) -> bool:
    """Whether the request comes again: it is queued, or SQS still has the message it came by."""
    return answer["status"] != _NOT_KEPT or request.waiting_since is not None


def attempt_of(event: object, org_id: UUID | None, invocation_id: str) -> Attempt:
    """Read out of an event that may be anything what its row in the execution log needs.

    Of a job's name only a known one is kept: the log can never be emptied.
    """
    found = cast("dict[str, object]", event) if isinstance(event, dict) else {}
    trigger_id = _text(found, "trigger_id", 128) or invocation_id
    trigger: Trigger = "manual"
    for known in _TRIGGERS:
        if known == found.get("trigger"):
            trigger = known
    return Attempt(
        job_name=name if (name := _text(found, "job_name", 100)) in JOBS else "unknown",
        org_id=org_id,
        trigger=trigger,
        trigger_id=trigger_id,
        triggered_by=_text(found, "requested_by", 200) or f"{trigger} {trigger_id}",
        dry_run=found.get("dry_run") is True,
        redrive_of=_run_id(found.get("redrive_of")),
    )


def _run_id(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(found: dict[str, object], name: str, longest: int) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value if c.isprintable())[:longest]
