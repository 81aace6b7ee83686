"""What cannot be meant is refused before anything is opened, wiped or asked (O3)."""

from pathlib import Path
from uuid import UUID

import pytest

from support.command_line import type_command

MENTOR = str(UUID(int=7))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stack that is not up, with data in it."""
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
def test_a_reason_that_is_no_code_is_refused_with_one_that_is(reason: str, code: str) -> None:
    """S2: the database would refuse it as well, in words for programs."""
    shown = type_command("mentor", MENTOR, "--set", "paused", "--reason", reason)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.endswith(
        "Invalid value for '--reason': a reason is a code of 3 to 63 lower-case letters, digits and"
        f" underscores, with a letter first, such as {code}\n"
    )


@pytest.mark.parametrize("command", [("nightly",), ("local", "seed")])
def test_a_roster_that_cannot_be_is_refused_before_anything_is_wiped(
    command: tuple[str, ...], folder: Path
) -> None:
    """Data and stack stay as they are."""
    shown = type_command(*command, "--mentors", "10", "--expired", "20")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "of 10 mentors 20 cannot be expired; give --expired 10 at most" in shown.stderr
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
        (("throttled by tiem",), "did you mean 'throttled by time'?"),
    ],
)  # fmt: skip
def test_a_fault_that_cannot_be_ends_with_one_that_can(
    arguments: tuple[str, ...], next_command: str
) -> None:
    """Words need no quotes; hyphens do as well."""
    shown = type_command("local", "fault", *arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert next_command in shown.stderr


@pytest.mark.parametrize("arguments", [("down",), ("throttled", "for", "long"), ("gzip", "--on")])
def test_a_fault_that_can_be_needs_the_local_stack(arguments: tuple[str, ...]) -> None:
    """The sentence has the command that starts it."""
    shown = type_command("local", "fault", *arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "the local stack is not up; start it with: mentor-pause local up" in shown.stderr
