"""The shell completes jobs and runs, and prints nothing where it cannot (O3)."""

from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from cli.main import cli


def completions(*words: str) -> list[str]:
    """Return the completions that the shell offers for the last word."""
    *before, last = words
    complete = BashComplete(cli, {}, "mentor-pause", "_MENTOR_PAUSE_COMPLETE")
    return [item.value for item in complete.get_completions(before, last)]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("run", ""), ["certification_expiry", "hlf_sync"]),
        (("run", "h"), ["hlf_sync"]),
        (("portal", "d"), ["drift"]),
        (("local", "m"), ["mail"]),
        (("messages", "--und"), ["--undelivered"]),
        (("mentor", "x", "--set", "p"), ["paused"]),
        (("runs", "--fol"), ["--follow"]),
    ],
)
def test_jobs_commands_statuses_and_options_are_completed(
    words: tuple[str, ...], offered: list[str]
) -> None:
    """The completion needs no stack for them."""
    assert completions(*words) == offered


@pytest.mark.parametrize("words", [("runs", ""), ("redrive", ""), ("runs", "--stack", "prod", "")])
def test_a_stack_that_does_not_answer_does_not_disturb_the_completion(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nothing is offered, and nothing is printed into the line that a person types."""
    monkeypatch.setenv("MENTOR_PAUSE_LOCAL", str(tmp_path))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert completions(*words) == []
    assert capfd.readouterr() == ("", "")
