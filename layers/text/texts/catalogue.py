"""The texts in a person's language, with its plurals, days and numbers.

English is the source text. A function's `translations/nb.po` has the Norwegian one. The catalogue
is compiled in memory when a process starts, so that the repository needs no compiled file
(docs/decisions/0042).
"""

from datetime import date, datetime, tzinfo
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Literal

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

type Language = Literal["nb", "en"]

LOCALES: dict[Language, str] = {"nb": "nb_NO", "en": "en_GB"}
SOURCE: Language = "en"

_MOMENTS: dict[Language, str] = {"nb": "{day} kl. {time:%H.%M}", "en": "{day} at {time:%H:%M}"}


class Catalogue:
    """Returns texts in one language. A text's `%(name)s` stands for the value of that name."""

    def __init__(self, language: Language, translations: Path) -> None:
        """`translations` is the folder with the `.po` files."""
        self.language: Language = language
        self._locale = Locale.parse(LOCALES[language])
        self.translations = _read(language, translations)

    def gettext(self, text: str, **values: date | str | int) -> str:
        """Return the translation of a text."""
        return self._fill(self.translations.gettext(text), values)

    def ngettext(self, one: str, many: str, count: int, **values: date | str | int) -> str:
        """Return the translation of a text with a count, in the plural form of the count."""
        text = self.translations.ngettext(one, many, count)
        return self._fill(text, {**values, "count": count})

    def day(self, day: date) -> str:
        """Return a day such as `26. november 2026`."""
        return format_date(day, format="long", locale=self._locale)

    def month(self, day: date) -> str:
        """Return the month of a day, such as `nov. 2026`."""
        return format_date(day, format="MMM y", locale=self._locale)

    def moment(self, moment: datetime, zone: tzinfo) -> str:
        """Return a moment such as `26. november 2026 kl. 03.00`, in a time zone."""
        local = moment.astimezone(zone)
        return _MOMENTS[self.language].format(day=self.day(local.date()), time=local)

    def number(self, number: int) -> str:
        """Return a number with the language's separators."""
        return format_decimal(number, locale=self._locale)

    def _fill(self, text: str, values: dict[str, date | str | int]) -> str:
        return text % {name: self._shown(value) for name, value in values.items()}

    def _shown(self, value: date | str | int) -> str:
        match value:
            case str():
                return value
            case int():
                return self.number(value)
            case _:
                return self.day(value)


def _read(language: Language, translations: Path) -> NullTranslations:
    if language == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    with (translations / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=LOCALES[language]))
    compiled.seek(0)
    return GNUTranslations(compiled)
