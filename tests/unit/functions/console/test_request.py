"""A request is read as a browser sent it, and a hostile one does no harm (C5)."""

from typing import Any
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.request import Request
from support.console_requests import HOST, event_of


def parse(path: str = "/mentors", method: str = "GET", **changed: Any) -> Request:
    """Read an event with some of its fields changed."""
    return Request.parse(event_of(method, path, {"Host": HOST}) | changed)


def form_of(body: object, **changed: Any) -> dict[str, str]:
    """Return the form that a body makes."""
    return dict(parse(method="POST", body=body, **changed).form)


def with_headers(**headers: str) -> Request:
    """Read a request with these headers; `_` stands for a dash."""
    return Request.parse(event_of("POST", "/me", headers))


@pytest.mark.parametrize("path", ["", "/", "/mentors", "/mentors/", "/checks/a/withdraw"])
@pytest.mark.parametrize("prefix", ["", "/prod", "/restapis/x/prod/_user_request_"])
def test_the_root_leads_to_the_start_page_from_everywhere(path: str, prefix: str) -> None:
    """Behind any stage, also from an address with a slash at its end."""
    address = f"https://{HOST}{prefix}/console{path}"
    assert urljoin(address, parse(path).root) == f"https://{HOST}{prefix}/console"


def test_a_path_is_the_same_with_and_without_a_slash_at_its_end() -> None:
    """People type addresses."""
    assert (parse("/mentors/").path, parse("/").path, parse("").path) == ("/mentors", "", "")


def test_a_method_is_either_get_or_post() -> None:
    """HEAD and others that get here are answered as GET is: they change nothing."""
    methods = [parse(method=m).method for m in ("GET", "HEAD", "PUT", "DELETE", "post", "POST")]
    assert methods == ["GET"] * 4 + ["POST"] * 2


def test_an_address_holds_the_query_as_a_browser_writes_it() -> None:
    """Sign-in leads back to it."""
    found = parse(queryStringParameters={"search": "Åse & co", "show": "", "after": "x"})
    assert found.address == "/mentors?search=%C3%85se+%26+co&after=x"


def test_a_form_is_read() -> None:
    """Empty fields too, and letters beyond ASCII."""
    assert form_of("reason=on_leave&note=%C3%A5+r%C3%B8d&version=") == {
        "reason": "on_leave", "note": "å rød", "version": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [None, "", "&&&", "x" * 20_001, "&".join(f"a{i}=1" for i in range(51)), "a=" + "%00" * 7000],
    ids=["none", "empty", "only separators", "too long", "too many fields", "long and NUL"],
)
def test_a_body_that_no_form_of_ours_sends_is_an_empty_form(body: str | None) -> None:
    """The page then says what is missing."""
    assert form_of(body) == {}


def test_a_binary_body_is_an_empty_form() -> None:
    """API Gateway encodes it in base64."""
    assert form_of("cmVhc29uPXg=", isBase64Encoded=True) == {}


@pytest.mark.parametrize("body", ["a=%ff%fe", "%", "a=%zz", "a=b;c=d", '{"a": 1}', "\x00=\x00"])
def test_a_broken_body_is_read_without_an_error(body: str) -> None:
    """The values are always text."""
    assert all(isinstance(value, str) for value in form_of(body).values())


@given(st.text(max_size=300))
def test_any_body_and_any_header_are_read(text: str) -> None:
    """No text makes the parser fail."""
    request = Request.parse(
        event_of("POST", "/me", {"Cookie": text, "Accept-Language": text, "Origin": text,
                                 "Host": text}, body=text)
    )  # fmt: skip
    assert request.browser_language in ("nb", "en")
    assert request.is_from_this_site in (True, False)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", {}),
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;;b=2;", {"a": "1", "b": "2"}),
        ("{bad}=1; b=2", {"b": "2"}),
        ("a b=1; c=2", {"c": "2"}),
        ("b=2; b=3", {"b": "3"}),
        ("path=/; b=2", {"b": "2"}),
    ],
)
def test_one_bad_cookie_does_not_lose_the_others(header: str, expected: dict[str, str]) -> None:
    """Another application on the same host may have set it."""
    found = with_headers(Cookie=header).cookies
    assert {name: found[name] for name in found if name in "abc"} == expected


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "nb"),
        ("nb-NO,nb;q=0.9,en;q=0.8", "nb"),
        ("en-GB,en;q=0.9", "en"),
        ("nn", "nb"),
        ("no", "nb"),
        ("de-DE,de", "nb"),
        ("de,en;q=0.3", "en"),
        ("en;q=0.2,nb;q=0.7", "nb"),
        ("en;q=0", "nb"),
        ("en;q=oops", "nb"),
        ("en;q=nan", "nb"),
        (",,;q=", "nb"),
        ("EN-us", "en"),
    ],
)
def test_the_language_is_what_the_browser_prefers(accepted: str, language: str) -> None:
    """Bokmål without a preference for one of ours."""
    assert with_headers(Accept_Language=accepted).browser_language == language
