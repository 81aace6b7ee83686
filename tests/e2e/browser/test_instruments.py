"""The measures of the browser tests notice a page that is wrong, and no other."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser

from support.browser import (
    SMALL,
    axe_findings,
    open_page,
    overflow,
    small_targets,
    tab_to,
    weigh,
)

pytestmark = pytest.mark.xdist_group("second stack")

HEAD = "<!doctype html><html lang=en><head><meta name=viewport content='width=device-width'>"
GOOD = f"""{HEAD}<title>Tonight</title><style>:root {{color-scheme: light dark; background: Canvas}}
a {{color: inherit}}
button {{min-height: 44px; min-width: 44px}}</style></head><body><main><h1>Tonight</h1>
<p>All was well. <a href=#why>Why?</a></p>
<button id=run>Run the check</button></main></body></html>
"""
PALE = "<style>@media (prefers-color-scheme: dark) {p {color: #333}}</style><p>"


def test_a_good_page_has_no_findings(browser: Browser) -> None:
    """Neither in a small window nor in the dark."""
    with open_page(browser, width=SMALL, dark=True) as page:
        page.set_content(GOOD)
        assert axe_findings(page) == []
        assert overflow(page) == 0
        assert small_targets(page) == []
        assert tab_to(page, "run")


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (GOOD.replace(" lang=en", ""), "html-has-lang"),
        (GOOD.replace("<main>", "<div>").replace("</main>", "</div>"), "landmark-one-main"),
        (GOOD.replace("<p>", "<input><p>"), "label"),
        (GOOD.replace("<p>", PALE), "color-contrast"),
    ],
    ids=["language", "landmark", "label", "contrast"],
)
def test_axe_finds_what_is_wrong(browser: Browser, wrong: str, rule: str) -> None:
    """A rule of WCAG, a best practice, and a contrast that only the dark colours lack."""
    with open_page(browser, dark=True) as page:
        page.set_content(wrong)
        assert rule in {finding.partition(":")[0] for finding in axe_findings(page)}


def test_a_contrast_in_the_dark_is_no_finding_by_day(browser: Browser) -> None:
    """The colours are those of the visitor's setting."""
    with open_page(browser) as page:
        page.set_content(GOOD.replace("<p>", PALE))
        assert axe_findings(page) == []


def test_a_wide_page_and_a_small_button_are_noticed(browser: Browser) -> None:
    """A table that does not fit, and a button of 20 pixels that the keyboard does not reach."""
    wide = GOOD.replace("<p>", "<p style='width: 400px'>")
    tiny = wide.replace("min-height: 44px; min-width: 44px", "all: unset; height: 20px")
    with open_page(browser, width=SMALL) as page:
        page.set_content(tiny.replace("<button", "<button tabindex=-1 style='display: block'"))
        assert overflow(page) > 0
        assert small_targets(page) != []
        assert not tab_to(page, "run", most=5)


class Pages(BaseHTTPRequestHandler):
    """Answers with a page and its style sheet."""

    def do_GET(self) -> None:
        """Send them."""
        style = "<link rel=stylesheet href=/s.css>"
        body = "p {}" if self.path == "/s.css" else GOOD.replace("<style>", f"{style}<style>")
        self.send_response(200)
        self.send_header("Content-Type", "text/css" if self.path == "/s.css" else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_page_is_weighed_with_all_it_needs(browser: Browser, *, with_scripts: bool) -> None:
    """The style sheet counts as a request and as bytes."""
    with HTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with open_page(browser, with_scripts=with_scripts) as page:
            requests, size = weigh(page, f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
    assert requests in {2, 3}  # Chromium may ask for an icon
    assert len(GOOD) < size < 3 * len(GOOD)
