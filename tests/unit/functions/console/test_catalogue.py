"""The texts of the console have translations, and no word is in one language only (C6)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from console.render import TRANSLATIONS
from local.places import ROOT
from texts.catalogue import LOCALES, SOURCE

CONSOLE = ROOT / "functions/console"
KEYWORDS = {"gettext": None, "ngettext": (1, 2), "_": None, "N_": None, "say": None}
METHODS = {".py": "python", ".txt": "jinja2.ext:babel_extract", ".html": "jinja2.ext:babel_extract"}
NAMES_OF_LANGUAGES = {"English", "Norsk"}
"""On the button, each in its own language."""
TRANSLATED = sorted(LOCALES.keys() - {SOURCE})


def forms(text: object) -> tuple[str, ...]:
    """Return the forms of a text: two if it has a count, otherwise one."""
    several = text if isinstance(text, list | tuple) else (text,)
    return tuple(str(form or "") for form in several)


def extract() -> Iterator[tuple[str, ...]]:
    """Yield the texts in code and templates."""
    for file in sorted(CONSOLE.rglob("*")):
        if file.suffix in METHODS:
            for _, text, _, _ in extract_from_file(METHODS[file.suffix], file, KEYWORDS):
                yield forms(text)


def read(language: str) -> Catalog:
    """Return the catalogue of a language."""
    with (TRANSLATIONS / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_has_each_text_and_no_other(language: str) -> None:
    """The extraction is Babel's."""
    texts = set(extract())
    listed = {forms(message.id) for message in read(language) if message.id}
    assert len(texts) > 20
    assert texts - listed == set(), "without a translation"
    assert listed - texts == set(), "no longer used"


@pytest.mark.parametrize("language", TRANSLATED)
def test_each_text_is_translated_in_all_its_forms(language: str) -> None:
    """None is empty, marked as fuzzy, commented out, or without one of its values."""
    catalogue = read(language)
    for message in catalogue:
        assert all(forms(message.string)), message.id
        assert not message.fuzzy or not message.id, message.id
    assert [str(error) for _, errors in catalogue.check() for error in errors] == []
    assert catalogue.obsolete == {}


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_names_the_values_of_its_text(language: str) -> None:
    """A count or a day that a translation leaves out would be missing on the page."""
    for message in read(language):
        for source, form in zip(forms(message.id), forms(message.string), strict=True):
            if source:
                assert values(form) == values(source), source


def values(text: str) -> list[str]:
    """Return the names of the values in a text."""
    return sorted(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("file", sorted((CONSOLE / "templates").iterdir()), ids=lambda f: f.name)
def test_a_template_has_no_words_of_its_own(file: Path) -> None:
    """A word in a template would be in one language only."""
    visible = re.sub(r"\{[{%].*?[%}]\}|<[^>]*>", " ", file.read_text())
    assert set(re.findall(r"\w+", visible)) <= NAMES_OF_LANGUAGES
