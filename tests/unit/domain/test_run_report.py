"""A run's summary is written in one line or in several, and joined again."""

from dataclasses import replace
from datetime import date
from itertools import batched
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentor_pause.domain.error_reasons import ErrorGroup
from mentor_pause.domain.run_report import (
    SUMMARY_MESSAGES,
    completed_event,
    ids_line,
    join_summary_lines,
    log_row_text,
    summary_line,
)
from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger
from mentor_pause.domain.summary import BrakeCounts, settle, summarise
from mentor_pause.domain.tally import Tally

RUN = Run(Trigger("certification_expiry", uuid4(), "schedule", "x", "x"), date(2026, 3, 1))


def lines_of(pages: list[Page], page_per_line: int) -> list[dict[str, Any]]:
    """Log the pages as a completion does that fills a line with so many pages."""
    tally, lines = Tally(), list[dict[str, object]]()
    for page in pages:
        tally.add(page.number, settle(RUN, page))
        if page.number % page_per_line == 0 and page.number < len(pages):
            tally.lines += 1
            lines.append(ids_line(RUN, tally)[1])
            tally.forget_ids()
            tally = Tally.from_text(tally.as_text())
    return [*lines, summary_line(RUN, tally.totals(RUN, None), tally, "completed")[1]]


def pages_of(applied: int, errored: int) -> list[Page]:
    """Return closed pages of three mentors each."""
    ids = sorted(uuid4() for _ in range(applied + errored))
    wanted = frozenset(ids[:errored])
    return [
        Page(number, some, PageOutcome(errored=tuple(m for m in some if m in wanted),
             applied=tuple(m for m in some if m not in wanted)))
        for number, some in enumerate(batched(ids, 3, strict=False), 1)
    ]  # fmt: skip


@given(st.integers(0, 25), st.integers(0, 25), st.integers(1, 4))
def test_a_summary_in_several_lines_is_joined(applied: int, errored: int, size: int) -> None:
    """E7: in any order of the lines, and if a line comes twice."""
    pages = pages_of(applied, errored)
    lines = lines_of(pages, size)
    joined = join_summary_lines([*reversed(lines), lines[0]])
    wanted = summarise(RUN, [settle(RUN, page) for page in pages]).as_json()
    assert {name: joined[name] for name in wanted} == wanted
    assert joined.keys().isdisjoint({"line", "lines"})


def test_each_line_has_a_number_and_the_summary_line_says_how_many_there_are() -> None:
    """E7: so a reader knows that one is missing."""
    lines = lines_of(pages_of(9, 0), 1)
    assert [line["line"] for line in lines] == [1, 2, 3]
    assert [line.get("lines") for line in lines] == [None, None, 3]
    with pytest.raises(ValueError, match=r"lines \[2\] of 3 are missing"):
        join_summary_lines([lines[0], lines[2]])
    with pytest.raises(ValueError, match=r"lines \[3\] of 3 are missing"):
        join_summary_lines(lines[:2])


def test_a_repeated_line_counts_as_its_last_writer_wrote_it() -> None:
    """E8: the first one died before it saved its place, and the database has decided since."""
    first, again = {"line": 1, "mentor_ids_paused": ["a"]}, {"line": 1, "mentor_ids_paused": ["b"]}
    end = {"line": 2, "lines": 2, "processed_count": 1, "mentor_ids_paused": []}
    assert join_summary_lines([first, again, end])["mentor_ids_paused"] == ["b"]


def test_lines_of_a_caller_that_lost_the_completion_do_not_count() -> None:
    """E7: the caller that ended the run had time for all ids in one line."""
    lost = [{"line": n, "mentor_ids_paused": [name]} for n, name in ((1, "a"), (2, "b"))]
    ended = {"processed_count": 3, "mentor_ids_paused": ["a", "b", "c"]}
    again = {"line": 3, "lines": 3, "processed_count": 3, "mentor_ids_paused": ["c"]}
    assert join_summary_lines([*lost, ended]) == ended
    assert join_summary_lines([ended, *lost, again])["mentor_ids_paused"] == ["a", "b", "c"]
    assert join_summary_lines([*lost, again, ended])["mentor_ids_paused"] == ["a", "b", "c"]


