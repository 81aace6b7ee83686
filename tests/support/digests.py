"""Digests for tests of the e-mails, and how a person writes their days and counts."""

import re
from datetime import date, timedelta
from html.parser import HTMLParser
from random import Random
from typing import Any
from uuid import UUID

from notify.digest import Digest
from texts.catalogue import Language

TODAY = date(2026, 11, 26)
LATER = date(2026, 12, 26)
CONSOLE = "https://console.example/prod/"
_NOTHING: dict[str, Any] = {
    "digest_id": UUID(int=7),
    "email": "kari.nordmann@example.com",
    "language": "nb",
    "day": TODAY,
    "own_paused_on": None,
    "own_expires_on": None,
    "paused_count": 0,
    "renewed_count": 0,
    "expiring_count": 0,
    "first_expires_on": None,
    "unreachable_count": 0,
}
_MONTHS: dict[Language, str] = {
    "nb": "januar februar mars april mai juni juli august september oktober november desember",
    "en": "January February March April May June July August September October November December",
}
_EMAILS = (
    "kari.nordmann@example.com",
    "Åse-Marie.Bråten@likeperson.example",
    '"<script>alert(1)</script>"@example.com',
    "ola@example.com\r\nBcc: everybody@example.com",
    "{{ digest.email }}%(email)s@example.com",
    "<img src=//tracker.example/1.gif>@example.com",
)
_COUNTS = (0, 0, 1, 2, 3, 17, 999, 1000, 41_235)


def digest(**values: Any) -> Digest:
    """Return a digest that says only what the values say."""
    return Digest(**(_NOTHING | values))


def any_digest(random: Random, language: Language) -> Digest:
    """Return a digest with any combination of days and counts, for a hostile address."""
    day = date(2026, 1, 1) + timedelta(days=random.randrange(800))
    days = [None, day, day + timedelta(days=random.randrange(1, 100))]
    expiring = random.choice(_COUNTS)
    values: dict[str, Any] = {
        "digest_id": UUID(int=random.getrandbits(128)),
        "email": random.choice(_EMAILS),
        "language": language,
        "day": day,
        "own_paused_on": random.choice(days),
        "own_expires_on": random.choice(days),
        "paused_count": random.choice(_COUNTS),
        "renewed_count": random.choice(_COUNTS),
        "expiring_count": expiring,
        "first_expires_on": days[2] if expiring else random.choice(days),
        "unreachable_count": random.choice(_COUNTS),
        "held_count": random.choice(_COUNTS),
        "own_resumed_on": random.choice(days),
        "resumed_count": random.choice(_COUNTS),
        "unforeseen_count": random.choice(_COUNTS),
    }
    said = {name for name in values if name.startswith("own_") or name.endswith("_count")}
    said -= {"expiring_count", "unreachable_count"}
    if not expiring and not any(values[name] for name in said):
        values["renewed_count"] = 1
    return Digest(**values)


def write_day(day: date, language: Language) -> str:
    """Return a day as people in Norway and in Great Britain write it."""
    month = _MONTHS[language].split()[day.month - 1]
    return f"{day.day}. {month} {day.year}" if language == "nb" else f"{day.day} {month} {day.year}"


def write_count(count: int, language: Language) -> str:
    """Return a count with a no-break space, or with a comma, between the thousands."""
    return f"{count:,}".replace(",", "\xa0" if language == "nb" else ",")


class Page(HTMLParser):
    """The parts of an HTML e-mail."""

    def __init__(self, html: str) -> None:
        """Read the e-mail."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag. The text until the next tag belongs to it."""
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Go back to the tag around it."""
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Note the text of the innermost tag."""
        if data.strip():
            self.texts.setdefault(self._open[-1], []).append(data)

    @property
    def links(self) -> list[str | None]:
        """Return the targets of the links."""
        return [attributes.get("href") for tag, attributes in self.tags if tag == "a"]

    @property
    def body(self) -> str:
        """Return the words of paragraphs, lists and links."""
        return "\n".join(text for tag in ("p", "li", "a") for text in self.texts.get(tag, ()))


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without signs and digits."""
    return re.findall(r"[^\W\d_]+", text.lower())
