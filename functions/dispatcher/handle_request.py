"""Handles the dispatcher's events, and every failure behind them (D2, D4, D5).

A scheduled run, or a run that an event requests, may be unable to start now: another run is in
progress, or the database, the ledger or the queue is away. The request then goes to a queue, which
delivers it again with the same trigger until it can start (R5). A manual request is answered at
once, and the caller may send another one.

A request of any kind goes to the same queue if the dispatcher's time runs short. The next
invocation goes on with its run at once.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from aws_lambda_powertools import Logger

from dispatcher.dispatch import Dispatch, Dispatched
from mentor_pause.aws.lambda_events import is_sqs_batch
from mentor_pause.aws.queues import WaitingRequests
from mentor_pause.database.client import Database
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import RunRequest, TriggerKind, run_id_of
from mentor_pause.engine.run_log import naming_run_in_log
from mentor_pause.errors import (
    ConfigurationError,
    DatabaseMisconfigured,
    InvalidRequest,
    MentorPauseError,
    TransientError,
    UnprovenEvent,
    describe,
    error_source,
    origin,
)
from mentor_pause.ledger.lock import Lock
from mentor_pause.retry import seconds_left, time_limit

type Answer = dict[str, Any]

_WAITING_KINDS: tuple[TriggerKind, ...] = ("schedule", "event")

_NOT_STARTED = ("refused", "superseded", "waiting")
"""Statuses after which a scheduled run may not have started. A superseded request is queued too. If
another delivery has started the run, the next attempt is answered `duplicate`."""

_NOT_QUEUED = "not queued"
"""The status of a request that could not be put on the queue either."""

_WAIT_SECONDS = 30
"""Until the next delivery of a waiting request, which can then acquire the lock reserved for it."""

_OPERATOR_WAIT_SECONDS = 300
"""The same when an operator has to act first."""

_LAST_SECONDS = 13.0
"""Reserved for the queue, when the dispatch has used up its time."""

_LONGEST_WAIT = timedelta(hours=23)
"""After that the next night's request replaces this one."""

_WAITED_TOO_LONG = "waited for 23 hours for other runs; the next night replaces this request"


