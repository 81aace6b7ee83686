"""The log lines of the HTTP entry (E12, E13)."""

import logging

import pytest

from support.http import Http
from support.identity import MACHINE_SECRET
from support.roster import Roster


def test_the_text_of_an_unexpected_error_is_not_logged(
    http: Http, coordinator: str, caplog: pytest.LogCaptureFixture
) -> None:
    """E12, E13: not by our code and not by the router. At DEBUG, the path is not logged either."""
    caplog.set_level(logging.DEBUG)
    http.answer = RuntimeError("Kari Nordmann")
    assert http.start(coordinator).status == 503
    assert http.ask("GET", "/Kari-Nordmann", coordinator).status == 404
    (line,) = http.night.lines("not answered")
    assert line["reason"] == "RuntimeError"
    assert "Kari" not in caplog.text
    assert "Kari" not in http.night.output.getvalue()


def test_log_lines_name_the_caller_and_no_credential(
    http: Http, roster: Roster, coordinator: str
) -> None:
    """A line names the caller and the duration, and no token."""
    http.start(coordinator)
    http.ask("GET", "/runs", MACHINE_SECRET)
    answered = http.night.lines("answered")
    assert [(line["caller"][:5], line["status"]) for line in answered] == [
        ("user ", 202),
        ("machi", 200),
    ]
    said = http.night.output.getvalue()
    for secret in (coordinator, MACHINE_SECRET, coordinator.rpartition(".")[2]):
        assert secret not in said
