"""docs/requirements.md explains every id that a file cites, and names the files that cite it."""

from pathlib import Path

import pytest

from local.citations import NOT_BUILT, PAGE, draw, find_faults, find_ids, read_citations, read_texts

SMALL = f"""# Requirements

## D. Dispatch

### D1

The rule starts the job.

**Done in** [old](../old.py)

## W. Warnings

### W1

{NOT_BUILT} Mentors are warned.
"""


def test_every_id_is_explained_and_every_requirement_is_cited() -> None:
    """A reader of `E7` finds its text, and a reader of the text finds the code and the test."""
    assert find_faults(PAGE.read_text(), read_citations()) == []


def test_the_page_names_the_files_that_cite_each_requirement() -> None:
    """`make schema` writes these lines."""
    page = PAGE.read_text()
    assert page == draw(page, read_citations())


def test_almost_every_requirement_that_is_done_is_cited_by_a_test() -> None:
    """The benches show O8, and the type checker E14: it refuses SQL that is built at run time."""
    page = PAGE.read_text()
    tested = {
        name
        for name, files in read_citations().items()
        if any(Path(file).name.startswith("test_") for file in files)
    }
    done = {name for name, text in read_texts(page).items() if not text.startswith(NOT_BUILT)}
    assert done - tested <= {"O8", "E14"}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("E7: the summary line", {"E7"}), ("(E2-E4, S1)", {"E2", "E3", "E4", "S1"}),
        ("E1 to E3", {"E1", "E2", "E3"}), ("an S3 event", set()), ("2026-W47-7", set()),
        ("SQLSTATE PT404, noqa: S608", set()), ("E10, not E1", {"E10", "E1"}),
    ],
)  # fmt: skip
def test_an_id_is_a_letter_of_a_group_and_a_number(text: str, ids: set[str]) -> None:
    """A week, an error code or a bucket is not a requirement."""
    assert find_ids(text) == ids


@pytest.mark.parametrize(
    ("cited", "fault"),
    [
        ({}, "D1 is explained, but no code and no test cites it"),
        ({"D1": ["docs/runbook.md"]}, "D1 is explained, but no code and no test cites it"),
        (
            {"D1": ["cli/main.py"], "D9": ["cli/main.py"]},
            "cli/main.py: cites D9, which docs/requirements.md does not explain",
        ),
        (
            {"D1": ["tests/unit/test_a.py"], "W1": ["template.yaml"]},
            "W1 is marked as not built, but template.yaml cites it",
        ),
    ],
)
def test_a_fault_names_the_id_and_the_file(cited: dict[str, list[str]], fault: str) -> None:
    """The sentence says what to mend."""
    assert find_faults(SMALL, cited) == [fault]


def test_the_text_stays_and_the_lines_are_replaced() -> None:
    """A second run changes nothing."""
    cited = {"D1": ["functions/a.py", "tests/unit/test_a.py", "docs/decisions/0001-one.md"]}
    page = draw(SMALL, cited)
    assert read_texts(page) == read_texts(SMALL)
    assert draw(page, cited) == page
    lines = [line for line in page.splitlines() if line.startswith("**")]
    assert lines == [
        "**Done in** [functions/a](../functions/a.py)",
        "**Tested in** [unit/test_a](../tests/unit/test_a.py)",
        "**Decided in** [0001](decisions/0001-one.md)",
    ]


def test_files_that_only_mention_an_id_are_not_named(tmp_path: Path) -> None:
    """Pages and helpers of tests explain nothing, and a migration repeats a schema file."""
    for file in ("docs/a.md", "tests/support/a.py", "supabase/migrations/1_a.sql", "cli/a.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("D1")
    cited = read_citations(tmp_path)
    assert len(cited["D1"]) == 4
    assert "[cli/a](../cli/a.py)\n" in draw(SMALL, cited)
    assert "a.md" not in draw(SMALL, cited)
