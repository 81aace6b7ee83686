"""An e-mail holds counts, days and the console's address, and nothing about a person (W5)."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from random import Random

import pytest

from mentor_pause.aws.mailer import Mail
from notify.catalogue import TRANSLATIONS
from notify.digest import Digest, Language
from notify.render import Renderer
from support.digests import Page, any_digest, words, write_count, write_day

FORBIDDEN: dict[str, str] = {
    "the role": r"likepers|likem[ae]nn|mentor|peer|frivillig|volunteer",
    "the certification": r"sertifi|certif|kursbevis|godkjenn|kvalifi|qualif|licen[cs]|diplom",
    "health": r"\w*helse|health|syk|sick|ill(ness)?\b|disease|diagnos|pasient|patient|medis|medic"
    r"|behandl|treat|funksjons|disab|handikap|handicap",
    "hearing": r"\w*hørsel|hør(e|te|er|t)?\b|høreapp|tunghør|hear|døv|deaf|tinnitus|implant|audi",
    "the organisation": r"hlf|landsforbund|forbund|association|federation",
    "addresses": r"bcc|tracker|example|nordmann|kari|ola|åse|marie|bråten|everybody",
}
"""The beginnings of words that say something about a person, in both languages."""
CONSOLES = (
    "",
    "https://console.example/prod/",
    'https://mentor-pause.example/hlf?next="><img/src=//tracker.example>&m=kari',
)
_NUMBER = re.compile(r"\d+\.? [^\W\d]+ \d{4}|\d[\d,\xa0]*")
"""A day, or a count."""
MAILS = [200, pytest.param(5_000, marks=pytest.mark.slow)]
"""In each language. All of them take seconds, so `make quick` checks the first ones only."""


def numbers(text: str) -> set[str]:
    """Return the days and counts in a text."""
    return set(_NUMBER.findall(text))


def day_and_count_texts(said: Digest) -> set[str]:
    """Return the days and counts that the e-mail has to name, as people write them."""
    days = [said.own_paused_on]
    if said.own_expires_on and said.own_expires_on > (said.own_paused_on or date.min):
        days.append(said.own_expires_on)  # the others are past: that pause has happened
    counts = [said.held_count]
    if said.paused_count or said.renewed_count or said.expiring_count:
        days += [said.day, said.first_expires_on if said.expiring_count else None]
        counts += [said.paused_count, said.renewed_count, said.expiring_count]
        counts.append(said.unreachable_count)
    return {
        *(write_day(day, said.language) for day in days if day),
        *(write_count(count, said.language) for count in counts if count),
    }


def mails(language: Language, count: int) -> Iterator[tuple[Digest, Mail, str]]:
    """Yield digests with any combination of contents, their e-mails, and the console's address."""
    random = Random(f"digests in {language}")  # noqa: S311 - it chooses test data
    renderers = [(Renderer(console), console) for console in CONSOLES]
    for _ in range(count):
        said, (renderer, console) = any_digest(random, language), random.choice(renderers)
        yield said, renderer.render(said), console


def vocabulary(language: Language) -> set[str]:
    """Return the words of the catalogue in one language."""
    catalogue = (TRANSLATIONS / "nb.po").read_text()
    keyword = "msgstr" if language == "nb" else "msgid"
    texts = re.findall(rf'^{keyword}\S* "(.*)"$', catalogue, re.MULTILINE)
    return set(words(re.sub(r"%\(\w+\)s", " ", " ".join(texts))))


@pytest.mark.parametrize("count", MAILS)
@pytest.mark.parametrize("language", ["nb", "en"])
def test_a_mail_holds_counts_days_and_one_link_only(language: Language, count: int) -> None:
    """It names each day and each count. Each of its words is in the catalogue."""
    known = vocabulary(language)
    for said, mail, console in mails(language, count):
        page = Page(mail.html)
        text = mail.text.replace(console, " ") if console else mail.text
        assert numbers(text) == numbers(page.body) == day_and_count_texts(said), said
        assert "http" not in text, said
        assert set(page.links) == ({console} if console else set()), said
        assert numbers(mail.subject) <= day_and_count_texts(said), said
        assert page.texts["title"] == page.texts["h1"] == [mail.subject], said
        for part in (mail.subject, text, page.body):
            rest = _NUMBER.sub(" ", part)
            assert not re.search(r"[\d@<>{}%/]", rest), (said, rest)
            assert set(words(rest)) <= known, (said, set(words(rest)) - known)
        check_form(mail, page)


def check_form(mail: Mail, page: Page) -> None:
    """Check that the page loads nothing, and that the subject is one line of a usual length."""
    names = {name for tag, attributes in page.tags for name in attributes if tag != "a"}
    assert names <= {"lang", "charset", "name", "content", "style"}
    assert {name for tag, attributes in page.tags for name in attributes if tag == "a"} <= {"href"}
    assert not re.search(r"url\(|@import|expression", str(page.tags))
    assert len(mail.subject.splitlines()) == 1
    assert not [sign for sign in mail.subject if unicodedata.category(sign)[0] == "C"]
    assert 10 < len(mail.subject) < 90
    assert len(mail.html.encode()) < 10_000


@pytest.mark.parametrize("about", FORBIDDEN)
@pytest.mark.parametrize("language", ["nb", "en"])
def test_no_text_says_anything_about_a_person(about: str, language: Language) -> None:
    """The test above allows only words of the catalogue. This one says which it may not have."""
    forbidden = re.compile(FORBIDDEN[about])
    assert [word for word in sorted(vocabulary(language)) if forbidden.match(word)] == []


@pytest.mark.parametrize(
    "word",
    ["likepersonen", "mentors", "sertifiseringen", "certified", "helsen", "hørselshemmede", "HLFs",
     "høreapparat", "hearing", "illness", "sykdom", "deafness", "tunghørte", "folkehelse"],
)  # fmt: skip
def test_an_inflected_word_is_found_too(word: str) -> None:
    """The patterns match beginnings."""
    assert [about for about, words_of in FORBIDDEN.items() if re.match(words_of, word.lower())]
