"""Each address has one page; everything else is unknown (C5)."""

import pytest

from console.routes import ROUTES, Access, Route, find_route
from console.visit import Person
from support.played_supabase import ACCESS, MENTOR, TOKEN

OTHERS = (
    "/x", "/mentor", "/mentorsx", "//", "/mentors/", "/mentors/1", f"/mentors/{MENTOR.upper()}",
    f"/mentors/{MENTOR}/", f"/mentors/{MENTOR}\n", f"/mentors/{MENTOR}/why", f"/held/{MENTOR}",
    "/mentors/..", "/static/console.css", "/checks/preview/start", "/ME", "/m%65", "/{}",
)  # fmt: skip


def person(**changed: object) -> Person:
    """Return a person; without changes an administrator."""
    return Person.parse(TOKEN, {**ACCESS, **changed})


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_each_route_is_found_by_its_method_and_address_alone(route: Route) -> None:
    """With the number in its path."""
    path = route.path.replace("{}", MENTOR)
    numbers = (MENTOR,) if "{}" in route.path else ()
    assert find_route(route.method, path) == (route, numbers)


def test_no_two_routes_have_the_same_address() -> None:
    """Else one of them would be out of reach."""
    addresses = [(route.method, route.path) for route in ROUTES]
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize("path", OTHERS)
def test_another_address_is_unknown(path: str) -> None:
    """A number in upper case too: the console writes each number in one way."""
    assert find_route("GET", path) is None
    assert find_route("POST", path) is None


def test_who_may_open_a_page_of_each_kind() -> None:
    """C1: rows are people, columns the kinds of access."""
    coordinator, both = person(role="coordinator"), person(role="coordinator", mentor_id=MENTOR)
    people = {
        "admin": person(), "coordinator": coordinator, "both": both,
        "mentor": person(role=None, mentor_id=MENTOR), "stranger": person(role=None),
        "nobody": None,
    }  # fmt: skip
    found = {name: {a.name for a in Access if a.allows(p)} for name, p in people.items()}
    assert found == {
        "admin": {"ANYONE", "PERSON", "MEMBER", "ADMIN"},
        "coordinator": {"ANYONE", "PERSON", "MEMBER"},
        "both": {"ANYONE", "PERSON", "MEMBER", "MENTOR"},
        "mentor": {"ANYONE", "PERSON", "MENTOR"},
        "stranger": {"ANYONE", "PERSON"},
        "nobody": {"ANYONE"},
    }


def test_every_form_and_page_but_those_of_sign_in_and_language_needs_a_session() -> None:
    """C3: the list of what anybody may open is short and known."""
    anyone = {(route.method, route.path) for route in ROUTES if route.access is Access.ANYONE}
    assert anyone == {
        ("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/sign-in/code"),
        ("POST", "/sign-in/code"), ("POST", "/sign-out"), ("POST", "/language"),
    }  # fmt: skip
