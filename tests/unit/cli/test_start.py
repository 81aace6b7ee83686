"""The output of a followed run, for people and for programs (E7)."""

import json
from contextlib import nullcontext
from datetime import date
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from cli.history import show_one
from cli.stacks import Stack
from cli.start import finish
from mentor_pause.database.plan_results import Plan
from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger
from mentor_pause.errors import DatabaseMisconfigured

A, B = UUID(int=1), UUID(int=2)
HASH = "ab" * 32


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


class Plans:
    """A database with the plan of the run, if it has one."""

    def __init__(self, plan: Plan | None) -> None:
        """`plan` is of the run that the stack has."""
        self._plan = plan

    def get_plan(self, _org_id: UUID, _job_run_id: UUID) -> Plan | None:
        """Return it."""
        return self._plan

    def list_plan(self, *_arguments: object) -> None:
        """Refuse, as the database refuses the role of the jobs."""
        raise DatabaseMisconfigured("the role lacks a right in the database", "42501")


def plan_of(job_run_id: UUID, **more: Any) -> Plan:
    """Return the plan of a run whose brake held three mentors."""
    values: dict[str, Any] = dict.fromkeys(Plan.model_fields)
    values |= {
        "job_run_id": job_run_id, "plan_hash": HASH, "brake_mode": "hold", "brake_acts": True,
        "unforeseen_count": 3, "held_count": 3, "is_newest": True, "dry_run": False,
    }  # fmt: skip
    return Plan.model_construct(None, **(values | more))


def stack_with(outcome: PageOutcome, **plan: Any) -> tuple[Stack, UUID]:
    """Return a stack whose ledger has one run, and the run's id; `plan` are fields of its plan."""
    trigger = Trigger("certification_expiry", UUID(int=9), "schedule", "x", "x")
    run = Run(trigger, date(2026, 11, 26), pages_total=1, status="completed")
    ledger = Ledger(run, Page(1, (A, B), outcome))
    database = Plans(plan_of(run.job_run_id, **plan) if plan else None)
    stack = SimpleNamespace(
        ledger=lambda: ledger, database=lambda: nullcontext(database), command=str,
        org_id=trigger.org_id,
    )  # fmt: skip
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


def test_a_role_that_may_not_list_held_mentors_sees_the_rest_of_the_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The role of the jobs may not read the names that the same function returns."""
    stack, job_run_id = stack_with(PageOutcome(applied=(A, B)), held_count=3)
    show_one(stack, job_run_id, as_json=True)
    captured = capsys.readouterr()
    shown = json.loads(captured.out)
    assert (shown["held_count"], shown["mentor_ids_held"]) == (3, [])
    assert captured.err == (
        "the list of held mentors is left out, because the role lacks a right in the database\n"
    )


@pytest.mark.parametrize(
    ("plan", "sentences"),
    [
        (
            {"held_count": 3},
            ["3 mentors were held, because they were not warned in time",
             "if the pauses are right: approve ID --plan HASH --note TEXT"],
        ),
        (
            {"approved_by": "user 7", "approval_note": "right"},
            ["3 mentors were held, because they were not warned in time",
             "approved by user 7, - UTC: right", "plan HASH"],
        ),
        (
            {"is_newest": False},
            ["3 mentors were held, because they were not warned in time",
             "its plan has lapsed, because a later run has made another one"],
        ),
        (
            {"dry_run": True}, ["a real run would hold 3 mentors who were not warned in time"],
        ),
        (
            {"held_count": 0, "brake_mode": "watch"},
            [("3 of its mentors were not warned in time, more than the limits allow; if the pauses"
             " are wrong: withdraw ID --dry-run --follow")],
        ),
        ({"held_count": 0, "brake_acts": False}, []),
    ],
)  # fmt: skip
def test_a_run_says_what_the_brake_made_of_its_plan(
    plan: dict[str, Any], sentences: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """G2 to G4: with the next command; the counts are part of the summary, too."""
    stack, job_run_id = stack_with(PageOutcome(applied=(A, B)), **plan)
    finish(stack, job_run_id, as_json=False, last_line=True)
    *lines, summary = capsys.readouterr().out.splitlines()
    told = [line.replace(str(job_run_id), "ID").replace(HASH, "HASH") for line in lines[9:]]
    assert told == sentences
    held = plan.get("held_count", 3)
    found = json.loads(summary)
    assert (found["unforeseen_count"], found["held_count"]) == (3, held)
