"""Pictures of the console's pages."""

import struct
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import Browser

from support.browser import LARGE, SMALL, open_context
from support.console import LANGUAGES, PLACES, Language, Place, Site, come_as

HEIGHT = 800
"""The height of the window."""


def take_all(browser: Browser, site: Site, folder: Path) -> None:
    """Take a picture of every page, in both languages and two widths, and those of the README."""
    for width in (LARGE, SMALL):
        for language in LANGUAGES:
            take(browser, site, PLACES, folder / f"{language}-{width}", language, width)
    take_for_readme(browser, site, folder)


def take_for_readme(browser: Browser, site: Site, folder: Path) -> None:
    """Take the pictures of the README; the dates on them are those of today."""
    places = {place.name: place for place in PLACES}
    shown = [
        places["tonight-coordinator"]._replace(name="console-tonight"),
        places["mentor-active"]._replace(name="console-mentor"),
    ]
    take(browser, site, shown, folder, "en", LARGE, whole=False)


def take(
    browser: Browser, site: Site, places: Iterable[Place], folder: Path,
    language: Language, width: int, *, whole: bool = True,
) -> None:  # fmt: skip
    """Take pictures of places; `whole`: also of what does not fit into the window."""
    folder.mkdir(parents=True, exist_ok=True)
    for place in places:
        with open_context(browser, width=width) as context:
            page = come_as(context, site, place.who, language)
            page.goto(site.address(place))
            page.screenshot(path=folder / f"{place.name}.png", full_page=whole)


def size_of(picture: bytes) -> tuple[int, int]:
    """Return width and height of a PNG picture (https://www.w3.org/TR/png-3/#11IHDR)."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height
