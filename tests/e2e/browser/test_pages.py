"""Every page of the console is for everybody: WCAG 2.2 AA, small windows, the dark, slow lines."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from support.browser import SMALL, axe_findings, open_context, overflow, small_targets, weigh
from support.console import LANGUAGES, PLACES, Language, Place, Site, Who, come_as

pytestmark = pytest.mark.xdist_group("second stack")

MOST_BYTES = 50_000
REQUESTS = 2  # the page and its style sheet

FORMS = {
    "sign-in": "/sign-in", "code": "/sign-in/code", "mentor-active": "/pause", "held": "/approve",
}  # fmt: skip
"""Pages with a form that changes nothing when it is sent empty, and the end of its address."""


class Visitors(dict[tuple[Who, Language], Page]):
    """A page for each person and language, which is opened when it is first asked for."""

    def __init__(self, browser: Browser, site: Site, stack: ExitStack) -> None:
        super().__init__()
        self._browser, self._site, self._stack = browser, site, stack

    def __missing__(self, key: tuple[Who, Language]) -> Page:
        context = self._stack.enter_context(open_context(self._browser))
        self[key] = come_as(context, self._site, *key)
        return self[key]


@pytest.fixture(scope="module")
def visitors(browser: Browser, site: Site) -> Iterator[Visitors]:
    """The people of the table."""
    with ExitStack() as stack:
        yield Visitors(browser, site, stack)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PLACES, ids=[place.name for place in PLACES])
def test_a_page_is_small_has_no_findings_and_fits(
    place: Place, language: Language, visitors: Visitors, site: Site
) -> None:
    """C5, C6: in both languages, by day and in the dark, and at a zoom of 400 %."""
    page = visitors[place.who, language]
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    requests, size = weigh(page, site.address(place))
    assert {"nb": place.title, "en": ""}[language] in page.title()
    assert page.locator("html").get_attribute("lang") == language
    assert (requests, size < MOST_BYTES) == (REQUESTS, True)
    assert axe_findings(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": SMALL, "height": 256})
    assert axe_findings(page) == []
    assert overflow(page) == 0
    assert small_targets(page) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FORMS)
def test_an_empty_form_is_answered_at_the_top_of_its_page(
    name: str, language: Language, visitors: Visitors, site: Site
) -> None:
    """C4: the focus is on what is wrong, and a link leads to the field."""
    (place,) = (place for place in PLACES if place.name == name)
    page = visitors[place.who, language]
    page.goto(site.address(place))
    with page.expect_navigation() as answer:
        page.locator(f"form[action$='{FORMS[name]}']").evaluate(
            "form => {form.noValidate = true; form.requestSubmit()}"
        )
    assert answer.value.status == 422
    assert page.evaluate("document.activeElement.role") == "alert"
    assert axe_findings(page) == []
    page.locator("[role=alert] a").click()
    field = page.locator("[role=alert] a").get_attribute("href")
    assert page.evaluate("document.activeElement.id") == str(field).removeprefix("#")
