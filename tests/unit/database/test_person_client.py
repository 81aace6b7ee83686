"""Whatever Supabase answers, the console knows what it means (C2, C3)."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mentor_pause.database.person_client import AuthUnavailable, Session, SessionEnded, Supabase
from mentor_pause.errors import (
    Conflict,
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    Forbidden,
    RetryableDatabaseError,
)
from support.played_http import played

HTML = httpx.Response(502, html="<html>bad gateway</html>")
GOOD: dict[str, Any] = {"access_token": "a.b.c", "expires_in": 3600}


def answering(*answers: httpx.Response | Exception, asked: list[httpx.Request]) -> Supabase:
    """Return a Supabase that gives these answers, one after the other."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return Supabase("https://project.supabase.co/", "the-key", played(answer))


@pytest.fixture
def asked() -> list[httpx.Request]:
    """The requests that Supabase got."""
    return []


def refusal(status: int, code: str, hint: str | None = None) -> httpx.Response:
    """Return an error as PostgREST writes it."""
    return httpx.Response(status, json={"code": code, "message": "no", "hint": hint})


def test_a_call_carries_the_key_and_the_persons_token(asked: list[httpx.Request]) -> None:
    """C2: the token of the person, and nothing that would see more."""
    supabase = answering(httpx.Response(200, json={"a": 1}), asked=asked)
    assert supabase.call("the.per.son", "get_tonight", {"p_org_id": "o"}) == {"a": 1}
    (request,) = asked
    assert request.method == "POST"
    assert request.extensions["timeout"]["read"] == 12.0
    assert str(request.url) == "https://project.supabase.co/rest/v1/rpc/get_tonight"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["apikey"] == "the-key"
    assert request.headers["Authorization"] == "Bearer the.per.son"
    assert request.content == b'{"p_org_id":"o"}'


@pytest.mark.parametrize(
    ("response", "value"),
    [
        (httpx.Response(200, json=[{"a": 1}]), [{"a": 1}]),
        (httpx.Response(200, json=[]), []),
        (httpx.Response(200, json=None), None),
        (httpx.Response(200, json=7), 7),
        (httpx.Response(204), None),
    ],
)
def test_an_answer_is_a_list_or_a_value(
    response: httpx.Response, value: object, asked: list[httpx.Request]
) -> None:
    """A function returns rows or one JSON value."""
    assert answering(response, asked=asked).call("a.b.c", "f", {}) == value


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"code": "PGRST303", "message": "JWT expired"}), SessionEnded),
        (httpx.Response(401, html="<html>"), SessionEnded),
        (refusal(403, "PT403", "not_yours"), Forbidden),
        (refusal(403, "42501"), DatabaseMisconfigured),
        (refusal(409, "PT409", "version_conflict"), Conflict),
        (refusal(400, "22P02"), DatabaseError),
        (httpx.Response(429, json={"message": "API rate limit exceeded"}), DatabaseUnavailable),
        (httpx.Response(500, json={"code": "57014", "message": "timeout"}), RetryableDatabaseError),
        (httpx.Response(503, text=""), DatabaseUnavailable),
        (HTML, DatabaseUnavailable),
        (httpx.Response(200, html="<html>sign in</html>"), DatabaseUnavailable),
        (httpx.Response(200, text="{"), DatabaseUnavailable),
        (httpx.Response(302, headers={"Location": "https://evil"}), RetryableDatabaseError),
        (httpx.ConnectError("no route"), DatabaseUnavailable),
        (httpx.ReadTimeout("slow"), DatabaseUnavailable),
        (httpx.RemoteProtocolError("cut"), DatabaseUnavailable),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_call_that_fails_says_how(
    answer: httpx.Response | Exception, error: type[Exception], asked: list[httpx.Request]
) -> None:
    """Only a 401 ends a session; only the database's own codes are refusals."""
    with pytest.raises(error):
        answering(answer, asked=asked).call("a.b.c", "f", {})
    assert len(asked) == 1


@pytest.mark.parametrize("value", ["\ud800", {"a": "\udfff"}])
def test_a_value_that_is_no_text_is_not_sent(value: object, asked: list[httpx.Request]) -> None:
    """A lone surrogate has no bytes."""
    with pytest.raises(DatabaseError) as caught:
        answering(asked=asked).call("a.b.c", "f", {"p": value})
    assert caught.value.sqlstate == "22P05"
    assert asked == []


