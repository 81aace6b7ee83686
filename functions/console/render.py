"""Renders the console's pages with Jinja2, in one language per renderer."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from console.stylesheet import STYLESHEET
from console.words import Words
from texts.catalogue import Catalogue, Language

FOLDER = Path(__file__).parent
TRANSLATIONS = FOLDER / "translations"


class PageRenderer:
    """Reads the catalogue when it is built; templates when they are first used."""

    def __init__(self, language: Language) -> None:
        self.texts = Catalogue(language, TRANSLATIONS)
        environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        translations = self.texts.translations
        environment.install_gettext_callables(  # pyright: ignore[reportAttributeAccessIssue]
            translations.gettext, translations.ngettext, newstyle=True
        )
        environment.filters |= {
            "day": self.day,
            "until": self.until,
            "number": self.texts.number,
            "short": short_number,
        }
        shared = cast("dict[str, object]", environment.globals)
        shared |= {"isolated": isolated, "words": Words(self.texts), "stylesheet": STYLESHEET.name}
        self._environment = environment

    def render(self, template: str, values: Mapping[str, object], zone: tzinfo | None) -> str:
        """Return a page; moments are in a time zone, and without one there are none."""
        common = {"moment": partial(self.moment, zone=zone), "language": self.texts.language}
        return self._environment.get_template(template).render({**common, **values})

    def day(self, iso: str | date | None) -> str:
        """Return a day in words; empty: there is none."""
        return self.texts.day(_day(iso)) if iso else ""

    def until(self, expires_on: str | None) -> str:
        """Return the last day on which a certification counts: the day before it expires."""
        return self.texts.day(_day(expires_on) - timedelta(days=1)) if expires_on else ""

    def moment(self, iso: str | None, zone: tzinfo | None) -> str:
        """Return a moment in words, in the organisation's time zone; empty: there is none."""
        if not iso or zone is None:
            return ""
        return self.texts.moment(datetime.fromisoformat(iso), zone)


def isolated(text: str) -> Markup:
    """Return a name that keeps its own direction of writing within a sentence."""
    return Markup("<bdi>{}</bdi>").format(text)


def short_number(number: str) -> str:
    """Return the beginning of a mentor's number, by which people tell mentors apart."""
    return number[:8]


def _day(iso: str | date) -> date:
    return iso if isinstance(iso, date) else date.fromisoformat(iso)
