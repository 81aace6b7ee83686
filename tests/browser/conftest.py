"""One Chromium for all browser tests of a process."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from support.browser import open_browser


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The machine's Chromium. It ends before tests of other folders, which have loops too."""
    with open_browser() as found:
        yield found
