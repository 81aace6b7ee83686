"""The login to the portal: what is sent, and which answers count (H3)."""

from urllib.parse import parse_qs

import httpx
import pytest

from local.portal import CLIENT_ID, TENANT
from mentor_pause.errors import PortalError, PortalRefused, PortalThrottled, PortalUnavailable
from mentor_pause.portal.answers import login_error_of, token_of
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.login import KeptToken, Token
from mentor_pause.portal.requests import Requests
from support.played_http import played, taken
from support.portal import EXAMPLE, PAUSED, SECRET, Time, settings


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": "invalid_client"}, PortalRefused),
        (400, {"error": "temporarily_unavailable"}, PortalUnavailable),
        (400, {"error": {"secret": "the-portals-secret"}}, PortalRefused),
        (429, {}, PortalThrottled),
        (503, {}, PortalUnavailable),
        (401, {"error": "invalid_client", "error_description": "AADSTSsecret"}, PortalRefused),
    ],
)
def test_a_login_that_fails_has_its_class(
    status: int, body: dict[str, object], error: type[Exception]
) -> None:
    """H3: only the field `error` decides; an unknown value is not repeated."""
    found = login_error_of(taken(httpx.Response(status, json=body)))
    assert type(found) is error
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("body", "token"),
    [
        ({"access_token": "t", "expires_in": 3599}, ("t", 3599.0)),
        ({"access_token": "t", "expires_in": "3599"}, ("t", 3599.0)),
        ({"access_token": "t"}, ("t", 300.0)),
        ({"access_token": "t", "expires_in": "nan"}, ("t", 300.0)),
        ({"access_token": "t", "expires_in": -1}, ("t", 300.0)),
        ({"access_token": ""}, None),
        ({"access_token": "\u00e6"}, None),
        ({"access_token": 5}, None),
    ],
)
def test_a_token_must_be_text_that_a_header_can_hold(
    body: dict[str, object], token: tuple[str, float] | None
) -> None:
    """If the login states no valid life, the client assumes a short one."""
    if token is not None:
        assert token_of(taken(httpx.Response(200, json=body))) == token
        return
    with pytest.raises(PortalError, match="no token"):
        token_of(taken(httpx.Response(200, json=body)))


def test_the_login_sends_the_request_of_the_documentation() -> None:
    """Microsoft's identity platform, "Get a token", with a shared secret."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if "token" in request.url.path:
            return httpx.Response(200, json={"access_token": "a-token", "expires_in": 3599})
        return httpx.Response(204)

    given = settings("https://hlf.crm4.example/").model_copy(
        update={"portal_login_url": "https://login.example/"}
    )
    transport = played(answer)
    Dataverse(Requests(given, Time(left=7.0).timing(), transport), EXAMPLE).push(PAUSED)
    login, patch = seen
    assert (login.method, str(login.url)) == (
        "POST", f"https://login.example/{TENANT}/oauth2/v2.0/token",
    )  # fmt: skip
    assert str(patch.url).startswith("https://hlf.crm4.example/api/data/v9.2/hlf_likepersons(")
    assert login.headers["accept"] == "application/json"
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(login.content.decode()) == {
        "client_id": [CLIENT_ID],
        "client_secret": [SECRET],
        "scope": ["https://hlf.crm4.example/.default"],
        "grant_type": ["client_credentials"],
    }
    for request in seen:
        assert request.extensions["timeout"]["read"] == 7.0
    assert "client_secret" not in patch.url.query.decode()


def test_the_token_of_one_page_serves_the_next_one() -> None:
    """H3: the next client with the same settings sends no login."""
    logins: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if "token" not in request.url.path:
            return httpx.Response(204)
        logins.append(parse_qs(request.content.decode())["client_secret"][0])
        return httpx.Response(200, json={"access_token": "a-token", "expires_in": 3599})

    kept, time = KeptToken(), Time()

    def push(secret: str) -> None:
        ours = settings("https://hlf.crm4.example", secret)
        transport = played(answer)
        requests = Requests(ours, time.timing(), transport, kept.of(ours))
        Dataverse(requests, EXAMPLE).push(PAUSED)
        requests.close()

    for secret in ("old", "old", "new", "new"):
        push(secret)
    assert logins == ["old", "new"]
    time.now += 3599
    push("new")
    assert logins == ["old", "new", "new"]


@pytest.mark.parametrize(("stated", "used"), [(3599, 3539), (100, 50), (20, 30), (None, 240)])
def test_a_token_is_used_until_shortly_before_its_end(stated: int | None, used: int) -> None:
    """A minute before it ends, but not before half of its time, and at least 30 s."""
    logins, time = list[float](), Time()

    def answer(request: httpx.Request) -> httpx.Response:
        if "token" not in request.url.path:
            return httpx.Response(204)
        logins.append(time.now)
        return httpx.Response(200, json={"access_token": "a-token", "expires_in": stated})

    requests = Requests(settings("https://x.example"), time.timing(), played(answer))
    for second in (0, used - 1, used):
        time.now = second
        Dataverse(requests, EXAMPLE).push(PAUSED)
    assert logins == [0, used]


def test_a_login_that_fails_has_no_token_even_if_its_answer_holds_one() -> None:
    """The status decides."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"access_token": "a-token", "error": "access_denied"})

    requests = Requests(settings("https://x.example"), Time().timing(), played(answer))
    with pytest.raises(PortalRefused):
        Dataverse(requests, EXAMPLE).push(PAUSED)


def test_a_kept_token_that_the_portal_refuses_is_replaced() -> None:
    """It may have ended while Lambda had frozen the function."""
    accepted = ["first"]

    def answer(request: httpx.Request) -> httpx.Response:
        if "token" in request.url.path:
            return httpx.Response(200, json={"access_token": accepted[0], "expires_in": 3599})
        known = request.headers["Authorization"] == f"Bearer {accepted[0]}"
        return httpx.Response(204 if known else 401)

    token = Token()
    for name in ("first", "second"):
        accepted[0] = name
        transport = played(answer)
        requests = Requests(settings("https://x.example"), Time().timing(), transport, token)
        assert Dataverse(requests, EXAMPLE).push(PAUSED) == "updated"
        assert token.text == name


def test_a_kept_token_does_not_show_when_it_is_printed() -> None:
    """E12."""
    kept = KeptToken()
    kept.of(settings("https://x.example")).text = "a-token"
    assert "a-token" not in repr(kept)
    assert SECRET not in repr(kept)
