"""C6: the pictures of the README, and the program that takes them."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from local.places import ROOT
from support.browser import LARGE
from support.console import Site
from support.pictures import HEIGHT, size_of, take_for_readme

pytestmark = pytest.mark.xdist_group("second stack")

NAMES = ["console-mentor.png", "console-tonight.png"]
MOST_BYTES = 150_000


def assert_fit(folder: Path) -> None:
    """Assert that a folder has the pictures, and that they are of the right size."""
    assert sorted(file.name for file in folder.iterdir()) == NAMES
    for name in NAMES:
        picture = (folder / name).read_bytes()
        assert size_of(picture) == (LARGE, HEIGHT)
        assert len(picture) < MOST_BYTES


def test_the_readme_has_its_pictures() -> None:
    """They may be older than the pages: `make screenshots` takes new ones."""
    assert_fit(ROOT / "docs/images")


def test_pictures_of_the_pages_can_be_taken(browser: Browser, site: Site, tmp_path: Path) -> None:
    """With the dates of today."""
    take_for_readme(browser, site, tmp_path)
    assert_fit(tmp_path)
