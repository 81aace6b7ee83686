"""Tables fit the terminal, cut nothing, and are plain text in a pipe (O3)."""

from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from cli.output import problem, result, say
from cli.show.portal import show_drift
from cli.show.runs import show_history, show_pages, show_run
from cli.show.tables import Column, Row, show_table
from mentor_pause.database.client import Execution
from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger
from mentor_pause.domain.summary import Summary
from support.command_line import Terminal

MOMENT = datetime(2026, 11, 26, 2, 0, 9, tzinfo=UTC)


def execution(**more: Any) -> Execution:
    """Return a row of the execution log as a night leaves it."""
    row: dict[str, Any] = {
        "job_run_id": uuid4(), "job_name": "certification_expiry", "status": "completed",
        "trigger": "schedule", "started_at": MOMENT, "dry_run": False, "redrive_of": None,
        "paused_count": 1500, "synced_count": None, "skipped_count": 12, "error_count": 3,
        "error": None,
    }  # fmt: skip
    return Execution.model_construct(None, **(dict.fromkeys(Execution.model_fields) | row | more))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Lines":
    """Return the output at this width."""
    return Lines(monkeypatch, capsys)


class Lines:
    """Prints at a given width."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """`COLUMNS` sets the width, as for a terminal."""
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def at(self, columns: int) -> None:
        """Set the width."""
        self._monkeypatch.setenv("COLUMNS", str(columns))

    def read(self) -> list[str]:
        """Return the lines of standard output; standard error is empty."""
        captured = self._capsys.readouterr()
        assert captured.err == ""
        assert "\x1b" not in captured.out
        return captured.out.splitlines()


@pytest.mark.parametrize(("columns", "count"), [(80, 9), (100, 8), (200, 4)])
def test_the_history_fits_and_has_every_id_whole(lines: Lines, columns: int, count: int) -> None:
    """A row that is too wide becomes a record of a few lines."""
    rows = [execution(), execution(dry_run=True), execution(job_name="hlf_sync", synced_count=7)]
    lines.at(columns)
    show_history(rows)
    printed = lines.read()
    assert max(map(len, printed)) <= columns
    for row in rows:
        assert any(line.startswith(f"{row.job_run_id}  completed") for line in printed)
    assert "1500 paused, 12 skipped, 3 errors" in printed[1 if columns == 200 else 2]
    assert len(printed) == count


def test_the_history_marks_dry_runs_and_redrives(lines: Lines) -> None:
    """Each row has its kind."""
    lines.at(200)
    show_history([execution(), execution(dry_run=True), execution(redrive_of=uuid4())])
    _, real, dry, redrive = lines.read()
    assert "  real run  " in real
    assert "  dry run   " in dry
    assert "1500 would be paused" in dry
    assert "  redrive, real run  " in redrive


def test_a_run_that_failed_has_its_error_below_it(lines: Lines) -> None:
    """The error is whole at any width. A terminal breaks the line, a pipe keeps it."""
    lines.at(80)
    show_history([execution(status="failed", error="its lease ran out " * 8)])
    assert lines.read()[-1] == "  " + "its lease ran out " * 8


def test_an_id_stays_whole_on_a_terminal_that_is_narrower_than_it(lines: Lines) -> None:
    """So a person can copy it."""
    row = execution()
    lines.at(20)
    show_history([row])
    assert f"{row.job_run_id}  completed" in lines.read()


def test_the_drift_and_the_pages_fit_eighty_columns(lines: Lines) -> None:
    """Also with mentors who are unknown here."""
    mentor = uuid4()
    found = {
        "mentor_id": str(mentor), "key": "1017", "here": "paused", "there": "active",
        "kind": "differs", "since": MOMENT.isoformat(),
    }  # fmt: skip
    lines.at(80)
    show_drift(
        {
            "differing": 2, "compared": 9, "oldest_seconds": 60, "unreadable_rows": [],
            "differences": [found, found | {"mentor_id": None, "kind": "only_there"}],
            "certifications_differing": 1,
            "certification_differences": [
                {"portal_id": str(uuid4()), "key": "1018", "kind": "only_here"}
            ],
        }
    )  # fmt: skip
    closed = Page(1, tuple(uuid4() for _ in range(500)), PageOutcome(), MOMENT)
    show_pages([closed, Page(2, (), None)], "paused")
    printed = [line for line in lines.read() if not line.startswith("next: ")]
    assert max(map(len, printed)) <= 80
    assert str(mentor) in printed


def test_a_dry_run_lists_the_mentors_that_it_would_pause(lines: Lines) -> None:
    """At most twenty, and the command that lists all."""
    mentors = tuple(sorted(uuid4() for _ in range(23)))
    trigger = Trigger("certification_expiry", uuid4(), "manual", "x", "x", dry_run=True)
    run = Run(trigger, MOMENT.date(), status="completed")
    lines.at(80)
    show_run(run, Summary(run.job_run_id, "paused", mentors), "mentor-pause runs X --json")
    printed = lines.read()
    place = printed.index("would be paused:")
    assert printed[place + 1 : place + 21] == [f"  {mentor}" for mentor in mentors[:20]]
    assert printed[place + 21] == "  and 3 more; list all: mentor-pause runs X --json"


def test_pages_have_their_name_on_a_narrow_terminal_and_none_is_said(lines: Lines) -> None:
    """A bare number would be unclear."""
    lines.at(40)
    show_pages([Page(1, tuple(uuid4() for _ in range(5)), None)], "paused")
    show_pages([], "paused")
    printed = lines.read()
    assert (printed[0], printed[-1]) == ("page 1", "no pages")


def test_numbers_are_aligned_right_and_an_empty_table_has_its_headings(lines: Lines) -> None:
    """As people read tables."""
    columns = (Column("count"), Column("mentors", right=True))
    show_table(columns, [Row(("paused", "7")), Row(("skipped", "1234"))])
    show_table(columns, [])
    assert lines.read() == [
        "count    mentors", "paused         7", "skipped     1234", "count  mentors",
    ]  # fmt: skip


def test_only_a_terminal_gets_colour_and_not_where_no_color_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not with NO_COLOR, not with TERM=dumb, and not in a pipe."""

    def printed(**variables: str) -> str:
        out, err = Terminal(), Terminal()
        with monkeypatch.context() as patch:
            patch.delenv("NO_COLOR", raising=False)
            patch.setenv("TERM", "xterm")
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdout", out)
            patch.setattr("sys.stderr", err)
            result("bad", is_bad=True)
            say("notice")
            problem("wrong")
        return out.getvalue() + err.getvalue()

    assert printed().count("\x1b[") >= 6
    assert printed(NO_COLOR="1") == printed(TERM="dumb") == "bad\nnotice\nmentor-pause: wrong\n"


def test_a_terminal_gets_a_long_result_broken_between_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An id stays on one line."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(Terminal()) as out:
        result(f"  such as mentor {UUID(int=7)} and many others, {timedelta(1)}")
    assert out.getvalue().splitlines() == [
        "  such as mentor", f"  {UUID(int=7)}", "  and many others, 1 day, 0:00:00",
    ]  # fmt: skip
