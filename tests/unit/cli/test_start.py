"""The output of a followed run, for people and for programs (E7)."""

import json
from contextlib import nullcontext
from datetime import date
from types import SimpleNamespace
from typing import cast
from uuid import UUID

import pytest

from cli.stacks import Stack
from cli.start import finish
from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger

A, B = UUID(int=1), UUID(int=2)


class Ledger:
    """A ledger with one ended run of one page."""

    def __init__(self, run: Run, page: Page) -> None:
        """`page` is closed."""
        self._run, self._page = run, page

    def find_run(self, _job_run_id: UUID) -> Run:
        """Return the run."""
        return self._run

    @property
    def closed(self) -> "Ledger":
        """The closed pages; this ledger has one."""
        return self

    def count(self, _run: Run) -> int:
        """Return how many are closed."""
        return 1

    @property
    def pages(self) -> "Ledger":
        """The pages; this ledger has one."""
        return self

    def read(self, _job_run_id: UUID, _numbers: range) -> list[Page]:
        """Return the page."""
        return [self._page]


def stack_with(outcome: PageOutcome) -> tuple[Stack, UUID]:
    """Return a stack whose ledger has one run, and the run's id. Its database is not used."""
    trigger = Trigger("certification_expiry", UUID(int=9), "schedule", "x", "x")
    run = Run(trigger, date(2026, 11, 26), pages_total=1, status="completed")
    ledger = Ledger(run, Page(1, (A, B), outcome))
    stack = SimpleNamespace(ledger=lambda: ledger, database=lambda: nullcontext(None), command=str)
    return cast("Stack", stack), run.job_run_id


@pytest.mark.parametrize(
    ("as_json", "last_line", "lines"), [(True, False, 1), (True, True, 1), (False, True, 8)]
)
def test_the_summary_is_the_last_line_and_with_json_the_only_one(
    as_json: bool, last_line: bool, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """For `run --json`, `nightly --json` and `nightly`."""
    stack, job_run_id = stack_with(PageOutcome(applied=(A, B)))
    finish(stack, job_run_id, as_json=as_json, last_line=last_line)
    captured = capsys.readouterr()
    printed = captured.out.splitlines()
    assert (len(printed), captured.err) == (lines, "")
    summary = json.loads(printed[-1])
    assert (summary["paused_count"], summary["job_run_id"]) == (2, str(job_run_id))


def test_without_json_only_a_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """For `run --follow`."""
    stack, job_run_id = stack_with(PageOutcome(applied=(A, B)))
    finish(stack, job_run_id, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "certification_expiry as of 2026-11-26", "count      mentors", "processed        2",
        "paused           2", "skipped          0", "error            0",
        f"run {job_run_id}: completed",
    ]  # fmt: skip
