"""Sessions begin, end and lead back; no other site sends a form (C3, C4, C5)."""

from collections.abc import Mapping

import pytest

from console.cookies import MARK, SESSION
from local.supabase_faults import Kind
from support.console_requests import HOST, event_of
from support.console_world import World

EVIL: tuple[Mapping[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {},
    {"Origin": "https://evil.example"}, {"Origin": "null"},
)  # fmt: skip
FORMS = ("/mentors/{}/pause", "/checks/start", "/messages/read", "/sign-out", "/website/send")


@pytest.mark.parametrize("headers", EVIL)
@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_another_site_is_refused_before_anything_is_called(
    world: World, path: str, headers: Mapping[str, str]
) -> None:
    """C5: no call of Supabase and no run, also with an administrator's session."""
    before = world.fingerprint()
    asked = len(world.project.faults.requests)
    address, token = path.format(world.mentors["both's"][0]), world.tokens["administrator"]
    page = world.console.ask(event_of("POST", address, {"Host": HOST, **headers}, token, "a=b"))
    assert (page.status, world.fingerprint()) == (403, before)
    assert len(world.project.faults.requests) == asked
    assert page.cookies == {}


@pytest.mark.parametrize("kind", ["down", "unavailable", "no JSON", "throttled", "error"])
def test_while_supabase_is_away_a_form_says_what_we_do_not_know(world: World, kind: Kind) -> None:
    """C4: 503; the change may have been made."""
    world.project.faults.replace([{"kind": kind, "path": "/rest/v1/rpc/update_mentor_status"}])
    mentor, token = world.mentors["assigned"][0], world.tokens["coordinator by assignment"]
    form = {"reason": "on_leave", "version": "1"}
    page = world.console.post(f"/mentors/{mentor}/pause", form, token, Accept_Language="en")
    assert page.status == 503
    assert "We do not know whether something was changed." in page.text


@pytest.mark.parametrize("path", ["", "/mentors", "/messages", "/checks", "/x"])
def test_while_supabase_is_away_a_page_says_so(world: World, path: str) -> None:
    """C4: 503, and the session stays."""
    world.project.faults.replace([{"kind": "unavailable", "path": "/rest/"}])
    page = world.console.get(path, world.tokens["administrator"], Accept_Language="en")
    assert (page.status, page.cookies) == (503, {})
    assert "Try again in five minutes." in page.text


def test_a_session_that_ended_leads_to_sign_in_and_back(world: World) -> None:
    """C3: the page says why, and the way back has the query."""
    token = world.tokens["expired token"]
    path = "/mentors?search=%C3%85se&show=held"
    page = world.console.get(path, token, Cookie=f"{MARK}=1")
    assert "Max-Age=0" in page.cookies[SESSION]
    assert page.leads_to.startswith("/sign-in?ended=1&next=%2Fmentors%3F")
    form = world.console.get(page.leads_to, Accept_Language="en")
    assert "Your session has ended. Nothing was changed." in form.text
    assert 'name="next" value="/mentors?search=' in form.text


@pytest.mark.parametrize(
    ("form", "page"),
    [
        ("/mentors/{}/pause", "/mentors/{}"),
        ("/checks/{}/redrive", "/checks/{}"),
        ("/checks/start", "/checks"),
        ("/messages/read", "/messages"),
        ("/website/send", "/website"),
        ("/held/{}/approve", "/held"),
        ("/checks/{}/withdraw", "/checks/{}/withdraw"),
    ],
)
def test_a_form_whose_session_ended_leads_back_to_its_page(
    world: World, form: str, page: str
) -> None:
    """C3: a form is never sent again by itself."""
    number = world.night
    found = world.console.post(form.format(number), {}, world.tokens["expired token"])
    expected = page.format(number).replace("/", "%2F")
    assert found.leads_to == f"/sign-in?next={expected}"
    assert world.console.starter.requests == []


def test_a_person_who_signs_out_is_a_stranger_afterwards(world: World) -> None:
    """C3: the browser has no cookie of the session any more."""
    page = world.console.post("/sign-out", {}, world.tokens["administrator"])
    assert page.leads_to == "/sign-in?out=1"
    assert page.headers["Clear-Site-Data"] == '"cache"'
    assert "Max-Age=0" in page.cookies[SESSION]
    assert "You have signed out." in world.console.get(page.leads_to, Accept_Language="en").text
    assert world.console.get("/mentors").leads_to == "/sign-in?next=%2Fmentors"


def test_a_very_long_address_is_not_repeated(world: World) -> None:
    """C5: API Gateway refuses an answer whose headers have more than 10 kB."""
    page = world.console.get("/mentors?show=" + "a" * 5000)
    assert page.leads_to == "/sign-in?next="


def test_a_path_of_very_many_steps_makes_no_long_links(world: World) -> None:
    """C4: each link of a page begins with as many dots."""
    page = world.console.get("/a" * 3000)
    assert (page.status, len(page.text) < 10_000) == (404, True)
