"""A Chromium of this machine, and what a page is measured by (WCAG 2.2 AA)."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

NOTICE = "no Chromium: the pages are not opened in a browser (Debian's package chromium)"
LARGE, SMALL = 1280, 320
"""Widths in CSS pixels; 320 is also what a width of 1280 shows at a zoom of 400 %."""
TARGET = 24
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_TARGETS = """least => [...document.querySelectorAll('button, input:not([type=hidden]), select, a')]
    .filter(e => e.checkVisibility() && getComputedStyle(e).display !== 'inline')
    .filter(e => {const b = e.getBoundingClientRect(); return b.width < least || b.height < least})
    .map(e => e.outerHTML)"""


def find_chromium() -> Path | None:
    """Return the machine's Chromium."""
    found = which("chromium") or which("chromium-browser") or which("google-chrome")
    return Path(found) if found else None


@contextmanager
def open_browser() -> Generator[Browser]:
    """Run one Chromium for many pages.

    The test is skipped, with a notice, where none is installed.
    """
    chromium = find_chromium()
    if chromium is None:
        pytest.skip(NOTICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_context(
    browser: Browser,
    language: Literal["nb-NO", "en"] = "nb-NO",
    width: int = LARGE,
    *,
    dark: bool = False,
    with_scripts: bool = True,
) -> Generator[BrowserContext]:
    """Let a new visitor come, who has no cookie yet."""
    with browser.new_context(
        locale=language,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        java_script_enabled=with_scripts,
        timezone_id="Europe/Oslo",
    ) as context:
        yield context


@contextmanager
def open_page(
    browser: Browser, width: int = LARGE, *, dark: bool = False, with_scripts: bool = True
) -> Generator[Page]:
    """Open an empty page of a new visitor."""
    with open_context(browser, width=width, dark=dark, with_scripts=with_scripts) as context:
        yield context.new_page()


def axe_findings(page: Page) -> list[str]:
    """Return what axe finds, as "rule: element".

    To axe a page is white, also in the dark, unless the page sets a background.
    """
    options = {"runOnly": _TAGS, "resultTypes": ["violations"]}
    violations = Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {node['html']}" for v in violations for node in v["nodes"]]


def overflow(page: Page) -> int:
    """Return how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def small_targets(page: Page) -> list[str]:
    """Return the controls that are too small to hit; a link within a line of text may be."""
    return page.evaluate(_TARGETS, TARGET)


def tab_to(page: Page, name: str, most: int = 40) -> bool:
    """Press Tab until the control of that name has the focus; return whether it was reached."""
    named = (
        "name => document.activeElement.innerText === name || document.activeElement.id === name"
    )
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(named, name):
            return True
    return False


def weigh(page: Page, address: str) -> tuple[int, int]:
    """Open an address; return the number of requests, and the bytes of their bodies."""
    done: list[Request] = []

    def note(request: Request) -> None:
        done.append(request)

    page.on("requestfinished", note)
    page.goto(address)
    page.remove_listener("requestfinished", note)
    return len(done), sum(request.sizes()["responseBodySize"] for request in done)
