"""A run's summary is cut into several log lines, and joined again."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentor_pause.domain.run_report import join_summary_lines
from mentor_pause.domain.summary import Summary


@given(st.integers(0, 25), st.integers(0, 25), st.integers(1, 7))
def test_a_summary_that_was_cut_into_lines_is_joined(done: int, errored: int, size: int) -> None:
    """E7: in any order of the lines, and if a line comes twice."""
    ids = [uuid4() for _ in range(done + errored)]
    summary = Summary(uuid4(), "paused", tuple(ids[:done]), (), tuple(ids[done:]))
    first, *more = summary.parts(size)
    assert all(sum(map(len, part.values())) <= size for part in (first, *more))
    total = {"lines": 1 + len(more)} if more else {}
    lines: list[dict[str, Any]] = [{**summary.as_json(), **total, **first}]
    lines += [{**total, "line": n, **part} for n, part in enumerate(more, 2)]
    assert join_summary_lines([*reversed(lines), lines[0]]) == summary.as_json()


def test_a_missing_summary_line_is_named() -> None:
    """E7: an incomplete list must not look complete."""
    with pytest.raises(ValueError, match=r"lines \[3\] of 3 are missing"):
        join_summary_lines([{"lines": 3}, {"line": 2, "lines": 3}])