def test_the_lines_have_the_fields_that_readers_look_for() -> None:
    """E7: a run without errors and without other lines has no field for them."""
    assert SUMMARY_MESSAGES == ("run completed", "run completed, more mentors")
    other = uuid4()
    trigger = Trigger("certification_expiry", uuid4(), "manual", "x", "kari", redrive_of=other)
    run, tally = Run(trigger, date(2026, 3, 1)), Tally()
    plain = summary_line(run, tally.totals(run, None), tally, "completed")
    assert plain[0] == "run completed"
    assert plain[1] == {
        "job_run_id": str(run.job_run_id), "processed_count": 0, "paused_count": 0,
        "skipped_count": 0, "error_count": 0, "errors": [], "job_name": "certification_expiry",
        "as_of": "2026-03-01", "dry_run": False, "status": "completed",
        "redrive_of": str(other), "mentor_ids_paused": [], "mentor_ids_errored": [],
    }  # fmt: skip
    tally.lines = 2
    late = summary_line(replace(run, error="late"), tally.totals(run, None), tally, "failed")
    assert late[1] == plain[1] | {"status": "failed", "error": "late", "line": 3, "lines": 3}
    assert ids_line(run, tally) == (
        "run completed, more mentors",
        {
            "job_run_id": str(run.job_run_id), "line": 2, "mentor_ids_paused": [],
            "mentor_ids_errored": [],
        },
    )  # fmt: skip


@pytest.mark.parametrize("name", ["redrive_of", "releases", "withdraws"])
def test_line_and_event_name_the_other_run(name: str) -> None:
    """D7, G4, G5."""
    other = uuid4()
    named: dict[str, Any] = {name: other}
    run = Run(Trigger("withdrawal", uuid4(), "manual", "x", "kari", **named), date(2026, 3, 1))
    totals = replace(Tally().totals(run, None), applied_count=2)
    assert summary_line(run, totals, Tally(), "completed")[1][name] == str(other)
    event = completed_event(run, totals, "completed", 1)
    assert {"redrive_of", "releases", "withdraws"} - event.model_fields_set == set()
    assert getattr(event, name) == other
    assert (event.resumed_count, event.paused_count, event.left_count) == (2, 0, 1)


def test_the_event_has_the_brakes_counts() -> None:
    """G3: without a brake they are zero."""
    totals = replace(Tally().totals(RUN, 4), brake=BrakeCounts(3, 2, acts=True))
    event = completed_event(RUN, totals, "completed", 0)
    assert (event.unforeseen_count, event.held_count, event.brake_acts) == (3, 2, True)
    assert event.renewed_count == 4
    bare = completed_event(RUN, Tally().totals(RUN, None), "completed", 0)
    assert (bare.unforeseen_count, bare.held_count, bare.brake_acts) == (0, 0, False)


def test_a_rows_text_says_everything_in_order_and_fits() -> None:
    """E7: error, mentors' errors, left out steps, notes, and what pages waited for."""
    run = replace(RUN, error="late", wait_reason="no right")
    errors = (ErrorGroup("HTTP 503", 1, UUID(int=1)),)
    totals = replace(Tally().totals(run, None), error_count=1, errors=errors)
    assert log_row_text(run, totals, "off", ["warnings refused"]) == (
        f"late; 1 error: 1 HTTP 503, such as mentor {UUID(int=1)}; warnings refused; off;"
        " pages had to wait: no right"
    )
    empty = Tally().totals(RUN, None)
    assert log_row_text(RUN, empty, "") is None
    assert log_row_text(replace(RUN, error="w" * 800), empty, "") == "w" * 800
    assert log_row_text(replace(RUN, error="w" * 801), empty, "") == "w" * 797 + "..."
    assert log_row_text(RUN, empty, "w" * 3800) == "w" * 3800
    assert log_row_text(RUN, empty, "w" * 3801) == "w" * 3797 + "..."
    many = tuple(ErrorGroup(f"{n:02} " + "r" * 190, 1, UUID(int=n)) for n in range(20))
    text = log_row_text(RUN, replace(empty, error_count=20, errors=many), "")
    assert text is not None
    assert 2100 < len(text) <= 2400


def test_a_line_without_a_number_is_the_only_one() -> None:
    """E7: most runs are small."""
    joined = join_summary_lines([{"processed_count": 1, "mentor_ids_paused": ["a"]}])
    assert joined == {"processed_count": 1, "mentor_ids_paused": ["a"]}
    with pytest.raises(ValueError, match=r"lines \[2\] of 2 are missing"):
        join_summary_lines([{"line": 1, "mentor_ids_paused": ["a"]}])


@pytest.mark.parametrize(
    ("job", "counts"),
    [
        ("certification_expiry", (2, 0, 0, 0)),
        ("hlf_sync", (0, 2, 0, 4)),
        ("withdrawal", (0, 0, 2, 0)),
    ],
)
def test_the_event_counts_the_effect_of_its_job(job: str, counts: tuple[int, ...]) -> None:
    """E11: the counts of the other jobs are zero."""
    run = Run(Trigger(job, uuid4(), "schedule", "x", "x"), date(2026, 3, 1))
    renewed = 4 if job == "hlf_sync" else None
    event = completed_event(
        run, replace(Tally().totals(run, renewed), applied_count=2), "completed", 0
    )
    found = (event.paused_count, event.synced_count, event.resumed_count, event.renewed_count)
    assert found == counts
    assert (event.processed_count, event.skipped_count, event.error_count) == (2, 0, 0)
    assert (event.job_name, event.status, event.version) == (job, "completed", 1)
