"""One Chromium for all browser tests of a process, and the console after a night."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from support.browser import open_browser
from support.console import Site, open_site
from support.deployed import Deployed


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The machine's Chromium. It ends before tests of other folders, which have loops too."""
    with open_browser() as found:
        yield found


@pytest.fixture(scope="module")
def site(browser: Browser, deployed: Deployed) -> Iterator[Site]:
    """The console after a night on a fresh roster; tests of a module that change it do so last."""
    del browser  # without one, the test is skipped before a stack starts
    yield open_site(deployed)
    deployed.let_the_sync_follow(follow=True)
