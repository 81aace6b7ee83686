"""Impossible arguments are refused before anything is opened, wiped or called (O3)."""

from pathlib import Path
from uuid import UUID

import pytest

from support.command_line import type_command

MENTOR = str(UUID(int=7))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stack that is not running, with data in it."""
    monkeypatch.setenv("MENTOR_PAUSE_LOCAL", str(tmp_path))
    (tmp_path / "postgres").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("On Leave", "on_leave"), ("on-leave", "on_leave"), ("Ølsalg!", "lsalg"),
        ("no", "on_leave"), ("7 days", "on_leave"), ("", "on_leave"), ("x" * 64, "on_leave"),
    ],
)  # fmt: skip
def test_a_reason_that_is_not_a_code_is_refused_with_a_suggestion(reason: str, code: str) -> None:
    """S2: the database would refuse it, too, with an error for programs."""
    shown = type_command("mentor", MENTOR, "--set", "paused", "--reason", reason)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == (
        "mentor-pause: Invalid value for '--reason': a reason is a code of 3 to 63 lower-case"
        f" letters, digits and underscores, with a letter first, such as {code}."
        " See: mentor-pause mentor --help\n"
    )


@pytest.mark.parametrize("command", [("nightly",), ("local", "seed")])
def test_an_impossible_roster_is_refused_before_anything_is_wiped(
    command: tuple[str, ...], folder: Path
) -> None:
    """Data and stack stay as they are."""
    shown = type_command(*command, "--mentors", "10", "--expired", "20")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "20 of 10 mentors cannot be expired; type --expired 10 or less" in shown.stderr
    assert (folder / "postgres").exists()


@pytest.mark.parametrize("command", [("nightly",), ("local", "seed")])
def test_more_unforeseen_than_expired_mentors_are_refused_before_anything_is_wiped(
    command: tuple[str, ...], folder: Path
) -> None:
    """G2: the unforeseen mentors are some of the expired ones."""
    shown = type_command(*command, "--expired", "20", "--unforeseen", "21")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "21 of 20 expired mentors cannot be unforeseen; type --unforeseen 20 or less" in (
        shown.stderr
    )
    assert (folder / "postgres").exists()


@pytest.mark.parametrize(
    ("arguments", "next_command"),
    [
        (("down", "--on"), "Type: mentor-pause local fault down --times 1"),
        (("throttled", "by", "time", "--of", "1017"),
         "Type: mentor-pause local fault throttled by time --times 1"),
        (("gzip",), "Type: mentor-pause local fault gzip --on"),
        (("gzip", "--on", "--of", "1017"), "Type: mentor-pause local fault gzip --on"),
        (("foreign-rows", "--on"), "Type: mentor-pause local fault foreign rows --on --of NAME"),
        (("xyzzy",), "manners: small pages, pages by cookie, gzip"),
        (("nonsense",), "manners: small pages, pages by cookie, gzip"),
        ((), "name a fault or a manner; faults: none, down"),
        (("throttled by tiem",), "did you mean 'throttled by time'?"),
    ],
)  # fmt: skip
def test_an_impossible_fault_is_refused_with_a_possible_one(
    arguments: tuple[str, ...], next_command: str
) -> None:
    """The words need no quotes, and hyphens are accepted."""
    shown = type_command("local", "fault", *arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert next_command in shown.stderr


@pytest.mark.parametrize("arguments", [("down",), ("throttled", "for", "long"), ("gzip", "--on")])
def test_a_possible_fault_needs_the_local_stack(arguments: tuple[str, ...]) -> None:
    """The sentence has the command that starts it."""
    shown = type_command("local", "fault", *arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "the local stack is not up; start it with: mentor-pause local up" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("local", "up", "--aws-port", "99999"), "99999 is not in the range 0<=x<=65535"),
        (("local", "up", "--postgres-port", "-4"), "-4 is not in the range 0<=x<=65535"),
        (("runs", MENTOR, "--limit", "3"), "--limit is for the list of runs"),
        (("runs", "foo"), "'foo' is not the id of a run; list the ids with: mentor-pause runs"),
        (("redrive", "foo"), "Invalid value for JOB_RUN_ID: 'foo' is not the id of a run"),
    ],
)  # fmt: skip
def test_impossible_words_are_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    """On one line, with the command that explains more."""
    shown = type_command(*arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert sentence in shown.stderr
    assert len(shown.stderr.splitlines()) == 1
    assert "mentor-pause " in shown.stderr


def test_an_unreadable_mapping_is_named_before_a_missing_setting(
    tmp_path: Path,
) -> None:
    """The mapping is what the person typed."""
    (tmp_path / "mapping.json").write_text("# no mapping")
    shown = type_command("portal", "check", "--mapping", str(tmp_path / "mapping.json"))
    assert shown.returncode == 2
    assert "PORTAL_URL" not in shown.stderr
    assert "mapping" in shown.stderr
