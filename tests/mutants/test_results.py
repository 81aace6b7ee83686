"""The results of mutants stay in a file, and the next run begins where the last one ended."""

from pathlib import Path

import pytest

from local.places import ROOT
from mutants.__main__ import Report
from mutants.changes import Mutant
from mutants.runner import Result


def mutant(number: int, after: str = "False") -> Mutant:
    """Return a change of one line."""
    return Mutant(ROOT / "functions/x.py", number, 7, "work", "a < b", after)


def test_only_what_survived_or_was_not_tried_is_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A change of the same place with another text is another change: the code has changed."""
    file = tmp_path / "results"
    first = Report(file)
    first.add(Result(mutant(1), "noticed", "a test", 1.0))
    first.add(Result(mutant(2), "survived", "", 2.0))
    again = Report(file)
    wanted = (mutant(1), mutant(2), mutant(3), mutant(1, "True"))
    assert [again.is_open(each) for each in wanted] == [False, True, True, True]
    assert again.has_survivors
    again.add(Result(mutant(2), "timed out", "", 3.0))
    assert not again.has_survivors
    capsys.readouterr()
    Report(file).show()
    assert "| functions/x.py | 2 | 2 | 0 | 100.0 | 4 |" in capsys.readouterr().out
