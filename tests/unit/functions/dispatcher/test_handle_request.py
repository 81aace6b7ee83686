"""The dispatcher's request handler always answers (D2, D4, D5)."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from aws_lambda_powertools import Logger

from dispatcher.dispatch import Dispatched
from dispatcher.handle_request import RequestHandler, run_request_of
from mentor_pause.database.client import Database
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import run_id_of
from mentor_pause.errors import (
    ConfigurationError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    QueueUnavailable,
    UnprovenEvent,
)
from mentor_pause.retry import Retry
from support.aws import sqs_record

ORG = UUID(int=1)
NOW = datetime(2026, 11, 26, 2, tzinfo=UTC)
SCHEDULED = {"job_name": "certification_expiry", "trigger": "schedule", "trigger_id": "tick"}
_names = count()


class RecordingTransport:
    """A database that records its calls."""

    def __init__(self) -> None:
        """Start without calls."""
        self.calls: list[tuple[str, Mapping[str, object]]] = []

    def call(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, object]]:
        """Record the call."""
        self.calls.append((function, arguments))
        return []

    def close(self) -> None:
        """Nothing is open."""


class AbsentTransport:
    """A database that is down."""

    def call(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, object]]:
        """Raise an error."""
        raise DatabaseUnavailable("connection refused")

    def close(self) -> None:
        """Nothing is open."""


def raising(error: Exception) -> Any:
    """Return a function that cannot build its part."""

    def build() -> Any:
        raise error

    return build


class Waiting:
    """A queue that records waiting requests, or is absent."""

    def __init__(self, *, is_away: bool = False) -> None:
        """Start without requests."""
        self.kept: list[tuple[DispatchRequest, int]] = []
        self._is_away = is_away

    def put(self, request: DispatchRequest, seconds: int) -> None:
        """Record it."""
        if self._is_away:
            raise QueueUnavailable("SQS did not take a message: InternalError")
        self.kept.append((request, seconds))


def receive(
    event: object, transport: Any, dispatch: Any, waiting: Any = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Pass an event in; return the answer and the log lines."""
    output = io.StringIO()
    logger = Logger(service=f"reception-{next(_names)}", stream=output)
    reception = RequestHandler(
        dispatch, lambda: Database(transport, Retry(sleep=lambda _: None)), lambda: waiting,
        lambda: ORG, lambda: NOW, logger,
    )  # fmt: skip
    return reception(event, "request-1"), [
        json.loads(line) for line in output.getvalue().splitlines()
    ]


@pytest.mark.parametrize("event", [None, 7, [], {}, {"job_name": "x" * 500, "as_of": "soon"}])
def test_a_malformed_event_is_answered_logged_and_recorded(event: object) -> None:
    """Nothing else is called."""
    transport = RecordingTransport()
    answer, (line,) = receive(event, transport, raising(AssertionError("not asked")))
    assert answer["status"] == "failed"
    assert answer["error"].startswith("not a valid DispatchRequest")
    (begun,) = transport.calls
    assert begun[0] == "begin_execution"
    assert (begun[1]["p_status"], begun[1]["p_error"]) == ("failed", answer["error"])
    assert line["job_run_id"] == answer["job_run_id"]


def test_a_wrong_configuration_is_answered_logged_and_recorded() -> None:
    """If the database can be reached."""
    transport = RecordingTransport()
    error = ConfigurationError("LEDGER_TABLE is not set")
    answer, _ = receive(
        {"job_name": "certification_expiry", "trigger_id": "e"}, transport, raising(error)
    )
    assert answer == {
        "job_run_id": str(run_id_of("certification_expiry", ORG, "e")),
        "status": "failed",
        "error": "LEDGER_TABLE is not set",
        "error_source": "server",
    }
    assert [call[0] for call in transport.calls] == ["begin_execution"]


def test_a_foreign_error_is_reported_by_its_type_only() -> None:
    """E13: its text may hold anything."""
    answer, lines = receive(
        {"job_name": "x"}, RecordingTransport(), raising(KeyError("Kari Nordmann"))
    )
    assert answer["error"] == "KeyError"
    assert "Kari" not in json.dumps(lines)
    assert lines[0]["origin"].startswith("build:")


def test_when_the_database_is_down_too_the_log_says_both() -> None:
    """D5: there is still an answer."""
    answer, lines = receive(
        {"job_name": "x"}, AbsentTransport(), raising(ConfigurationError("no table"))
    )
    assert answer["error"] == "no table"
    assert [line["message"] for line in lines] == ["run not started", "failed run not recorded"]


def test_the_fields_of_an_event_are_shortened_for_its_row() -> None:
    """The row must fit, whatever the event is."""
    request = run_request_of(
        {
            "job_name": "j" * 999,
            "trigger": "schedule",
            "trigger_id": "t" * 999,
            "requested_by": "r" * 999,
        },
        ORG,
        "request-1",
    )
    assert (request.job_name, len(request.trigger_id), len(request.triggered_by)) == (
        "unknown",
        128,
        200,
    )
    assert request.kind == "schedule"
    assert run_request_of({"trigger": ["x"]}, None, "request-1").kind == "manual"
    noisy = run_request_of({"requested_by": "a\x00b\ud800"}, None, "request-1")
    assert noisy.triggered_by == "ab"


