"""The texts in the recipient's language, with its plurals, days and numbers.

English is the source text. `translations/nb.po` has the Norwegian one. The catalogue is compiled in
memory when a process starts, so that the repository needs no compiled file (docs/decisions/0042).
"""

from datetime import date
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from notify.digest import Language

TRANSLATIONS = Path(__file__).parent / "translations"
LOCALES: dict[Language, str] = {"nb": "nb_NO", "en": "en_GB"}
SOURCE: Language = "en"


class Catalogue:
    """Returns texts in one language. A text's `%(name)s` stands for the value of that name."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._locale = Locale.parse(LOCALES[language])
        self._translations = _read(language)

    def gettext(self, text: str, **days: date) -> str:
        """Return the translation of a text."""
        return self._fill(self._translations.gettext(text), days)

    def ngettext(self, one: str, many: str, count: int, **days: date) -> str:
        """Return the translation of a text with a count, in the plural form of the count."""
        text = self._translations.ngettext(one, many, count)
        return self._fill(text, days, count=format_decimal(count, locale=self._locale))

    def _fill(self, text: str, days: dict[str, date], **values: str) -> str:
        for name, day in days.items():
            values[name] = format_date(day, format="long", locale=self._locale)
        return text % values


def _read(language: Language) -> NullTranslations:
    if language == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    with (TRANSLATIONS / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=LOCALES[language]))
    compiled.seek(0)
    return GNUTranslations(compiled)
