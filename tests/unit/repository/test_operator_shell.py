"""The shell functions of docs/operator.sh, with stand-ins for AWS's programs."""

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.documents import ROOT, Shell, walk

_AWS = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in *"-name gone"*) exit 255;; esac
printf 'ApiUrl\\thttps://%s\\n' "$STACK"
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A bash with the functions. Its `aws` has outputs for each stack except `gone`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "aws").write_text(_AWS)
    (programs / "aws").chmod(0o755)
    (programs / "python3").write_text("#!/bin/sh\nexit 2\n")
    (programs / "python3").chmod(0o755)
    environ = {"PATH": f"{programs}:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls")}
    with closing(Shell(ROOT, environ, tmp_path)) as found:
        found.type(". docs/operator.sh; export STACK=mentor-pause-prod")
        yield found


def test_the_outputs_are_those_of_the_stack_that_is_named_now(shell: Shell) -> None:
    """Otherwise changes would go to one stack, with addresses of another one."""
    assert (
        shell.type("read_outputs; out ApiUrl; out ApiUrl").out.split()
        == ["https://mentor-pause-prod"] * 2
    )
    assert shell.type("STACK=mentor-pause-staging; out ApiUrl").out == (
        "https://mentor-pause-staging\n"
    )
    gone = shell.type("STACK=gone; out ApiUrl")
    assert (gone.code == 0, gone.out) == (False, "")


def test_outputs_that_were_read_are_not_asked_for_again(shell: Shell, tmp_path: Path) -> None:
    """A line of the smoke test does not wait for AWS twice."""
    shell.type("read_outputs; out ApiUrl; a=$(out ApiUrl)")
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_an_output_that_is_not_there_fails(shell: Shell) -> None:
    """Otherwise the next program would get an empty name."""
    missing = shell.type("out NoSuchOutput")
    assert (missing.code, missing.out) == (1, "")
    assert missing.err == "the stack has no output NoSuchOutput\n"


def test_a_secret_that_cannot_be_read_fails_in_eval(shell: Shell) -> None:
    """Otherwise the old value would be used."""
    assert shell.type('eval "$(secret database)"').code == 1
    assert shell.type('(eval "$(secret database)" && echo used)').out == ""


def test_a_step_that_fails_makes_its_function_fail(shell: Shell) -> None:
    """So the next command of a block is not typed."""
    for step in ("restart", "login a b", "keep a", "change a b", "secret a"):
        assert shell.type(step).code != 0, step


def test_a_key_that_others_issue_has_a_block_of_its_own() -> None:
    """A block is pasted whole, and two steps in one block would put one key into two secrets."""
    blocks = walk("issued")
    assert len(blocks) == 3
    for block in blocks:
        assert len(block.text.splitlines()) == 1, block


def test_no_page_goes_on_without_the_secret_that_it_reads() -> None:
    """A command after `eval` is typed only where the secret could be read."""
    for page in (ROOT / "docs").rglob("*.md"):
        assert re.search(r'secret [a-z-]+\)";', page.read_text()) is None, page


def test_lines_asks_each_log_group_and_fails_for_one_that_is_not_there(
    shell: Shell, tmp_path: Path
) -> None:
    """Several functions can log the same line."""
    assert shell.type("read_outputs; lines ApiUrl ApiUrl '\"a step\"'").code == 0
    asked = [c for c in (tmp_path / "calls").read_text().splitlines() if "filter-log" in c]
    assert len(asked) == 2
    for call in asked:
        assert '--log-group-name https://mentor-pause-prod --filter-pattern "a step" ' in call
    assert shell.type("lines NoSuchOutput ApiUrl ERROR").code != 0
