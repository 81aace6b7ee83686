"""The dispatcher's outermost layer: nothing leaves it but an answer (D2, D4, D5)."""

import io
import json
from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from aws_lambda_powertools import Logger

from dispatcher.reception import Reception, attempt_of
from mentor_pause.errors import ConfigurationError, DatabaseUnavailable
from mentor_pause.retry import Retry
from mentor_pause.runs import run_id_of
from mentor_pause.supabase import Database

ORG = UUID(int=1)
_names = count()


class RecordingWire:
    """A database that keeps what it was asked."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.calls: list[tuple[str, Mapping[str, object]]] = []

    def call(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, object]]:
        """Take the call."""
        self.calls.append((function, arguments))
        return []

    def close(self) -> None:
        """Nothing is open."""


class AbsentWire:
    """A database that is down."""

    def call(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, object]]:
        """Fail."""
        raise DatabaseUnavailable("connection refused")

    def close(self) -> None:
        """Nothing is open."""


def raising(error: Exception) -> Any:
    """Something that cannot be built."""

    def build() -> Any:
        raise error

    return build


def receive(event: object, wire: Any, dispatch: Any) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Let an event in; return the answer and the log lines."""
    output = io.StringIO()
    logger = Logger(service=f"reception-{next(_names)}", stream=output)
    reception = Reception(
        dispatch, lambda: Database(wire), lambda: ORG, Retry(sleep=lambda _: None), logger
    )
    return reception(event, "request-1"), [
        json.loads(line) for line in output.getvalue().splitlines()
    ]


@pytest.mark.parametrize("event", [None, 7, [], {}, {"job_name": "x" * 500, "as_of": "soon"}])
def test_a_malformed_event_is_answered_logged_and_recorded(event: object) -> None:
    """Nothing else runs."""
    wire = RecordingWire()
    answer, (line,) = receive(event, wire, raising(AssertionError("not asked")))
    assert answer["status"] == "failed"
    assert answer["error"].startswith("not a valid DispatchRequest")
    (begun,) = wire.calls
    assert begun[0] == "begin_execution"
    assert (begun[1]["p_status"], begun[1]["p_error"]) == ("failed", answer["error"])
    assert line["job_run_id"] == answer["job_run_id"]


def test_a_wrong_configuration_is_answered_logged_and_recorded() -> None:
    """Where the database is reachable."""
    wire = RecordingWire()
    error = ConfigurationError("LEDGER_TABLE is not set")
    answer, _ = receive(
        {"job_name": "certification_expiry", "trigger_id": "e"}, wire, raising(error)
    )
    assert answer == {
        "job_run_id": str(run_id_of("certification_expiry", ORG, "e")),
        "status": "failed",
        "error": "LEDGER_TABLE is not set",
        "fault": "outside",
    }
    assert [call[0] for call in wire.calls] == ["begin_execution"]


def test_an_error_of_anybody_else_is_told_by_its_type_only() -> None:
    """E13: its text may hold anything."""
    answer, lines = receive({"job_name": "x"}, RecordingWire(), raising(KeyError("Kari Nordmann")))
    assert answer["error"] == "KeyError"
    assert "Kari" not in json.dumps(lines)
    assert lines[0]["origin"].startswith("build:")


def test_when_the_database_is_down_too_the_log_says_both() -> None:
    """D5: still an answer."""
    answer, lines = receive(
        {"job_name": "x"}, AbsentWire(), raising(ConfigurationError("no table"))
    )
    assert answer["error"] == "no table"
    assert [line["message"] for line in lines] == ["run not started", "failed run not recorded"]


def test_what_an_event_says_of_itself_is_kept_within_bounds() -> None:
    """Its row must fit, whatever it is."""
    attempt = attempt_of(
        {
            "job_name": "j" * 999,
            "trigger": "schedule",
            "trigger_id": "t" * 999,
            "requested_by": "r" * 999,
        },
        ORG,
        "request-1",
    )
    assert (len(attempt.job_name), len(attempt.trigger_id), len(attempt.triggered_by)) == (
        100,
        128,
        200,
    )
    assert attempt.trigger == "schedule"
    assert attempt_of({"trigger": ["x"]}, None, "request-1").trigger == "manual"
    assert attempt_of({"job_name": "a\x00b\ud800"}, None, "request-1").job_name == "ab"