@pytest.mark.parametrize("named", ["7", 7, None, ["x"], str(ORG)])
def test_a_failed_redrive_has_a_row_that_names_the_first_run(named: object) -> None:
    """D4: only if the event's field is an id."""
    request = run_request_of({"redrive_of": named}, ORG, "request-1")
    assert request.redrive_of == (ORG if named == str(ORG) else None)


def refusing(_request: DispatchRequest, _invocation_id: str) -> Dispatched:
    """Return a dispatcher that finds another run in progress."""
    return Dispatched(
        UUID(int=2), "refused", "run 3 is in progress", conflicting_run_id=UUID(int=3)
    )


@pytest.mark.parametrize("trigger", ["schedule", "event"])
def test_a_scheduled_run_that_is_refused_waits_with_its_trigger(trigger: str) -> None:
    """R5: it keeps its trigger, and so its run, however often it has to wait."""
    waiting = Waiting()
    event = SCHEDULED | {"trigger": trigger}
    answer, (line,) = receive(event, RecordingTransport(), lambda: refusing, waiting)
    assert (answer["status"], line["message"]) == ("refused", "request waits")
    ((request, seconds),) = waiting.kept
    assert (request.trigger_id, request.waiting_since, seconds) == ("tick", NOW, 30)


def test_a_request_by_hand_gets_its_answer_at_once() -> None:
    """O3: the person can try again."""
    waiting = Waiting()
    event = SCHEDULED | {"trigger": "manual"}
    answer, _ = receive(event, RecordingTransport(), lambda: refusing, waiting)
    assert (answer["status"], waiting.kept) == ("refused", [])


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(DatabaseUnavailable("no answer"), 30), (DatabaseMisconfigured("wrong password"), 300)],
)
def test_a_scheduled_run_waits_for_a_database_that_is_away(error: Exception, seconds: int) -> None:
    """R3, R5: the night is not lost, and no row says that it failed."""
    waiting, transport = Waiting(), RecordingTransport()
    answer, _ = receive(SCHEDULED, transport, raising(error), waiting)
    job_run_id = str(run_id_of("certification_expiry", ORG, "tick"))
    assert answer == {"job_run_id": job_run_id, "status": "waiting", "error": str(error)}
    assert [after for _, after in waiting.kept] == [seconds]
    assert transport.calls == []


def test_a_request_without_an_id_waits_with_the_id_of_its_first_invocation() -> None:
    """D7: with a new id each time, each delivery would start another run."""
    waiting = Waiting()
    event = {"job_name": "certification_expiry", "trigger": "schedule"}
    receive(event, RecordingTransport(), lambda: refusing, waiting)
    assert waiting.kept[0][0].trigger_id == "request-1"


def test_after_a_day_the_next_night_takes_the_place_of_a_request() -> None:
    """R5: no request waits for ever."""
    waiting = Waiting()
    body = json.dumps(SCHEDULED | {"waiting_since": (NOW - timedelta(hours=24)).isoformat()})
    event = {"Records": [sqs_record({"MessageId": "m-7", "Body": body}, "waiting", 1)]}
    transport = RecordingTransport()
    assert receive(event, transport, lambda: refusing, waiting)[0] == {"batchItemFailures": []}
    assert waiting.kept == []
    ((_, row),) = transport.calls
    assert (row["p_status"], row["p_error"]) == (
        "failed", "waited for 23 hours for other runs; the next night replaces this request"
    )  # fmt: skip


def test_only_the_queue_may_set_the_start_of_the_waiting_time() -> None:
    """R5: a caller could otherwise avoid a row, or let a request wait for ever."""
    waiting = Waiting()
    event = SCHEDULED | {"waiting_since": "9999-01-01T00:00:00Z"}
    receive(event, RecordingTransport(), lambda: refusing, waiting)
    assert [request.waiting_since for request, _ in waiting.kept] == [NOW]


def test_a_request_that_waited_comes_by_the_queue_and_is_kept_there_while_sqs_is_away() -> None:
    """R5: Lambda keeps a message on the queue if the answer names its id."""
    body = json.dumps(SCHEDULED | {"waiting_since": NOW.isoformat()})
    record = sqs_record({"MessageId": "m-7", "Body": body}, "waiting", 1)
    event = {"Records": [record]}
    assert receive(event, RecordingTransport(), lambda: refusing, Waiting())[0] == {
        "batchItemFailures": []
    }
    assert receive(event, RecordingTransport(), lambda: refusing, Waiting(is_away=True))[0] == {
        "batchItemFailures": [{"itemIdentifier": "m-7"}]
    }


def test_an_event_without_a_run_of_ours_leaves_a_line_and_no_row() -> None:
    """R5: such events cannot fill the execution log."""
    transport = RecordingTransport()
    answer, (line,) = receive(
        SCHEDULED, transport, raising(UnprovenEvent("no such run")), Waiting()
    )
    assert (answer["status"], line["message"], transport.calls) == ("refused", "event refused", [])
