"""Sign-in leads back to a page of the console alone, and its cookies are out of reach (C3)."""

from urllib.parse import quote

import httpx
import pytest

from console.cookies import EMAIL, LANGUAGE, MARK, SEARCH, SESSION
from console.pages.sign_in import SECONDS_FOR_A_CODE
from support.console_requests import Console
from support.played_supabase import MENTOR, TOKEN, Played

FOREIGN = (
    "//evil.example", "///evil.example", "https://evil.example", "https:evil.example",
    "/\\evil.example", "\\\\evil.example", "%2f%2fevil.example", "/%2f/evil.example",
    "/%2fevil.example", "javascript:alert(1)", "data:text/html,x", "/..//evil.example", "/../x",
    "/mentors\r\nSet-Cookie: a=b", "/mentors%0d%0aLocation: x", "/mentors\n", " /mentors",
    "/mentors#x", "@evil.example", ".evil.example", ":80@evil.example", "mentors", "/Mentors",
    "/mentors?x=//evil\\", "/mentors?x=\x00", "/æ", "/" + "a" * 2000,
)  # fmt: skip
OURS = (
    "", "/mentors", "/" + "a" * 1999, f"/mentors/{MENTOR}", "/mentors?search=%C3%85se&after=x",
    "/checks?before=12",
    "/sign-in?next=%2Fmentors", "/mentors?done=https%3A%2F%2Fevil.example",
)  # fmt: skip
SESSION_OF_AN_HOUR = httpx.Response(200, json={"access_token": TOKEN, "expires_in": 3600})
COOKIE = f"{EMAIL}=kari%40example.org"


@pytest.mark.parametrize("wanted", FOREIGN, ids=lambda text: ascii(text)[:40])
def test_no_other_site_is_ever_led_to(console: Console, played: Played, wanted: str) -> None:
    """C5: neither by the form nor by the address, at no step."""
    played.answers["verify"] = SESSION_OF_AN_HOUR
    code = {"code": "123456", "next": wanted}
    pages = (
        console.post("/sign-in/code", code, Cookie=COOKIE),
        console.post("/language", {"language": "en", "next": wanted}),
    )
    assert [page.leads_to for page in pages] == ["", ""]
    sent = console.post("/sign-in", {"email": "kari@example.org", "next": wanted})
    assert sent.leads_to == "/sign-in/code?next="


@pytest.mark.parametrize("wanted", OURS)
def test_sign_in_leads_back(console: Console, played: Played, wanted: str) -> None:
    """C3: through both steps, with the query."""
    played.answers["verify"] = SESSION_OF_AN_HOUR
    sent = console.post("/sign-in", {"email": "kari@example.org", "next": wanted})
    assert sent.leads_to == f"/sign-in/code?next={quote(wanted, safe='')}"
    code = {"code": " 123 456 ", "next": wanted}
    assert console.post("/sign-in/code", code, Cookie=COOKIE).leads_to == wanted


def test_a_session_is_in_a_cookie_that_scripts_and_other_sites_cannot_reach(
    console: Console, played: Played
) -> None:
    """C3: it ends with the token, and the address is forgotten."""
    played.answers["verify"] = SESSION_OF_AN_HOUR
    page = console.post("/sign-in/code", {"code": "123456"}, Cookie=COOKIE)
    assert attributes(page.cookies[SESSION]) == {
        f"{SESSION}={TOKEN}", "Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=3600",
    }  # fmt: skip
    assert {f"{MARK}=1", "Max-Age=43200"} <= attributes(page.cookies[MARK])
    assert {f"{EMAIL}=", "Max-Age=0"} <= attributes(page.cookies[EMAIL])


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/sign-in", {"email": "kari@example.org"}),
        ("/sign-in/code", {"code": "123456"}),
        ("/language", {"language": "en"}),
        ("/sign-out", {}),
    ],
)
def test_each_cookie_is_tied_to_the_host(
    console: Console, played: Played, path: str, form: dict[str, str]
) -> None:
    """`__Host-` demands `Secure`, `Path=/` and no `Domain`."""
    played.answers["verify"] = SESSION_OF_AN_HOUR
    cookies = console.post(path, form, TOKEN, Cookie=COOKIE).cookies
    assert cookies
    for name, line in cookies.items():
        assert name.startswith("__Host-")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= attributes(line)
        assert "domain" not in line.lower()


@pytest.mark.parametrize(
    "email",
    ["", "kari", "@example.org", "kari@", "a b@example.org", "a@b@c", "a,b@c.no", "<a>@b.no",
     "a" * 65 + "@b.no", "a@" + "b" * 300],
)  # fmt: skip
def test_what_is_no_address_is_not_sent(console: Console, played: Played, email: str) -> None:
    """C3: the page says so, with what the person wrote."""
    page = console.post("/sign-in", {"email": email}, Accept_Language="en")
    assert page.status == 422
    assert "Write your e-mail address, such as" in page.text
    assert "otp" not in played.asked


def error(status: int, code: str) -> httpx.Response:
    """Return an error of Supabase Auth."""
    return httpx.Response(status, json={"code": status, "error_code": code, "msg": "x"})


