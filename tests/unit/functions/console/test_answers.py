"""Every answer has the headers that protect it, errors and redirects too (C5)."""

from typing import Any

import httpx
import pytest

from console.answers import HEADERS
from console.stylesheet import STYLESHEET
from support.console_requests import HOST, Console, event_of, some_id
from support.played_supabase import TOKEN, Played

PERSONAL = ("/", "/mentors", "/me", "/x", "/sign-in", "/static/console.000000000000.css")


def headers_of(console: Console, event: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """Return the status of an answer, and its headers without the redirect."""
    page = console.ask(event)
    return page.status, {n: v for n, v in page.headers.items() if n in HEADERS}


@pytest.mark.parametrize("path", PERSONAL)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("token", ["", TOKEN])
def test_an_answer_has_every_header(console: Console, method: str, path: str, token: str) -> None:
    """Pages, redirects, refusals of another site's form, unknown pages."""
    _, headers = headers_of(console, event_of(method, path, {"Host": HOST}, token))
    assert headers == HEADERS


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.Response(503, html="<html>"), 503),
        (httpx.Response(403, json={"code": "PT403", "message": "no"}), 403),
        (httpx.Response(404, json={"code": "PT404", "message": "no"}), 404),
        (httpx.Response(400, json={"code": "22P02", "message": "no"}), 404),
        (httpx.Response(400, json={"code": "23505", "message": "no"}), 500),
        (httpx.Response(200, json={"nothing": "that the page needs"}), 500),
        (httpx.Response(401, json={}), 303),
    ],
)
def test_an_error_has_every_header_and_says_nothing_of_its_cause(
    console: Console, played: Played, answer: httpx.Response, status: int
) -> None:
    """C4: the cause is in the log."""
    played.answers["get_mentor_page"] = answer
    event = event_of("GET", f"/mentors/{some_id()}", {"Host": HOST}, TOKEN)
    assert headers_of(console, event) == (status, HEADERS)
    text = console.ask(event).text
    assert not any(word in text for word in ("PT40", "22P02", "23505", "KeyError", "Traceback"))


@pytest.mark.parametrize("event", [None, [], {}, {"httpMethod": "GET"}, {"Records": []}, "x"])
def test_an_event_that_is_no_request_is_refused(console: Console, event: Any) -> None:
    """Somebody may invoke the function by mistake."""
    found = ask_raw(console, event)
    assert found["statusCode"] == 400
    assert {n: v[0] for n, v in found["multiValueHeaders"].items()} == HEADERS


def ask_raw(console: Console, event: Any) -> dict[str, Any]:
    """Return the handler's answer as API Gateway gets it."""
    return console.handler(event)


def test_a_wrong_setting_is_a_page_too(console: Console) -> None:
    """C4: the person reads in both languages that we do not know what was changed."""
    console.is_set_up = False
    found = ask_raw(console, event_of("GET", "/", {"Host": HOST}))
    assert found["statusCode"] == 500
    assert "vet vi ikke om noe ble endret" in found["body"]
    assert "we do not know whether something was changed" in found["body"]


def test_the_style_sheet_is_kept_for_a_year_and_holds_nothing_of_anybody(
    console: Console, played: Played
) -> None:
    """Its name changes with its text."""
    page = console.get(f"/static/{STYLESHEET.name}", TOKEN)
    assert page.headers["Content-Type"] == "text/css; charset=utf-8"
    assert page.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert played.asked == []


def test_no_page_has_a_script_or_a_style_of_its_own(console: Console) -> None:
    """The policy forbids them, so a page that had one would be broken."""
    for path in ("/sign-in", "/x"):
        text = console.get(path, TOKEN).text
        assert not any(word in text for word in ("<script", "<style", " style=", " onclick"))
