"""An e-mail holds counts, days and the console's address, and nothing about a person (W5)."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from random import Random
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from mentor_pause.aws.mailer import Mail
from notify.digest import Digest
from notify.render import TRANSLATIONS, Renderer
from support.digests import Page, any_digest, words, write_count, write_day
from support.post_office import CONSOLE, SENDER, Notifier, PostOffice
from texts.catalogue import Language

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
    "https://console.example/prod/",
    'https://mentor-pause.example/hlf?next="><img/src=//tracker.example>&m=kari',
)
_NUMBER = re.compile(r"\d+\.? [^\W\d]+ \d{4}|\d[\d,\xa0]*")
"""A day, or a count."""
MAILS = [200, pytest.param(1_000, marks=pytest.mark.slow)]
"""In each language. All of them take seconds, so `make quick` checks the first ones only."""


def numbers(text: str) -> set[str]:
    """Return the days and counts in a text."""
    return set(_NUMBER.findall(text))


def day_and_count_texts(said: Digest) -> set[str]:
    """Return the days and counts that the e-mail has to name, as people write them."""
    days = [said.own_paused_on]
    if said.own_expires_on and said.own_expires_on > (said.own_paused_on or date.min):
        days.append(said.own_expires_on)  # the others are past: that pause has happened
    days.append(said.own_resumed_on)
    counts = [said.held_count, said.unforeseen_count]
    if said.is_about_others:
        days += [said.day, said.first_expires_on if said.expiring_count else None]
        counts += [said.paused_count, said.renewed_count, said.expiring_count]
        counts += [said.resumed_count, said.unreachable_count]
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


@dataclass
class Outbox:
    """A transport to a database in which these digests are due, one after the other."""

    digests: Iterator[Digest]
    begun: dict[UUID, Digest] = field(default_factory=dict[UUID, Digest])

    def call(self, function: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Answer as the database function does."""
        if function == "settle_messages":
            return [{"unknown_count": 0, "outdated_count": 0}]
        if function == "finish_digest":
            return [{"finish_digest": True}]
        for said in self.digests:
            self.begun[arguments["p_digest_id"]] = said
            return [{name: value for name, value in asdict(said).items() if name != "digest_id"}]
        return []


@dataclass
class TalkativeOffice(PostOffice):
    """SES that often fails, and whose errors repeat the address and more."""

    random: Random = field(default_factory=Random)

    def send_email(self, **request: Any) -> dict[str, str]:
        """Take an e-mail, or fail."""
        text = f"the mentor's certification: {request['Destination']}"
        answers: dict[str, Any] = {
            code: {"Error": {"Code": code, "Message": text}}
            for code in ("MessageRejected", "TooManyRequestsException", "SendingPausedException")
        }
        failures = [ClientError(answer, text) for answer in answers.values()]
        failures += [ParamValidationError(report=text), ReadTimeoutError(endpoint_url=text)]
        if self.random.random() < 1 / 3:
            self.failures = [self.random.choice(failures)]
        return super().send_email(**request)


def sent_by_mailer(language: Language, count: int) -> tuple[Notifier, dict[UUID, Digest]]:
    """Send digests through the mailer, and return the notifier and what it began to send."""
    random = Random(f"requests in {language}")  # noqa: S311 - it chooses test data
    outbox = Outbox(any_digest(random, language) for _ in range(count))
    notifier = Notifier(outbox, TalkativeOffice(random=random))
    render = notifier.render

    def render_most(digest: Digest) -> Mail:
        if random.random() < 1 / 20:
            raise ValueError(f"{digest.email} cannot be rendered")
        return render(digest)

    notifier.render = render_most
    while len(outbox.begun) < count:
        notifier.send(lambda: random.choice((300.0, 300.0, 0.0)))
    return notifier, outbox.begun


def forbidden_words(text: str) -> list[str]:
    """Return the words of a text that say something about a person."""
    patterns = [re.compile(about) for about in FORBIDDEN.values()]
    return [word for word in words(text) if any(pattern.match(word) for pattern in patterns)]


@pytest.mark.parametrize("language", ["nb", "en"])
def test_a_request_to_ses_names_the_recipient_once_and_nobody_else(language: Language) -> None:
    """The headers and the tag are the same for everybody, except the digest's id."""
    notifier, begun = sent_by_mailer(language, 300)
    requests = notifier.office.requests
    assert len(requests) > 250  # some digests were not rendered, and some requests were repeated
    for request in requests:
        (tag,) = request.pop("EmailTags")
        said = begun[UUID(tag["Value"])]
        assert tag["Name"] == "digest"
        (address,) = request.pop("Destination")["ToAddresses"]
        assert address.rpartition("@")[0] == said.email.rpartition("@")[0]
        content = request.pop("Content")["Simple"]
        assert request == {"FromEmailAddress": SENDER, "ConfigurationSetName": "events"}
        assert content.pop("Headers") == [{"Name": "Auto-Submitted", "Value": "auto-generated"}]
        assert content.keys() == {"Subject", "Body"}
        assert content["Body"].keys() == {"Text", "Html"}
        parts = (content["Subject"], *content["Body"].values())
        text = "\n".join(part["Data"] for part in parts).replace(CONSOLE, " ")
        assert not re.search(rf"\b({FORBIDDEN['addresses']})|@", text, re.IGNORECASE), said


@pytest.mark.parametrize("language", ["nb", "en"])
def test_no_log_line_of_the_notifier_says_anything_about_a_person(language: Language) -> None:
    """A line holds counts and codes, whatever SES and the renderer say."""
    notifier, _ = sent_by_mailer(language, 300)
    output = notifier.output.getvalue()
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["message"] for line in lines} == {"messages sent", "digest not rendered"}
    codes = {line.get("code") for line in lines}
    assert codes >= {"MessageRejected", "TooManyRequestsException", "ReadTimeoutError"}
    assert "@" not in output
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", output), "an id"
    assert forbidden_words(output) == []
