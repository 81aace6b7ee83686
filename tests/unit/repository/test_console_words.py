"""The pages for people and administrators say the buttons' words as the console says them (C1)."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from babel.messages.pofile import read_po

from local.places import ROOT

PAGES = [
    ("recovery.en", "en"),
    ("recovery.no", "nb"),
    ("held-pauses.en", "en"),
    ("held-pauses.no", "nb"),
    ("console", "en"),
]
_PLACE = re.compile(r"%\\\((?:\w+)\\\)s")


@cache
def texts_of(language: str) -> frozenset[str]:
    """Return the console's texts in a language, with both forms of those that have a plural."""
    with (ROOT / "functions/console/translations/nb.po").open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    forms = (m.id if language == "en" else m.string for m in messages)
    return frozenset(text for form in forms for text in _forms(form or ()))


def _forms(form: str | tuple[str, ...] | list[str]) -> Iterator[str]:
    yield from [form] if isinstance(form, str) else form


def is_a_text(words: str, language: str) -> bool:
    """Whether the console shows these words: a whole text, or its first whole sentences."""
    return any(_shows(text, words) for text in texts_of(language))


def _shows(text: str, words: str) -> bool:
    pattern = _PLACE.sub(r"\\d+", re.escape(text))
    return bool(re.fullmatch(pattern, words)) or (
        words.endswith(".") and text.startswith(f"{words} ")
    )


@pytest.mark.parametrize(("page", "language"), PAGES)
def test_every_bold_text_of_a_page_is_a_text_of_the_console(page: str, language: str) -> None:
    """A person finds the button that the page names."""
    text = " ".join((ROOT / f"docs/{page}.md").read_text().split())
    bold = re.findall(r"\*\*(.+?)\*\*", text)
    assert len(bold) >= 10
    assert [words for words in bold if not is_a_text(words, language)] == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Run the check now", True),
        ("Release these 40", True),
        ("It has begun.", True),
        ("Run the check", False),
        ("Release these pauses", False),
        ("It has begun", False),
    ],
)
def test_a_text_is_whole_with_its_number(words: str, expected: bool) -> None:
    """A part of a button is not the button."""
    assert is_a_text(words, "en") is expected
