"""Each decision has a status, a context, a decision and its consequences, and is in the index."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.places import ROOT

FOLDER = ROOT / "docs/decisions"
FILES = sorted(FOLDER.glob("[0-9]*.md"))
PATHS = [
    f"/{path.relative_to(ROOT).as_posix()}"
    for place in ROOT.iterdir()
    if not place.name.startswith(".")
    for path in ([place] if place.is_file() else place.rglob("*"))
]
_FIRST_LINES = re.compile(r"# (\d+)\. (.+)\n\n\*\*Status:\*\* (accepted|superseded)(.*)\n")
_LINK = re.compile(r"\[(\d+)\]\((\d{4})-[a-z0-9-]+\.md\)")


def title_and_status(file: Path) -> tuple[str, str]:
    """Return the title of a decision, and its status with the links."""
    first = _FIRST_LINES.match(file.read_text())
    assert first, f"{file.name}: it begins with a title and a status"
    assert int(first[1]) == int(file.name[:4])
    return first[2], first[3] + first[4]


def relations(status: str) -> Iterator[tuple[str, int]]:
    """Yield what a status says about other decisions: the verb, and the number of the other one."""
    for part in re.split(r"(?<=\)), ", status.partition(", ")[2]):
        if part:
            words = re.fullmatch(r"(superseded(?: in part)? by|supersedes(?: part of)?) (.+)", part)
            assert words, status
            number = _LINK.fullmatch(words[2])
            assert number, status
            assert int(number[1]) == int(number[2]), status
            yield words[1], int(number[1])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_decision_has_its_four_parts_in_order(file: Path) -> None:
    """A reader who knows one decision finds their way in each of them."""
    title_and_status(file)
    parts = re.split(r"^## (.+)\n", file.read_text(), flags=re.MULTILINE)
    assert parts[1::2] == ["Context", "Decision", "Consequences"]
    assert all(part.strip() for part in parts[2::2]), "no part is empty"


def test_the_numbers_have_no_gap() -> None:
    """Code cites a decision by its number, as in `docs/decisions/0026`."""
    assert [int(file.name[:4]) for file in FILES] == list(range(1, len(FILES) + 1))


def test_the_index_has_each_decision_with_its_title_and_its_status() -> None:
    """One line each, in the order of the numbers."""
    rows = re.findall(r"^\| \[(.+)\]\((.+)\) \| (.+) \| (.+) \|$", _index(), re.MULTILINE)
    assert rows == [(str(int(file.name[:4])), file.name, *title_and_status(file)) for file in FILES]


def test_a_decision_that_replaces_another_is_named_there_and_the_reverse() -> None:
    """Nobody follows a rule that no longer holds."""
    said = {
        (int(file.name[:4]), verb, other)
        for file in FILES
        for verb, other in relations(title_and_status(file)[1])
    }
    reverse = {
        "supersedes": "superseded by",
        "superseded by": "supersedes",
        "supersedes part of": "superseded in part by",
        "superseded in part by": "supersedes part of",
    }
    assert said
    assert {(other, reverse[verb], number) for number, verb, other in said} == said
    for file in FILES:
        status = title_and_status(file)[1]
        is_replaced = any(verb == "superseded by" for verb, _ in relations(status))
        assert status.startswith("superseded") == is_replaced, file.name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_that_a_decision_names_exists(file: Path) -> None:
    """By the end of its path, as in `database/client.py`: a module may have moved since."""
    named = set(re.findall(r"`([\w./-]+\.(?:py|sql|yaml|toml))`", file.read_text()))
    missing = {name for name in named if not any(path.endswith(f"/{name}") for path in PATHS)}
    assert missing == set()


def _index() -> str:
    return (FOLDER / "README.md").read_text()
