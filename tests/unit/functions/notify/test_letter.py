"""The subject of a digest, and the order of its parts."""

from typing import Any

import pytest

from notify.letter import Letter, LetterWriter
from notify.render import TRANSLATIONS
from support.digests import LATER, TODAY, digest
from texts.catalogue import Catalogue, Language

ALL: dict[str, Any] = {
    "own_paused_on": TODAY,
    "own_expires_on": LATER,
    "held_count": 4,
    "unforeseen_count": 12,
    "own_resumed_on": TODAY,
    "paused_count": 2,
    "expiring_count": 3,
    "first_expires_on": LATER,
    "resumed_count": 5,
    "renewed_count": 1,
}


def write(language: Language, **values: Any) -> Letter:
    """Return the letter of a digest."""
    writer = LetterWriter(Catalogue(language, TRANSLATIONS))
    return writer.write(digest(language=language, **values))


SUBJECTS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"own_paused_on": TODAY},
        "Forny oppføringen din: Den ble satt på pause 26. november 2026",
        "Renew your listing: it was paused on 26 November 2026",
    ),
    (
        {"own_expires_on": LATER},
        "Forny oppføringen din før 26. desember 2026",
        "Renew your listing before 26 December 2026",
    ),
    ({"held_count": 1}, "Avgjør: 1 pause er holdt igjen", "Decide: 1 pause is held"),
    ({"held_count": 2}, "Avgjør: 2 pauser er holdt igjen", "Decide: 2 pauses are held"),
    (
        {"unforeseen_count": 1},
        "Kontroller: 1 oppføring er satt på pause uten varsel i tide",
        "Check: 1 listing was paused without a warning in time",
    ),
    (
        {"unforeseen_count": 12},
        "Kontroller: 12 oppføringer er satt på pause uten varsel i tide",
        "Check: 12 listings were paused without a warning in time",
    ),
    (
        {"own_resumed_on": TODAY},
        "Oppføringen din er aktiv igjen",
        "Your listing is active again",
    ),
    ({"resumed_count": 1}, "1 oppføring er aktiv igjen", "1 listing is active again"),
    ({"resumed_count": 2}, "2 oppføringer er aktive igjen", "2 listings are active again"),
    (
        {"paused_count": 1},
        "Følg opp: 1 oppføring er satt på pause",
        "Follow up: 1 listing was paused",
    ),
    (
        {"paused_count": 2},
        "Følg opp: 2 oppføringer er satt på pause",
        "Follow up: 2 listings were paused",
    ),
    (
        {"expiring_count": 1, "first_expires_on": LATER},
        "Følg opp: 1 oppføring må fornyes før 26. desember 2026",
        "Follow up: 1 listing must be renewed before 26 December 2026",
    ),
    (
        {"expiring_count": 2, "first_expires_on": LATER},
        "Følg opp: 2 oppføringer må fornyes, den første før 26. desember 2026",
        "Follow up: 2 listings must be renewed, the first before 26 December 2026",
    ),
    (
        {"renewed_count": 1},
        "Følg opp: 1 oppføring er fornyet",
        "Follow up: 1 listing was renewed",
    ),
    (
        {"renewed_count": 2},
        "Følg opp: 2 oppføringer er fornyet",
        "Follow up: 2 listings were renewed",
    ),
]


@pytest.mark.parametrize(("values", "norwegian", "english"), SUBJECTS)
def test_the_subject_says_what_to_do(values: dict[str, Any], norwegian: str, english: str) -> None:
    """With the day, or with the count."""
    assert write("nb", **values).subject == norwegian
    assert write("en", **values).subject == english


def test_the_subject_names_what_is_most_urgent() -> None:
    """One's own listing, then a decision, then what is only good news."""
    said, subjects = dict(ALL), list[str]()
    for left_out in (
        "own_paused_on", "own_expires_on", "held_count", "unforeseen_count", "own_resumed_on",
        "paused_count", "expiring_count", "resumed_count",
    ):  # fmt: skip
        subjects.append(write("en", **said).subject)
        del said[left_out]
    subjects.append(write("en", **said).subject)
    assert [subject.split(" 2")[0] for subject in subjects] == [
        "Renew your listing: it was paused on",
        "Renew your listing before",
        "Decide: 4 pauses are held",
        "Check: 12 listings were paused without a warning in time",
        "Your listing is active again",
        "Follow up:",
        "Follow up: 3 listings must be renewed, the first before",
        "5 listings are active again",
        "Follow up: 1 listing was renewed",
    ]


def test_a_letter_has_each_part_once_and_in_this_order() -> None:
    """The subjects have the same order."""
    first = [section.paragraphs[0] for section in write("en", **ALL).sections]
    assert [text.split(" on ")[0].split(",")[0] for text in first] == [
        "Your listing was paused",
        "Your listing will be paused",
        "4 pauses are held",
        "12 listings were paused",
        "Your listing has been active again since 26 November 2026",
        "Status",
    ]


def test_a_letter_begins_and_ends_in_its_language() -> None:
    """It greets, and says why it has no names."""
    norwegian, english = write("nb", **ALL), write("en", **ALL)
    assert (norwegian.greeting, english.greeting) == ("Hei,", "Hello,")
    assert norwegian.closing.endswith("Av hensyn til personvernet inneholder den ingen navn.")
    assert english.closing.endswith("For privacy it contains no names.")