@dataclass(frozen=True, slots=True)
class RequestHandler:
    """Answers every event. No exception leaves it, and a failure leaves a row where it can.

    The parts are built when they are needed, because the settings of each may be wrong.
    """

    dispatch: Callable[[], Dispatch]
    database: Callable[[], Database]
    waiting: Callable[[], WaitingRequests]
    org_id: Callable[[], UUID | None]
    clock: Callable[[], datetime]
    logger: Logger

    def __call__(self, event: object, invocation_id: str) -> Answer:
        """Return `job_run_id`, `status` and perhaps `error`; for a batch the failed messages."""
        if not is_sqs_batch(event):
            return self._handle(event, invocation_id, has_waited=False)
        records = cast("dict[str, Any]", event)["Records"]
        failed = [r["messageId"] for r in records if not self._handle_waiting(r)]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _handle_waiting(self, record: dict[str, Any]) -> bool:
        """Handle a request that has waited; False: SQS keeps its message."""
        body = record["body"]
        try:
            event: object = json.loads(body)
        except ValueError:
            event = body
        answer = self._handle(event, record["messageId"], has_waited=True)
        return answer.get("status") != _NOT_QUEUED

    def _handle(self, event: object, invocation_id: str, *, has_waited: bool) -> Answer:
        try:
            request = DispatchRequest.parse(event)
        except InvalidRequest as error:
            return self._failed(event, error, invocation_id)
        if not has_waited:  # only the waiting queue may say since when a request waits
            own = {"waiting_since": None, "handed_over_fence": None}
            request = request.model_copy(update=own)
        try:
            with time_limit(seconds_left() - min(_LAST_SECONDS, seconds_left() / 4)):
                dispatched = self.dispatch()(request, invocation_id)
        except UnprovenEvent as error:
            self.logger.error("event refused", extra={"reason": describe(error)})
            return {"status": "refused", "error": describe(error)}
        except Exception as error:  # noqa: BLE001 - no exception leaves the handler (D5)
            return self._not_started(event, request, invocation_id, error)
        if dispatched.handed_over is not None:
            return self._hand_over(request, invocation_id, dispatched, dispatched.handed_over)
        if dispatched.status not in _NOT_STARTED:
            return dispatched.as_json()
        return self._wait_or_record(event, request, invocation_id, dispatched)

    def _hand_over(
        self, request: DispatchRequest, invocation_id: str, dispatched: Dispatched, lock: Lock
    ) -> Answer:
        """Queue the request for the next invocation, which goes on with the run."""
        request = request.model_copy(update={"handed_over_fence": lock.fence})
        answer = self._wait(request, invocation_id, "the time ran short", 0)
        if answer["status"] != _NOT_QUEUED:
            return dispatched.as_json()
        with suppress(MentorPauseError):  # then the reservation runs out
            self.dispatch().cancel_hand_over(lock)
        return answer

    def _wait_or_record(
        self, event: object, request: DispatchRequest, invocation_id: str, dispatched: Dispatched
    ) -> Answer:
        if not self._may_wait(request):
            if request.waiting_since is not None:  # no earlier delivery wrote a row
                self._record(run_request_of(event, self.org_id(), invocation_id), _WAITED_TOO_LONG)
            return dispatched.as_json()
        reason = dispatched.error or "another run is in progress"
        answer = self._wait(request, invocation_id, reason)
        return dispatched.as_json() if answer["status"] == "waiting" else answer

    def _not_started(
        self, event: object, request: DispatchRequest, invocation_id: str, error: Exception
    ) -> Answer:
        """Queue the request if the failure can pass; otherwise record that the run failed."""
        if isinstance(error, TransientError | ConfigurationError) and self._may_wait(request):
            answer = self._wait(request, invocation_id, error)
            # A request that has waited is still on the queue: SQS keeps its message.
            if answer["status"] != _NOT_QUEUED or request.waiting_since is not None:
                return answer
        return self._failed(event, error, invocation_id)

    def _may_wait(self, request: DispatchRequest) -> bool:
        since = request.waiting_since
        is_too_late = since is not None and self.clock() - since > _LONGEST_WAIT
        return request.comes_again and not is_too_late

    def _wait(
        self,
        request: DispatchRequest,
        invocation_id: str,
        cause: MentorPauseError | str,
        seconds: int = _WAIT_SECONDS,
    ) -> Answer:
        """Queue the request with its trigger id, so that it starts the same run later."""
        if isinstance(cause, DatabaseMisconfigured | ConfigurationError):
            seconds = _OPERATOR_WAIT_SECONDS
        waiting = request.model_copy(
            update={
                "trigger_id": request.trigger_id or invocation_id,
                "waiting_since": request.waiting_since or self.clock(),
            }
        )
        reason = cause if isinstance(cause, str) else describe(cause)
        job_run_id = run_id_of(
            waiting.job_name, self.org_id(), str(waiting.trigger_id), dry_run=waiting.dry_run
        )
        with naming_run_in_log(self.logger, job_run_id):
            try:
                self.waiting().put(waiting, seconds)
            except Exception as error:  # noqa: BLE001 - the answer is still due (D5)
                self.logger.error(
                    "request not queued", extra={"reason": describe(error), "because": reason}
                )
                return {"status": _NOT_QUEUED, "error": reason}
            self.logger.warning("request waits", extra={"reason": reason, "again_in": seconds})
        return {"job_run_id": str(job_run_id), "status": "waiting", "error": reason}

    def _failed(self, event: object, error: Exception, invocation_id: str) -> Answer:
        request, reason = run_request_of(event, self.org_id(), invocation_id), describe(error)
        with naming_run_in_log(self.logger, request.job_run_id):
            extra = {"reason": reason, "origin": origin(error)}
            self.logger.error("run not started", extra=extra)
            self._record(request, reason)
        return Dispatched(request.job_run_id, "failed", reason, error_source(error)).as_json()

    def _record(self, request: RunRequest, error: str) -> None:
        """Write a failed row.

        If the run has a row already, write nothing: its dispatcher ends that row.
        """
        try:
            self.database().begin_execution(request, "failed", error=error)
        except Exception as unrecorded:  # noqa: BLE001 - the answer is still due (D5)
            self.logger.error("failed run not recorded", extra={"reason": describe(unrecorded)})


def run_request_of(event: object, org_id: UUID | None, invocation_id: str) -> RunRequest:
    """Read from any event what its row in the execution log needs.

    Only a known job's name is kept, because rows of the log are never deleted.
    """
    fields = cast("dict[str, object]", event) if isinstance(event, dict) else {}
    trigger_id = _text(fields, "trigger_id", 128) or invocation_id
    kind: TriggerKind = "manual"
    for known in _WAITING_KINDS:
        if known == fields.get("trigger"):
            kind = known
    return RunRequest(
        job_name=name if (name := _text(fields, "job_name", 100)) in JOBS else "unknown",
        org_id=org_id,
        kind=kind,
        trigger_id=trigger_id,
        triggered_by=_text(fields, "requested_by", 200) or f"{kind} {trigger_id}",
        dry_run=fields.get("dry_run") is True,
        redrive_of=_run_id(fields.get("redrive_of")),
        releases=_run_id(fields.get("releases")),
        withdraws=_run_id(fields.get("withdraws")),
    )


def _run_id(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(fields: dict[str, object], name: str, longest: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value if c.isprintable())[:longest]