@pytest.mark.parametrize(
    ("answer", "has_failed"),
    [
        (httpx.Response(200, json={}), False),
        (error(422, "otp_disabled"), False),
        (error(429, "over_email_send_rate_limit"), False),
        (error(500, "unexpected_failure"), True),
        (error(504, "request_timeout"), True),
    ],
)
def test_a_stranger_gets_one_answer_for_all_addresses(
    console: Console,
    played: Played,
    caplog: pytest.LogCaptureFixture,
    answer: httpx.Response,
    *,
    has_failed: bool,
) -> None:
    """C3: known or not, sent or not, after the same time; only the log tells a failure."""
    played.answers["otp"] = answer
    page = console.post("/sign-in", {"email": "kari@example.org"})
    assert (page.status, page.leads_to) == (303, "/sign-in/code?next=")
    assert {COOKIE, "Max-Age=3600"} <= attributes(page.cookies[EMAIL])
    assert 1.5 < console.waits[0] <= SECONDS_FOR_A_CODE == 2.0
    assert ("page not shown" in caplog.text) == has_failed


def test_an_address_is_remembered_whatever_it_holds(console: Console) -> None:
    """C3: its characters could end the cookie."""
    page = console.post("/sign-in", {"email": "a/b=c%d+e@example.org"})
    assert f"{EMAIL}=a%2Fb%3Dc%25d%2Be%40example.org" in attributes(page.cookies[EMAIL])
    longest = f"{'a' * 64}@{'b' * 250}"
    assert console.post("/sign-in", {"email": longest}).status == 303


def test_too_many_codes_for_the_whole_project_are_no_secret(
    console: Console, played: Played
) -> None:
    """C3: Supabase Auth refuses every address then, so the person has to wait."""
    played.answers["otp"] = error(429, "over_request_rate_limit")
    page = console.post("/sign-in", {"email": "kari@example.org"}, Accept_Language="en")
    assert (page.status, page.cookies) == (429, {})
    assert "Many people are signing in just now." in page.text
    assert 'value="kari@example.org"' in page.text


def test_an_auth_service_that_is_away_is_no_secret(console: Console, played: Played) -> None:
    """C3: its gateway answers the same for every address."""
    played.answers["otp"] = httpx.Response(502, html="<html>")
    assert console.post("/sign-in", {"email": "kari@example.org"}).status == 503


@pytest.mark.parametrize("code", ["", "12345", "12345678901", "abcdef", "123-456", "१२३४५६ x"])
def test_what_is_no_code_is_not_sent(console: Console, played: Played, code: str) -> None:
    """C3."""
    page = console.post("/sign-in/code", {"code": code}, Cookie=COOKIE, Accept_Language="en")
    assert page.status == 422
    assert "Write the digits of the code in the e-mail." in page.text
    assert "verify" not in played.asked


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        (httpx.Response(403, json={}), 422, "The code is not right, or it is too old."),
        (httpx.Response(429, json={}), 429, "Too many attempts."),
        (httpx.Response(502, html="<html>"), 503, "Try again in five minutes."),
    ],
)
def test_a_code_that_is_not_taken_begins_no_session(
    console: Console, played: Played, answer: httpx.Response, status: int, text: str
) -> None:
    """C3: wrong, too often, or nobody knows."""
    played.answers["verify"] = answer
    form = {"code": "123456"}
    page = console.post("/sign-in/code", form, Cookie=COOKIE, Accept_Language="en")
    assert (page.status, SESSION in page.cookies) == (status, False)
    assert text in page.text


def test_a_code_needs_an_address(console: Console) -> None:
    """The cookie has gone after an hour."""
    assert console.get("/sign-in/code").leads_to == "/sign-in"
    assert console.post("/sign-in/code", {"code": "123456"}).leads_to == "/sign-in"


def test_an_address_is_shown_as_text(console: Console) -> None:
    """C5: markup in a cookie does nothing."""
    markup = quote("<img src=x>@example.org", safe="")
    page = console.get("/sign-in/code", Cookie=f"{EMAIL}={markup}")
    assert "&lt;img src=x&gt;@example.org" in page.text


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_language_stays_for_a_year(console: Console, language: str) -> None:
    """C6."""
    line = console.post("/language", {"language": language}).cookies[LANGUAGE]
    assert {f"{LANGUAGE}={language}", "Max-Age=31536000"} <= attributes(line)


def test_who_has_no_session_signs_out_without_supabase(console: Console, played: Played) -> None:
    """C3: Supabase Auth has nothing to end."""
    assert console.post("/sign-out", {}).leads_to == "/sign-in?out=1"
    assert played.asked == []


def test_an_unknown_language_is_bokmal(console: Console) -> None:
    """C6."""
    page = console.post("/language", {"language": "x;"})
    assert f"{LANGUAGE}=nb" in attributes(page.cookies[LANGUAGE])


@pytest.mark.parametrize("is_away", [False, True])
def test_sign_out_clears_the_browser_also_while_supabase_is_away(
    console: Console, played: Played, is_away: bool
) -> None:
    """C3: the next person at this computer must find nothing."""
    away = dict.fromkeys(("logout", "get_my_access"), httpx.ConnectError("away"))
    played.answers |= away if is_away else {}
    page = console.post("/sign-out", {}, TOKEN)
    assert page.leads_to == "/sign-in?out=1"
    assert set(page.cookies) == {SESSION, MARK, EMAIL, SEARCH}
    assert all("Max-Age=0" in attributes(line) for line in page.cookies.values())
    assert played.asked == ["logout"]


def attributes(line: str) -> set[str]:
    """Return the parts of a `Set-Cookie` line."""
    return set(line.split("; "))
