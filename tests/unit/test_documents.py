"""Each code block of README and docs is typed by a test, or says why none can (docs that run)."""

import pytest

from support.documents import PAGES, ROOT, WALKS, Block, read_blocks, walk

BLOCKS = [block for page in PAGES for block in read_blocks(page)]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_says_how_it_is_tested(block: Block) -> None:
    """By the info string of its fence (tests/support/documents.py)."""
    assert block.says_how_it_is_tested(), f"{block.place}: {block.language!r}"


@pytest.mark.parametrize(("name", "test"), WALKS.items())
def test_a_walk_has_blocks_and_a_test_that_types_them(name: str, test: str) -> None:
    """A walk that nobody takes would prove nothing."""
    assert walk(name)
    assert (ROOT / test).exists()
    ours = {"documents.py", "test_documents.py"}
    tests = [file for file in (ROOT / "tests").rglob("*.py") if file.name not in ours]
    assert any(f'"{name}"' in file.read_text() for file in tests)
