"""The shell completes jobs and runs, and says nothing where it cannot (O3)."""

from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from cli.main import cli


def completions(*words: str) -> list[str]:
    """Return what the shell offers for the last word."""
    *before, last = words
    complete = BashComplete(cli, {}, "mentor-pause", "_MENTOR_PAUSE_COMPLETE")
    return [item.value for item in complete.get_completions(before, last)]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("run", ""), ["certification_expiry", "hlf_sync"]),
        (("run", "h"), ["hlf_sync"]),
        (("portal", "d"), ["drift"]),
        (("mentor", "x", "--set", "p"), ["paused"]),
        (("runs", "--fol"), ["--follow"]),
    ],
)
def test_what_is_known_is_completed(words: tuple[str, ...], offered: list[str]) -> None:
    """Jobs, commands, statuses, options."""
    assert completions(*words) == offered


@pytest.mark.parametrize("words", [("runs", ""), ("redrive", ""), ("runs", "--stack", "prod", "")])
def test_runs_of_a_stack_that_does_not_answer_are_no_trouble(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nothing is offered, and nothing is printed into the line that somebody types."""
    monkeypatch.setenv("MENTOR_PAUSE_LOCAL", str(tmp_path))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert completions(*words) == []
    assert capfd.readouterr() == ("", "")
