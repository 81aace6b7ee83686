"""A test types each code block of the documents, or the block says why none can."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from local.processes import wait_until
from support.documents import PAGES, ROOT, WALKS, Block, Shell, read_blocks, walk

BLOCKS = [block for page in PAGES for block in read_blocks(page)]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_says_how_it_is_tested(block: Block) -> None:
    """By the info string of its fence (tests/support/documents.py)."""
    assert block.says_how_it_is_tested(), f"{block.place}: {block.language!r}"


@pytest.mark.parametrize(("name", "test"), WALKS.items())
def test_a_walk_has_blocks_and_a_test_that_types_them(name: str, test: str) -> None:
    """A walk without a test would prove nothing."""
    assert walk(name)
    assert (ROOT / test).exists()
    ours = {"documents.py", "test_code_blocks.py"}
    tests = [file for file in (ROOT / "tests").rglob("*.py") if file.name not in ours]
    assert any(f'"{name}"' in file.read_text() for file in tests)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell in an empty folder."""
    with closing(Shell(tmp_path, os.environ, tmp_path)) as shell:
        yield shell


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("false\ntrue", 1), ("(exit 7) | cat\ntrue", 7), ("true | false\ntrue", 1),
        ("f() { (exit 3) | cat; }\nf | cat\ntrue", 3), ("false || true", 0),
        ("yes | head -1", 0), ("yes | head -1\nfalse\ntrue", 1), ("true | cat", 0),
    ],
)  # fmt: skip
def test_a_block_ends_at_the_first_command_that_fails(shell: Shell, block: str, code: int) -> None:
    """Also if its output goes into a pipe. A reader that closes the pipe is not a failure."""
    assert shell.type(block).code == code
    assert shell.type("echo on").out == "on\n"


@pytest.mark.slow
def test_a_command_that_hangs_is_ended(shell: Shell, tmp_path: Path) -> None:
    """With all processes that the block has started."""
    with pytest.raises(TimeoutError, match="not done after"):
        shell.type("sleep 50 &\necho $! >child\nwait", seconds=0.5)
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_running(child), 10, "the block's child still runs")


def is_running(pid: int) -> bool:
    """Return whether a process runs; an ended one may still be listed."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
