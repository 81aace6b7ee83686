"""A reserved reason that lacks a part is noticed, and the sentence names the part."""

import re
from dataclasses import replace

import pytest

from local.job_parts import Sources
from local.reason_parts import PLACES, RESERVED, missing_parts

SOURCES = Sources.read()


@pytest.mark.parametrize("reason", RESERVED)
def test_the_reserved_reasons_lack_nothing(reason: str) -> None:
    """S3: only the job may give them."""
    assert missing_parts(reason, SOURCES) == []


def test_every_reason_that_the_database_binds_to_the_job_is_in_the_list() -> None:
    """S3: one that is missing in the list would not be checked."""
    table = SOURCES.text("supabase/schemas/tables/peer_mentor_status_history.sql")
    (check,) = re.findall(r"check \(\((.*?)\) = \(changed_by_role = 'job'\)\)", table)
    assert set(re.findall(r"'(\w+)'", check)) == set(RESERVED)


def test_a_new_reason_lacks_every_part() -> None:
    """Each place that docs/adding-a-reason.md lists."""
    assert [part.split(": ")[0] for part in missing_parts("course_expired", SOURCES)] == [*PLACES]


@pytest.mark.parametrize("path", PLACES)
def test_a_file_that_does_not_name_the_reason_is_named(path: str) -> None:
    """And no other file is."""
    text = SOURCES.text(path).replace("certification_expired", "")
    sources = replace(SOURCES, files={**SOURCES.files, path: text})
    assert missing_parts("certification_expired", sources) == [f"{path}: {PLACES[path]}"]


def test_the_page_lists_the_places_that_are_checked() -> None:
    """A reader does not need the program."""
    page = SOURCES.text("docs/adding-a-reason.md")
    for path in PLACES:
        assert path.removeprefix("docs/") in page, path
