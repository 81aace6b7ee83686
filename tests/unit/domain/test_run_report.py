"""A run's summary is written in one line or in several, and joined again."""

from datetime import date
from itertools import batched
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentor_pause.domain.run_report import ids_line, join_summary_lines, summary_line
from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger
from mentor_pause.domain.summary import settle, summarise
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
    assert "lines" not in joined


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


def test_the_lines_of_an_earlier_version_are_joined() -> None:
    """E7: it numbered the summary line 1, and wrote the number of lines into each."""
    ids = [str(UUID(int=n)) for n in range(4)]
    lines = [
        {"processed_count": 4, "lines": 2, "mentor_ids_paused": ids[:2]},
        {"line": 2, "lines": 2, "mentor_ids_paused": ids[2:]},
    ]
    assert join_summary_lines(lines) == {"processed_count": 4, "mentor_ids_paused": ids}
