"""The client's requests, and how it reads the portal's answers, without a network (H2, H3)."""

import json
import logging
from datetime import UTC, date, datetime, timedelta, timezone
from urllib.parse import parse_qs

import httpx
import pytest

from local.portal import CLIENT_ID, TENANT
from mentor_pause.errors import (
    PortalError,
    PortalRefused,
    PortalThrottled,
    PortalUnavailable,
)
from mentor_pause.portal import MentorPage, MentorState
from mentor_pause.portal.answers import error_of, login_error_of, seconds_to_wait, token_of
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.requests import Requests
from support.portal import EXAMPLE, PAUSED, SECRET, Time, recorded, settings


def test_a_redirection_is_not_followed() -> None:
    """The token goes only to the portal."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.host))
        return httpx.Response(302, headers={"Location": "https://evil.example/x"})

    with pytest.raises(PortalError, match="HTTP 302"):
        recorded(answer).push(PAUSED)
    assert asked == ["hlf.crm4.example"]


def test_the_requests_are_those_of_the_documentation() -> None:
    """Method, address, headers and body of an update by alternate key, and of a query."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return (
            httpx.Response(204)
            if request.method == "PATCH"
            else httpx.Response(200, json={"value": []})
        )

    dataverse = recorded(answer)
    dataverse.push(MentorState("O'B", "paused", "on_leave", date(2026, 11, 22)))
    list(dataverse.certifications(datetime(2026, 11, 21, 2, 0, tzinfo=UTC)))
    patch, query = seen
    root = "https://hlf.crm4.example/api/data/v9.2"
    assert (patch.method, str(patch.url)) == (
        "PATCH", f"{root}/hlf_likepersons(hlf_mentornumber='O''B')",
    )  # fmt: skip
    assert patch.headers.items() >= {
        "accept": "application/json", "odata-version": "4.0", "odata-maxversion": "4.0",
        "if-match": "*", "content-type": "application/json", "authorization": "Bearer a-token",
    }.items()  # fmt: skip
    assert json.loads(patch.content) == {
        "hlf_status": 100000001, "statecode": 0, "statuscode": 100000010,
        "hlf_statusreason": 100000021, "hlf_statusfrom": "2026-11-22",
    }  # fmt: skip
    assert str(query.url) == (
        f"{root}/hlf_certifications?$select=hlf_certificationid,hlf_mentornumber,hlf_validuntil,"
        "modifiedon,statecode&$filter=modifiedon%20ge%202026-11-21T02:00:00Z&$orderby=modifiedon%20asc,hlf_certificationid%20asc"
    )
    assert query.headers["prefer"] == "odata.maxpagesize=1000"
    assert "if-match" not in query.headers


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 1.0),
        ({"Retry-After": "-5"}, 1.0),
        ({"Retry-After": "nan"}, 5.0),
        ({"Retry-After": "soon"}, 5.0),
        ({}, 5.0),
        (
            {
                "Retry-After": "Sun, 22 Nov 2026 10:00:30 GMT",
                "Date": "Sun, 22 Nov 2026 10:00:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Sun, 22 Nov 2026 10:00:30 GMT"}, 5.0),
    ],
)
def test_how_long_to_wait_is_read_with_care(headers: dict[str, str], seconds: float) -> None:
    """H3: the client always waits at least a second, or the portal would throttle it further."""
    assert seconds_to_wait(httpx.Response(429, headers=headers)) == seconds


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, PortalError), (401, PortalRefused), (403, PortalError), (408, PortalUnavailable),
        (412, PortalError),
        (429, PortalThrottled), (500, PortalUnavailable), (501, PortalError),
        (503, PortalUnavailable), (302, PortalError),
    ],
)  # fmt: skip
def test_a_status_has_its_class(status: int, error: type[Exception]) -> None:
    """H3: a 501 is permanent, and a redirection is not followed."""
    assert type(error_of(httpx.Response(status, text="<html>"))) is error
    raised = error_of(httpx.Response(status, json={"error": {"code": "0x1", "message": "Kari"}}))
    assert "Kari" not in str(raised)


