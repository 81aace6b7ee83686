"""Every code that the database can give has a word, and every story a sentence (C6, G6)."""

import re
from typing import Any, Literal

import pytest

from console.pages.mentors import FILTERS
from console.pages.one_mentor import PAUSE_REASONS, RESUME_REASONS
from console.render import TRANSLATIONS
from console.words import TABLES, Words
from local.places import ROOT
from texts.catalogue import Catalogue, Language

SCHEMAS = ROOT / "supabase/schemas"
LANGUAGES: tuple[Language, ...] = ("nb", "en")
LAST_CHANGE: dict[str, Any] = {
    "reason": "certification_expired", "expires_on": "2026-02-01", "by": "job",
    "at": "2026-03-03T02:00:00+00:00", "run": None,
}  # fmt: skip
STORIES: dict[str, dict[str, Any]] = {
    "valid": {"pauses_on": "2026-06-01"},
    "no_certification": {"expires_on": None},
    "will_be_paused": {},
    "held": {},
    "paused_by_run": {"last_change": LAST_CHANGE},
    "renewed_and_paused": {"last_change": LAST_CHANGE},
    "paused_by_hand": {"last_change": LAST_CHANGE | {"reason": "own_wish", "by": "mentor"}},
    "inactive": {},
}
"""Each answer of `explain_mentor`, with what such a story has besides."""


def read(path: str) -> str:
    """Return a file of the schema."""
    return (SCHEMAS / path).read_text()


def codes_of(path: str, column: str) -> set[str]:
    """Return the codes that a table's constraint allows for a column."""
    found = re.search(rf"\b{column}\b[^;]*?\b{column} in\s*\(([^)]*)\)", read(path))
    assert found, (path, column)
    return set(re.findall(r"'(\w+)'", found[1]))


def words(language: Language) -> Words:
    """Return the words in a language."""
    return Words(Catalogue(language, TRANSLATIONS))


def story(
    answer: str,
    expires_on: str | None = "2026-03-02",
    last_change: dict[str, Any] | None = None,
    pauses_on: str | None = None,
) -> dict[str, Any]:
    """Return what `explain_mentor` says."""
    return {
        "answer": answer,
        "rule": {"as_of": "2026-03-01", "expires_on": expires_on},
        "last_change": last_change,
        "next_check": {"as_of": "2026-03-02", "pauses_on": pauses_on},
    }


@pytest.mark.parametrize(
    ("table", "path", "column"),
    [
        ("status", "tables/peer_mentors.sql", "status"),
        ("actor", "tables/peer_mentor_status_history.sql", "changed_by_role"),
        ("planned", "tables/plan_mentors.sql", "why"),
        ("message", "tables/messages.sql", "kind"),
        ("delivery", "tables/messages.sql", "state"),
        ("run", "tables/scheduler_execution_log.sql", "status"),
    ],
)
def test_each_code_of_a_constraint_has_a_word_and_no_other_has(
    table: str, path: str, column: str
) -> None:
    """A code without a word would be shown in English to everybody."""
    assert set(TABLES[table]) == codes_of(path, column)


def test_each_filter_and_each_reason_of_a_form_has_a_word() -> None:
    """C1."""
    assert set(FILTERS) == set(TABLES["filter"])
    assert {*PAUSE_REASONS, *RESUME_REASONS} <= set(TABLES["reason"])


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("next_step", "private/functions/shown_mentors.sql"),
        ("filter", "functions/list_my_mentors.sql"),
    ],
)
def test_each_word_is_for_a_code_that_the_function_gives(table: str, path: str) -> None:
    """The codes are in the function's text."""
    text = read(path)
    assert [code for code in TABLES[table] if f"'{code}'" not in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_code_is_shown_without_its_underscores(language: Language) -> None:
    """A newer database may know more codes."""
    assert words(language).of("status", "on_the_moon") == "on the moon"
    assert words(language).of("status", None) == ""


def test_the_stories_are_those_of_the_function() -> None:
    """This table misses no answer, and invents none."""
    text = read("functions/explain_mentor.sql").split("'answer', case")[1].split("'rule'")[0]
    assert set(re.findall(r"(?:then|else) '(\w+)'", text)) == set(STORIES)


@pytest.mark.parametrize("answer", STORIES)
@pytest.mark.parametrize("is_me", [False, True])
def test_each_story_has_a_why_and_a_next_in_both_languages(answer: str, is_me: bool) -> None:
    """Whole sentences without a gap, and not the same in both languages."""
    told = story(answer, **STORIES[answer])
    sentences = {(text(words(language), told, is_me)) for language in LANGUAGES for text in TEXTS}
    assert len(sentences) == len(LANGUAGES) * len(TEXTS)
    assert all(re.fullmatch(r"[A-ZÆØÅ][^%_]+\.", sentence) for sentence in sentences)


TEXTS = (Words.why, Words.next)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("answer", STORIES)
def test_a_mentor_is_spoken_to_and_others_are_not(answer: str, language: Language) -> None:
    """Only the mentor reads "you"."""
    you: Literal["you", "du"] = "you" if language == "en" else "du"
    told = story(answer, **STORIES[answer])
    theirs = " ".join(text(words(language), told) for text in TEXTS).lower()
    assert you not in theirs.replace(".", " ").split()


PAUSED = "2026 paused this mentor, because the certification was valid only until 31 January 2026."


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (None, "The history does not say who paused this mentor."),
        ({"reason": "own_wish", "expires_on": None, "by": "mentor"},
         "The mentor asked for the pause."),
        ({"reason": "other", "expires_on": None, "by": "coordinator"},
         "A coordinator paused this mentor."),
        ({"reason": "other", "expires_on": None, "by": "service"},
         "The organisation's system paused this mentor."),
        (LAST_CHANGE | {"run": {"as_of": "2026-03-02"}}, f"The check of 2 March {PAUSED}"),
        (LAST_CHANGE, f"The check of 3 March {PAUSED}"),
    ],
)  # fmt: skip
def test_who_paused_the_mentor_is_said(change: dict[str, Any] | None, sentence: str) -> None:
    """G6: the day is the last one on which the certification counted."""
    assert words("en").why(story("paused_by_hand", last_change=change)) == sentence
