"""The forms that set a mentor on pause or active again (C1, C4)."""

from urllib.parse import quote
from uuid import UUID

import pytest

from support.console_requests import Page
from support.console_world import World

COORDINATOR = "coordinator by assignment"


def send(world: World, form: str, persona: str = COORDINATOR, **fields: str) -> Page:
    """Send the form of the coordinator's active mentor."""
    mentor = world.mentors["assigned"][0]
    reason = {"pause": "on_leave", "resume": "back_again"}[form]
    values = {"reason": reason, "version": world.version(mentor)} | fields
    return world.console.post(f"/mentors/{mentor}/{form}", values, world.tokens[persona])


def history(world: World, mentor: UUID) -> list[tuple[str, str]]:
    """Return the mentor's changes, oldest first."""
    return world.db.execute(
        "select new_status, reason from peer_mentor_status_history where mentor_id = %s"
        " order by id", (mentor,),
    ).fetchall()  # fmt: skip


def test_a_form_that_is_sent_twice_changes_once(world: World) -> None:
    """C4: both times the person reads that it is done."""
    mentor = world.mentors["assigned"][0]
    for form, status in (("pause", "paused"), ("resume", "active")):
        version = world.version(mentor)
        pages = [send(world, form, version=version) for _ in range(2)]
        assert [page.leads_to for page in pages] == [f"/mentors/{mentor}?done={status}"] * 2
    assert history(world, mentor) == [("paused", "on_leave"), ("active", "back_again")]


def test_the_page_after_a_change_says_so(world: World) -> None:
    """C4: in the browser's language, with the reason in the history."""
    token = world.tokens[COORDINATOR]
    done = send(world, "pause").leads_to
    page = world.console.get(done, token, Accept_Language="en")
    assert "The mentor is paused now." in page.text
    assert "Reason: away for some time." in page.text


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": ""},
        {"reason": "certification_expired"},
        {"version": ""},
        {"version": "-1"},
        {"version": "x"},
    ],
)
def test_a_form_without_a_reason_changes_nothing(world: World, fields: dict[str, str]) -> None:
    """C4: 422, and the page leads to the reasons."""
    before = world.fingerprint()
    page = send(world, "pause", Accept_Language="en", **fields)
    assert (page.status, world.fingerprint()) == (422, before)


def test_a_number_that_no_page_writes_is_refused_quietly(world: World) -> None:
    """C4: it is too large for the database; no alarm rings for it."""
    assert send(world, "pause", version="9999999999").status == 409


def test_a_form_that_comes_too_late_changes_nothing(world: World) -> None:
    """C4: 409; somebody has paused and resumed the mentor in the meantime."""
    mentor = world.mentors["assigned"][0]
    version = world.version(mentor)
    send(world, "pause")
    send(world, "resume")
    page = send(world, "pause", version=version)
    assert (page.status, len(history(world, mentor))) == (409, 2)


def test_nobody_becomes_active_without_a_valid_certification(world: World) -> None:
    """E1: 409, with the reason."""
    mentor, token = world.mentors["assigned"][1], world.tokens[COORDINATOR]
    form = {"reason": "back_again", "version": world.version(mentor)}
    path = f"/mentors/{mentor}/resume"
    page = world.console.post(path, form, token, Accept_Language="en")
    assert page.status == 409
    assert "The certification has expired. It must be renewed first." in page.text


def test_many_changes_of_one_mentor_are_too_many(world: World) -> None:
    """C4: 429 instead of an error, and the mentor stays as they are."""
    pages = [send(world, form) for _ in range(10) for form in ("pause", "resume")]
    assert {page.status for page in pages} == {303}
    assert send(world, "pause").status == 429
    assert len(history(world, world.mentors["assigned"][0])) == len(pages)


@pytest.mark.parametrize(
    "query",
    ["%_", "abc", "\0", "\\", "'; drop table x --", "a" * 500],
)
def test_a_search_that_the_database_cannot_read_is_a_page(world: World, query: str) -> None:
    """C4: never an error of ours."""
    cookie = f"__Host-search={quote(query, safe='')}"
    page = world.console.get("/mentors?searched=1", world.tokens[COORDINATOR], Cookie=cookie)
    assert page.status in (200, 422)


@pytest.mark.parametrize("path", ["/checks/{}?after=x", "/checks/{}?after=%00", "/held?after=x"])
def test_an_address_with_a_wrong_place_shows_the_first_page(world: World, path: str) -> None:
    """C4: and no alarm rings."""
    page = world.console.get(path.format(world.night), world.tokens["administrator"])
    assert page.status == 200