@pytest.mark.parametrize("status", [200, 400, 403, 422])
def test_the_answer_is_the_same_for_an_unknown_address(
    status: int, asked: list[httpx.Request]
) -> None:
    """C3: a stranger does not learn who has an account, and nobody gets one this way."""
    assert answering(httpx.Response(status, json={}), asked=asked).send_code("a@b") == "sent"
    assert asked[0].content == b'{"email":"a@b","create_user":false}'


def send(supabase: Supabase) -> object:
    """Ask for a code."""
    return supabase.send_code("a@example.org")


def verify(supabase: Supabase) -> object:
    """Have a code checked."""
    return supabase.verify("a@example.org", "123456")


@pytest.mark.parametrize("act", [send, verify])
def test_too_many_attempts_are_told_apart(
    act: Callable[[Supabase], object], asked: list[httpx.Request]
) -> None:
    """C3: the page then asks to wait."""
    assert act(answering(httpx.Response(429, json={}), asked=asked)) == "too often"


@pytest.mark.parametrize("act", [send, verify])
@pytest.mark.parametrize(
    "answer", [HTML, httpx.Response(500), httpx.Response(302), httpx.ConnectTimeout("slow")]
)
def test_without_an_answer_of_auth_nobody_is_told_that_it_worked(
    act: Callable[[Supabase], object],
    answer: httpx.Response | Exception,
    asked: list[httpx.Request],
) -> None:
    """C4."""
    with pytest.raises(AuthUnavailable):
        act(answering(answer, asked=asked))


def test_an_answer_that_never_came_has_no_status(asked: list[httpx.Request]) -> None:
    """C4: the log says so."""
    with pytest.raises(AuthUnavailable, match="no code was sent: HTTP 0"):
        send(answering(httpx.ConnectTimeout("slow"), asked=asked))


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_code_that_auth_refuses_begins_no_session(
    status: int, asked: list[httpx.Request]
) -> None:
    """C3."""
    response = httpx.Response(status, json={"error_code": "otp_expired"})
    assert verify(answering(response, asked=asked)) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"access_token": "a" * 3801},
        {"access_token": "å.b.c"},
        {"expires_in": None},
        {"expires_in": "soon"},
        {"access_token": None, "expires_in": []},
    ],
    ids=["too long", "not ASCII", "no end", "no number", "nothing"],
)
def test_a_session_that_no_cookie_can_hold_is_a_failure(
    changed: dict[str, Any], asked: list[httpx.Request]
) -> None:
    """A browser would drop the cookie, and the person would be asked for a code again."""
    with pytest.raises(AuthUnavailable):
        verify(answering(httpx.Response(200, json=GOOD | changed), asked=asked))


def test_the_longest_token_that_a_cookie_can_hold(asked: list[httpx.Request]) -> None:
    """A browser stores 4,096 bytes: the token, the cookie's name and its attributes."""
    longest = "a" * 3800
    answer = httpx.Response(200, json=GOOD | {"access_token": longest})
    assert verify(answering(answer, asked=asked)) == Session(longest, 3600)


@pytest.mark.parametrize(
    ("code", "outcome"), [("over_email_send_rate_limit", "sent"), ("another", "too often")]
)
def test_a_second_code_within_a_minute_counts_as_sent(
    code: str, outcome: str, asked: list[httpx.Request]
) -> None:
    """C3: only a known address gets this refusal."""
    answer = httpx.Response(429, json={"error_code": code})
    assert send(answering(answer, asked=asked)) == outcome


@pytest.mark.parametrize("body", ["<html>", "[]", "7", "null", ""])
def test_an_answer_without_a_session_is_a_failure(body: str, asked: list[httpx.Request]) -> None:
    """C4: whatever its form."""
    with pytest.raises(AuthUnavailable):
        verify(answering(httpx.Response(200, text=body), asked=asked))


def test_a_good_code_begins_a_session_that_no_log_can_show(asked: list[httpx.Request]) -> None:
    """E13: the token is not in the text of the object."""
    session = verify(answering(httpx.Response(200, json=GOOD), asked=asked))
    assert session == Session("a.b.c", 3600)
    assert asked[0].url.path == "/auth/v1/verify"
    assert asked[0].content == b'{"type":"email","email":"a@example.org","token":"123456"}'
    assert "a.b.c" not in repr(session)


@pytest.mark.parametrize("answer", [httpx.Response(204), HTML, httpx.ConnectError("no")])
def test_the_end_of_a_session_never_fails(
    answer: httpx.Response | Exception, asked: list[httpx.Request]
) -> None:
    """C3: the browser forgets the token in any case."""
    answering(answer, asked=asked).end_session("a.b.c")
    assert asked[0].url.query == b"scope=local"
    assert asked[0].headers["Authorization"] == "Bearer a.b.c"