def test_a_transient_failure_with_a_retry_after_asks_the_client_to_wait() -> None:
    """H3: for every transient status; a permanent failure with the header does not."""
    for status in (408, 429, 500, 503, 504):
        found = error_of(httpx.Response(status, headers={"Retry-After": "10"}))
        assert type(found) is PortalThrottled
        assert found.seconds == 10
    assert type(error_of(httpx.Response(501, headers={"Retry-After": "10"}))) is PortalError


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
    found = login_error_of(httpx.Response(status, json=body))
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
        assert token_of(httpx.Response(200, json=body)) == token
        return
    with pytest.raises(PortalError, match="no token"):
        token_of(httpx.Response(200, json=body))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<h1>Web Site not found</h1>"),
        httpx.Response(404),
        httpx.Response(404, json={"error": {"code": "", "message": "No segment"}}),
        httpx.Response(404, json={"error": {"code": "0x80060888", "message": "No segment"}}),
    ],
)
def test_a_wrong_address_does_not_look_like_a_missing_mentor(
    answer: httpx.Response,
) -> None:
    """H3: otherwise a wrong host would make every mentor unknown."""
    with pytest.raises(PortalError):
        recorded(lambda _request: answer).push(PAUSED)


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("https://evil.example/x", "leads to another host"),
        ("http://hlf.crm4.example/api/data/v9.2/x", "leads to another host"),
        ("//evil.example/x", "leads to another host"),
        ("https://[x/", "leads to another host"),
        ("/next\x01", "is not an address"),
        ("", "leads nowhere"),
        (5, "leads nowhere"),
        ("https://hlf.crm4.example/api/data/v9.2/again", "leads nowhere"),
    ],
)
def test_a_link_to_another_host_or_to_no_page_is_not_followed(link: object, sentence: str) -> None:
    """The token goes only to the portal; a link to its own page is followed once."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.url.scheme}://{request.url.host}")
        return httpx.Response(200, json={"value": [], "@odata.nextLink": link})

    with pytest.raises(PortalError, match=sentence):
        list(recorded(answer).mentors())
    assert set(asked) == {"https://hlf.crm4.example"}
    assert len(asked) <= 2


def test_a_host_may_be_written_in_another_way() -> None:
    """Capitals and the usual port are the same host."""
    links: list[object] = ["https://HLF.crm4.example:443/api/data/v9.2/next", None]

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"value": [], "@odata.nextLink": links.pop(0)})

    assert list(recorded(answer).mentors()) == [MentorPage((), ())] * 2


@pytest.mark.parametrize(
    ("columns", "read"),
    [
        ({"hlf_validuntil": "9999-12-31"}, date.max),
        ({"hlf_validuntil": "2027-01-30"}, date(2027, 1, 31)),
        ({"hlf_validuntil": "2027-01-30T23:00:00Z"}, None),
        ({"hlf_validuntil": "31.01.2027"}, None),
        ({"hlf_validuntil": 20270131}, None),
        ({"modifiedon": None}, None),
        ({"modifiedon": "2026-11-22T10:00:00"}, None),
    ],
)
def test_an_unreadable_certification_does_not_stop_the_others(
    columns: dict[str, object], read: date | None
) -> None:
    """H3: the page names it, so that a person looks at it; a date with a time is not a day."""
    usual = {"hlf_certificationid": "1", "hlf_mentornumber": "7", "hlf_validuntil": "2027-06-30",
             "modifiedon": "2026-11-22T10:00:00.1234567Z"}  # fmt: skip
    rows = [usual | columns, usual | {"hlf_certificationid": "2"}]
    (page,) = recorded(lambda _r: httpx.Response(200, json={"value": rows})).certifications(None)
    assert [r.id for r in page.certifications] == (["2"] if read is None else ["1", "2"])
    assert [row.name for row in page.unreadable] == (["1"] if read is None else [])
    if read is not None:
        assert page.certifications[0].expires_on == read


@pytest.mark.parametrize("value", [None, {}, "x"])
def test_an_answer_without_rows_is_an_error_of_one_sentence(value: object) -> None:
    """The error says that the list of rows is missing."""
    dataverse = recorded(lambda _request: httpx.Response(200, json={"value": value, "x": 1}))
    with pytest.raises(PortalError, match="the portal's answer has"):
        list(dataverse.mentors())


def test_the_filter_has_its_moment_in_utc() -> None:
    """The caller may pass a moment of any zone."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"value": []})

    oslo = datetime(2026, 11, 22, 3, 0, tzinfo=timezone(timedelta(hours=1)))
    list(recorded(answer).certifications(oslo))
    assert "modifiedon%20ge%202026-11-22T02:00:00Z" in asked[0]


def test_an_answer_that_cannot_be_unpacked_counts_as_no_answer() -> None:
    """The client tries three times; then the portal counts as unavailable."""

    def answer(_request: httpx.Request) -> httpx.Response:
        raise httpx.DecodingError("broken gzip")

    with pytest.raises(PortalUnavailable, match="DecodingError"):
        recorded(answer).push(PAUSED)


def test_the_login_sends_the_request_of_the_documentation() -> None:
    """Microsoft's identity platform, "Get a token", with a shared secret."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if "token" in request.url.path:
            return httpx.Response(200, json={"access_token": "a-token", "expires_in": 3599})
        return httpx.Response(204)

    given = settings("https://hlf.crm4.example").model_copy(
        update={"portal_login_url": "https://login.example"}
    )
    transport = httpx.MockTransport(answer)
    Dataverse(Requests(given, Time(left=7.0).timing(), transport), EXAMPLE).push(PAUSED)
    login, patch = seen
    assert (login.method, str(login.url)) == (
        "POST", f"https://login.example/{TENANT}/oauth2/v2.0/token",
    )  # fmt: skip
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(login.content.decode()) == {
        "client_id": [CLIENT_ID],
        "client_secret": [SECRET],
        "scope": ["https://hlf.crm4.example/.default"],
        "grant_type": ["client_credentials"],
    }
    for request in seen:
        assert request.extensions["timeout"] == {
            "connect": 5.0, "read": 7.0, "write": 7.0, "pool": 7.0,
        }  # fmt: skip
    assert "client_secret" not in patch.url.query.decode()


def test_httpx_does_not_log_addresses() -> None:
    """E13: an address holds a mentor's key."""
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
