"""A run that is only in the execution log is shown from there (D4, O3)."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from cli.failures import NotInOrder
from cli.history import show_end, show_one
from cli.stacks import Stack
from cli.start import attach
from local.errors import StackError
from mentor_pause.database.client import Execution

ID = UUID(int=7)


def row(**more: Any) -> Execution:
    """Return the row of a run that failed before its first page."""
    found: dict[str, Any] = {
        "job_run_id": ID, "job_name": "certification_expiry", "status": "failed",
        "trigger": "manual", "started_at": datetime(2026, 11, 26, 2, tzinfo=UTC), "dry_run": False,
        "redrive_of": None, "paused_count": None, "synced_count": None, "skipped_count": None,
        "error_count": None, "error": "only a dry run may look ahead",
    }  # fmt: skip
    return Execution.model_construct(None, **(dict.fromkeys(Execution.model_fields) | found | more))


class Log:
    """An execution log."""

    def __init__(self, rows: Sequence[Execution]) -> None:
        """`rows` are all rows, the newest first."""
        self._rows = rows

    def list_executions(self, _org_id: UUID, limit: int) -> list[Execution]:
        """Return the newest rows."""
        return [*self._rows][:limit]


def stack_with(*rows: Execution) -> Stack:
    """Return a stack whose ledger is empty, and whose log has these rows."""
    ledger: Any = SimpleNamespace(find_run={}.get)
    log = Log(rows)
    stack = SimpleNamespace(
        ledger=lambda: ledger, database=lambda: nullcontext(log), org_id=UUID(int=1),
        command="mentor-pause {}".format,
    )  # fmt: skip
    return cast("Stack", stack)


def test_a_run_that_failed_before_its_first_page_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The list of runs names it, so its id is known."""
    show_one(stack_with(row()), ID, as_json=False)
    shown = capsys.readouterr().out
    assert "only a dry run may look ahead" in shown
    assert "the ledger has no pages of this run" in shown
    show_one(stack_with(row()), ID, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert (printed["job_run_id"], printed["status"], printed["pages"]) == (str(ID), "failed", [])


@pytest.mark.parametrize(
    ("more", "in_order"),
    [
        ({}, False), ({"status": "completed"}, True),
        ({"status": "completed", "error_count": 1}, False),
    ],
)  # fmt: skip
def test_a_run_that_has_ended_is_not_waited_for(
    more: dict[str, Any], in_order: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--follow` shows the end at once, and exits with the run's code."""
    if in_order:
        attach(stack_with(row(**more)), ID, as_json=True)
    else:
        with pytest.raises(SystemExit, match="1"):
            attach(stack_with(row(**more)), ID, as_json=True)
    assert json.loads(capsys.readouterr().out)["job_run_id"] == str(ID)


def test_a_running_row_without_a_ledger_item_is_left_to_the_monitor() -> None:
    """The command line cannot follow such a run."""
    with pytest.raises(NotInOrder, match="the monitor ends such runs: mentor-pause monitor"):
        show_end(stack_with(row(status="running")), ID, as_json=False)


def test_for_a_duplicate_request_the_run_itself_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The row of the duplicate is newer."""
    twice = stack_with(row(status="duplicate"), row(status="completed", error=None))
    show_one(twice, ID, as_json=True)
    assert json.loads(capsys.readouterr().out)["status"] == "completed"


def test_a_request_that_was_refused_never_began(capsys: pytest.CaptureFixture[str]) -> None:
    """The command line says so."""
    show_one(stack_with(row(status="refused", redrive_of=UUID(int=3))), ID, as_json=False)
    shown = capsys.readouterr().out
    assert "because it was not started" in shown
    assert f"redrive of run {UUID(int=3)}" in shown


def test_an_unknown_run_is_one_sentence() -> None:
    """It has the next command."""
    with pytest.raises(StackError, match="List the newest runs with: mentor-pause runs"):
        show_one(stack_with(), ID, as_json=False)
