"""What a visit reads from a request, and the cookies that it leaves (C1, C3)."""

from dataclasses import replace
from datetime import tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from console.cookies import LANGUAGE, SESSION, cookie, removed, session_token
from console.request import Request
from console.visit import Person, Visit
from support.console_requests import HOST, Console, event_of
from support.played_supabase import ACCESS, USER


def visit(console: Console, path: str = "/", person: Person | None = None, **headers: str) -> Visit:
    """Return a visit of a page."""
    request = Request.parse(event_of("GET", path, {"Host": HOST} | headers))
    return Visit(console.site(), request, person)


def person(**changed: object) -> Person:
    """Return a person as the database describes them."""
    return Person.parse("a.b.c", dict(ACCESS) | changed)


@pytest.mark.parametrize(
    ("token", "is_one"),
    [("a.b.c", True), ("a-_9.b.c", True), ("a.b", False), ("a.b.c.d", False),
     ("a.b.\u00e5", False), ("", False), ("x a.b.c", False)],
)  # fmt: skip
def test_only_what_looks_like_a_token_is_one(token: str, is_one: bool) -> None:
    """C3: anything else would be sent to Supabase."""
    event = event_of("GET", "/", {"Host": HOST, "Cookie": f'{SESSION}="{token}"'})
    assert session_token(Request.parse(event)) == (token if is_one else None)


def test_no_script_and_no_other_site_gets_a_cookie() -> None:
    """C3: a cookie with `__Host-` also needs the path `/`, and TLS."""
    parts = set(str(cookie(SESSION, "a.b.c", 3600)).split("; "))
    assert parts == {
        f"{SESSION}=a.b.c", "Path=/", "Max-Age=3600", "Secure", "HttpOnly", "SameSite=Lax",
    }  # fmt: skip
    assert "Max-Age=0" in str(removed(SESSION)).split("; ")


@pytest.mark.parametrize(
    ("in_cookie", "setting", "browser", "language"),
    [
        ("en", "nb", "nb", "en"),
        ("xx", "en", "nb", "en"),
        ("", "en", "nb", "en"),
        ("", None, "en", "en"),
        ("", None, "nb", "nb"),
    ],
)
def test_the_choice_here_comes_before_the_setting_and_the_browser(
    console: Console, in_cookie: str, setting: str | None, browser: str, language: str
) -> None:
    """C1: the setting is for all devices of the person."""
    chosen = {"Cookie": f"{LANGUAGE}={in_cookie}"} if in_cookie else {}
    someone = person(language=setting)
    assert visit(console, "/", someone, Accept_Language=browser, **chosen).language == language
    stranger = visit(console, "/", None, Accept_Language=browser, **chosen).language
    assert stranger == (in_cookie if in_cookie == "en" else browser)


def test_a_person_is_read_with_or_without_a_name() -> None:
    """C1."""
    assert person().name == "Kari"
    assert person(display_name=None).name == ""
    assert (person().user_id, person().role, person().token) == (UUID(USER), "admin", "a.b.c")


@pytest.mark.parametrize(
    ("text", "place"),
    [("7", 7), ("0", 0), ("9" * 18, int("9" * 18)), ("9" * 19, None), ("", None), ("-1", None),
     ("1e3", None), ("\u0663", None)],
)  # fmt: skip
def test_a_place_in_a_list_is_a_number_that_the_database_takes(
    console: Console, text: str, place: int | None
) -> None:
    """C5: an address may hold anything."""
    assert visit(console, f"/messages?after={text}").query_place("after") == place


def test_an_id_in_an_address_is_an_id_or_nothing(console: Console) -> None:
    """C5: it is written in one way, whatever the address holds."""
    assert visit(console, f"/x?run={USER.upper()}").query_id("run") == USER
    for text in ("", "7", f"{USER}0"):
        assert visit(console, f"/x?run={text}").query_id("run") is None


def test_a_page_is_rendered_in_the_persons_zone(console: Console) -> None:
    """C1: a stranger has no zone, and their pages show no moments."""
    zones = list[tzinfo | None]()

    class Notes:
        """A renderer that notes the zone."""

        def render(self, template: str, values: object, zone: tzinfo | None) -> str:
            zones.append(zone)
            return template

    def renderer(_: object) -> Notes:
        return Notes()

    site = replace(console.site(), renderer=renderer)
    for who in (person(time_zone="Europe/Oslo"), None):
        assert replace(visit(console, "/", who), site=site).page("x.html").body == "x.html"
    assert zones == [ZoneInfo("Europe/Oslo"), None]
