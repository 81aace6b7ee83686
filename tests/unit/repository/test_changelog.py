"""CHANGELOG.md has the format that it names, and the version that the package has."""

import re
import tomllib
from datetime import date

from local.places import ROOT

LINES = (ROOT / "CHANGELOG.md").read_text().splitlines()
VERSIONS = [line for line in LINES if line.startswith("## ")]
GROUPS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
"""The groups of Keep a Changelog 1.1.0, in the order of that page."""


def version_of(heading: str) -> tuple[int, ...]:
    """Return the version of a heading `## [1.2.3] - DATE` as numbers."""
    match = re.fullmatch(r"## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d|Unreleased)", heading)
    assert match, heading
    if match[4] != "Unreleased":
        date.fromisoformat(match[4])
    return tuple(int(number) for number in match.groups()[:3])


def test_the_newest_version_comes_first_and_is_the_packages() -> None:
    """Only `pyproject.toml` holds the version's number."""
    versions = [version_of(heading) for heading in VERSIONS]
    assert versions == sorted(set(versions), reverse=True)
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert ".".join(map(str, versions[0])) == package


def test_only_the_newest_version_may_be_unreleased() -> None:
    """A version below it has a date."""
    assert [heading for heading in VERSIONS[1:] if "Unreleased" in heading] == []


def test_a_version_has_each_group_at_most_once_in_the_formats_order() -> None:
    """No other third-level heading."""
    for section in "\n".join(LINES).split("\n## ")[1:]:
        groups = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert groups == [group for group in GROUPS if group in groups]
